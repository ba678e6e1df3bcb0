"""Mixes behind URLs: uploaded with the manifest last, so that a directory without one is never taken for whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from molmix_bench.atomic import write_text
from molmix_bench.build.remote import RemoteFile, RemoteFolder
from molmix_bench.cache import cache_dir
from molmix_bench.errors import BuildError, MixError
from molmix_bench.mix import MAX_MANIFEST_BYTES, Mix
from molmix_bench.specs.base import content_digest, validate_spec
from molmix_bench.specs.manifest import Manifest
from molmix_bench.talk import say
from molmix_bench.vocab import MANIFEST_FILE

UNFINISHED_FILE = "unfinished.json"
"""Lies in a directory from before the first file of an upload until after the last; says which build it is of."""


def find_mix(remote: RemoteFolder, build_key: str) -> bool:
    """Whether the finished mix of this build is there already.

    Raises:
        BuildError: something else is there.
    """
    files = remote.files()
    found = ""
    if MANIFEST_FILE in files:
        manifest = _read_manifest(remote)
        if manifest.build_key == build_key:
            if UNFINISHED_FILE in files:
                remote.delete(UNFINISHED_FILE)
            return True
        found = f"another build of {manifest.name} {manifest.version} (another spec, raw files or versions)"
    elif UNFINISHED_FILE in files:
        if _read_json(remote, UNFINISHED_FILE).get("build_key") == build_key:
            return False
        found = "the unfinished upload of another build"
    elif files:
        found = "something that is no mix"
    else:
        return False
    raise BuildError(remote.url, found=found, expected="nothing there", fix="delete it, or choose another --out")


def upload_mix(mix: Mix, remote: RemoteFolder) -> None:
    """Uploads a mix, its manifest last; what an interrupted upload brought there is not sent again.

    Beside the mix, `<name>.uploaded.json` records what is there: sha256, and size and stamp as the folder lists them.

    Raises:
        BuildError: something else is there, or a file cannot be written.
    """
    if find_mix(remote, mix.manifest.build_key):
        say(f"{remote.url} holds this build already")
        return
    journal = mix.path.with_name(f"{mix.path.name}.uploaded.json")
    sent: dict[str, Any] = {}
    if journal.is_file():
        recorded = json.loads(journal.read_text(encoding="utf-8"))
        sent = recorded["files"] if recorded["url"] == remote.url else {}
    remote.write(UNFINISHED_FILE, json.dumps({"build_key": mix.manifest.build_key}).encode())
    there = remote.files()
    for file in mix.manifest.files:
        before = sent.get(file.path)
        if before and before[0] == file.sha256 and there.get(file.path) == RemoteFile(*before[1:]):
            continue
        stored = remote.put(mix.path / file.path, file.path)
        sent[file.path] = [file.sha256, stored.size, stored.stamp]
        write_text(journal, json.dumps({"url": remote.url, "files": sent}))
    remote.put(mix.path / MANIFEST_FILE, MANIFEST_FILE)
    remote.delete(UNFINISHED_FILE)
    journal.unlink(missing_ok=True)


def fetch_mix(url: str) -> Path:
    """Returns the directory, in the cache, of a mix behind a URL; every file is compared with the manifest.

    Raises:
        MixError: there is no finished mix, or a file is not what the manifest says.
        BuildError: the folder cannot be read.
    """
    remote = RemoteFolder(url)
    files = remote.files()
    if MANIFEST_FILE not in files:
        found = "an unfinished upload" if UNFINISHED_FILE in files else f"no {MANIFEST_FILE}"
        fix = "the command that builds it continues it" if UNFINISHED_FILE in files else "check the address"
        raise MixError(url, found=found, expected="a finished mix", fix=fix)
    manifest = _read_manifest(remote)
    # Of another build at the same place, another folder.
    folder = (
        cache_dir()
        / "mixes"
        / f"{manifest.name}-{content_digest({'url': remote.url, 'build': manifest.build_key})[:12]}"
    )
    for file in manifest.files:
        if file.path not in files:
            raise MixError(f"{url}/{file.path}", found="no such file", expected="a file of the mix")
        sha256 = remote.get(file.path, files[file.path], folder / file.path)
        if sha256 != file.sha256:
            raise MixError(f"{url}/{file.path}", found=f"sha256 {sha256}", expected=f"{file.sha256} as in the manifest")
    remote.get(MANIFEST_FILE, files[MANIFEST_FILE], folder / MANIFEST_FILE)
    return folder


def _read_manifest(remote: RemoteFolder) -> Manifest:
    return validate_spec(Manifest, _read_json(remote, MANIFEST_FILE), where=f"{remote.url}/{MANIFEST_FILE}")


def _read_json(remote: RemoteFolder, name: str) -> Any:
    try:
        return json.loads(remote.read(name, max_bytes=MAX_MANIFEST_BYTES))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MixError(f"{remote.url}/{name}", found=f"no readable JSON ({error})", fix="upload it again") from None
