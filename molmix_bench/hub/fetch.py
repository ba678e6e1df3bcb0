"""Fetching a mix from a Hub into the Hub's own cache, and comparing it with its manifest at its first use."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from molmix_bench.atomic import write_text
from molmix_bench.cache import cache_dir
from molmix_bench.errors import HubError
from molmix_bench.hub.remote import MAIN, Remote
from molmix_bench.hub.trouble import is_missing, is_refused, is_unreachable
from molmix_bench.hub.verify import Difference, FolderSource, read_manifest, require_same, verify
from molmix_bench.specs.manifest import Manifest
from molmix_bench.talk import say
from molmix_bench.vocab import MANIFEST_FILE

_NUM_NAMED = 5


def fetch(repo: str, *, revision: str | None = None) -> Path:
    """Returns the directory of a mix of a Hub, downloaded at the first call and verified before it is first used.

    Without a network, in offline mode for one, it is the copy in the cache.

    Args:
        repo: `namespace/name`.
        revision: a branch, a tag or a commit; main when not given.

    Raises:
        UsageError: the name is no repository's.
        HubError: the repository cannot be reached, or its files differ from its manifest.
        MixError: the repository holds no mix.
    """
    remote = Remote(repo)
    wanted = revision or MAIN
    try:
        # Whoever has no network wants to know it soon.
        Remote(repo, tries=2).head(wanted)
    except HubError as error:
        if not is_unreachable(error):
            raise
        say(f"{remote.where}: not reached; looking for it in the cache")
        return _verified(remote, _cached(remote, wanted, error))
    # By the name, so that the cache knows it without a network; the folder bears the commit that it stood for.
    folder = remote.cached(wanted, [MANIFEST_FILE])
    manifest = read_manifest(FolderSource(folder))
    return _verified(remote, remote.cached(folder.name, _patterns(manifest)))


def fetch_if_there(repo: str, *, revision: str) -> Path | None:
    """Returns the directory of a mix of a Hub as `fetch` does, or says why there is none and returns None."""
    try:
        fetched = fetch(repo, revision=revision)
    except HubError as error:
        # What a Hub answers to the first question is a reason to look elsewhere; wrong bytes are not.
        if error.__cause__ is None or not (is_missing(error) or is_unreachable(error) or is_refused(error)):
            raise
        say(f"not on the Hub: {error}")
        return None
    return fetched


def _cached(remote: Remote, revision: str, reason: HubError) -> Path:
    with suppress(HubError):
        folder = remote.cached(revision, [MANIFEST_FILE], local_only=True)
        # `datasets` keeps its downloads in the same place, and needs no manifest.
        if (folder / MANIFEST_FILE).is_file():
            return folder
    raise reason


def _patterns(manifest: Manifest) -> list[str]:
    """Returns patterns of all files of a mix, few of them however many shards there are."""
    folders = sorted({file.path.rpartition("/")[0] for file in manifest.files} - {""})
    tops = sorted(file.path for file in manifest.files if "/" not in file.path)
    return [MANIFEST_FILE, *tops, *(f"{folder}/*" for folder in folders)]


def _verified(remote: Remote, folder: Path) -> Path:
    """Returns the folder once every byte in it is known to be right; a file that is not is fetched once more."""
    record = cache_dir() / "verified" / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:32]}.json"
    state = _state(folder)
    if record.is_file() and json.loads(record.read_text(encoding="utf-8")) == state:
        return folder
    source = FolderSource(folder)
    if wrong := _wrong(source):
        named = f"{', '.join(wrong[:_NUM_NAMED])}{', ...' if len(wrong) > _NUM_NAMED else ''}"
        say(f"{remote.where}: {len(wrong)} files that are not as in the manifest ({named}); fetching them again")
        for path in wrong:
            (folder / path).resolve().unlink(missing_ok=True)
            (folder / path).unlink(missing_ok=True)
        remote.cached(folder.name, wrong)
        differences = verify(source)
        if differences:
            _forget(folder, differences)
            require_same(source, differences)
    write_text(record, json.dumps(_state(folder)))
    return folder


def _wrong(source: FolderSource) -> list[str]:
    """Returns the files to fetch again; raises where that would not help."""
    differences = verify(source)
    named = {file.path for file in read_manifest(source).files}
    require_same(source, [item for item in differences if item.path not in named])
    return [item.path for item in differences]


def _forget(folder: Path, differences: list[Difference]) -> None:
    """Takes wrong files out of the Hub's cache, where other programs would take them for right."""
    for item in differences:
        (folder / item.path).resolve().unlink(missing_ok=True)
        (folder / item.path).unlink(missing_ok=True)


def _state(folder: Path) -> dict[str, list[int]]:
    """Returns size and time of every file: what changes when a file does."""
    found = ((path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): [stat.st_size, stat.st_mtime_ns] for path, stat in found}
