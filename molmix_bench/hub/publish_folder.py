"""Publishing a mix to a folder: `TARGET/v1.0.0/` holds the version, `TARGET/latest.json` says which one is current.

A version's manifest is written when every other file of it was read back; `latest.json`, the last write of all, is
one small file that is replaced whole. So a reader who follows it finds the old or the new complete version.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from molmix_bench.errors import HubError, MixError
from molmix_bench.hub.contents import LocalFile, local_files, stale_files
from molmix_bench.hub.place import Below, Place
from molmix_bench.hub.publish import Publication
from molmix_bench.hub.valid import open_valid, warn_of_card
from molmix_bench.hub.verify import wrong_bytes
from molmix_bench.mix import Mix
from molmix_bench.talk import say
from molmix_bench.vocab import MANIFEST_FILE

LATEST_FILE = "latest.json"
MAX_LATEST_BYTES = 1 << 16


def publish_to_folder(
    path: Path, target: str, *, version: str | None = None, yes: bool = False, workers: int = 1
) -> Publication:
    """Publishes a mix to a folder and returns what was done; without `yes`, what would be.

    Args:
        path: the directory of the mix.
        target: a directory, or an address that fsspec knows, such as `s3://bucket/folder`.
        version: the version that the mix must have; whatever it has when not given.
        yes: whether to do it.
        workers: processes of the validation.

    Raises:
        UsageError, MissingExtraError: as `place.Place`; the mix has another version.
        MixError, HubError: the mix is none or not valid; the folder refuses, or holds something else.
    """
    place = Place(target)
    mix = open_valid(path, version=version, workers=workers)
    warn_of_card(mix)
    wanted = local_files(mix)
    tag = f"v{mix.version}"
    plan = _plan(place, mix, wanted, tag)
    if not yes or plan.tagged:
        return plan
    say(f"{place.where}: {len(plan.changed)} files to publish as {tag}")
    for stale in plan.stale:
        place.delete(f"{tag}/{stale}")
    for file in plan.changed:
        _put_verified(place, file, tag)
    place.put_text(LATEST_FILE, json.dumps({"name": mix.name, "version": mix.version, "folder": tag}, indent=1) + "\n")
    return _plan(place, mix, wanted, tag)


def current_folder(place: Place) -> str:
    """Returns the folder of the current version below a place that was published to; empty for a mix itself.

    Raises:
        MixError: the place holds neither.
    """
    sizes = place.sizes()
    if MANIFEST_FILE in sizes:
        return ""
    return str(_read_latest(place, sizes)["folder"])


def _plan(place: Place, mix: Mix, wanted: dict[str, LocalFile], tag: str) -> Publication:
    sizes = place.sizes()
    _refuse_other_use(place, mix, sizes)
    below = Below(place, tag)
    there = below.sizes()
    if MANIFEST_FILE in there:
        if wrong_bytes(below, MANIFEST_FILE, wanted[MANIFEST_FILE].sha256):
            raise HubError(
                below.where,
                found="the version is published with other content",
                expected="the same manifest, or nothing",
                fix="a published version never changes: build with another one, --set version=...",
            )
        tagged = LATEST_FILE in sizes and _read_latest(place, sizes)["folder"] == tag
        return Publication(place.where, tag, None, (), (), (), tag, tagged=tagged)
    changed = [file for path, file in wanted.items() if not _is_there(below, there, file)]
    # What lies there in the folder of an unfinished version was never shown to anybody.
    stale = tuple(stale_files(there, wanted, frozenset()))
    return Publication(place.where, tag, None, tuple(changed), (), stale, None, tagged=False)


def _is_there(below: Below, there: dict[str, int], file: LocalFile) -> bool:
    return there.get(file.path) == file.size and not wrong_bytes(below, file.path, file.sha256)


def _put_verified(place: Place, file: LocalFile, tag: str) -> None:
    for _ in range(2):
        place.put(f"{tag}/{file.path}", file.source)
        if not wrong_bytes(Below(place, tag), file.path, file.sha256):
            return
    raise HubError(
        f"{place.where}/{tag}/{file.path}",
        found="other bytes than were written, twice",
        expected=f"sha256 {file.sha256}",
        fix="nothing of the version is shown yet; check the storage, or validate the mix again",
    )


def _refuse_other_use(place: Place, mix: Mix, sizes: dict[str, int]) -> None:
    if LATEST_FILE in sizes:
        found = _read_latest(place, sizes)["name"]
        if found != mix.name:
            raise HubError(
                place.where, found=f"the mix {found}", expected=f"the mix {mix.name}", fix="choose another --to"
            )
    elif any(not path.startswith(f"v{mix.version}/") for path in sizes):
        raise HubError(
            place.where,
            found=f"files that no publication left there ({next(iter(sizes))}, ...)",
            expected="an empty folder, or one that was published to",
            fix="choose another --to",
        )


def _read_latest(place: Place, sizes: dict[str, int]) -> dict[str, Any]:
    where = f"{place.where}/{LATEST_FILE}"
    if LATEST_FILE not in sizes:
        raise MixError(place.where, found=f"neither {MANIFEST_FILE} nor {LATEST_FILE}", expected="a mix")
    if sizes[LATEST_FILE] > MAX_LATEST_BYTES:
        raise MixError(where, found=f"{sizes[LATEST_FILE]:,} bytes", expected=f"at most {MAX_LATEST_BYTES:,}")
    with place.local(LATEST_FILE) as local:
        return parse_latest(local.read_bytes(), where=where)


def parse_latest(content: bytes, *, where: str) -> dict[str, Any]:
    """Returns what `latest.json` says: the name, the version and the folder of a mix.

    Raises:
        MixError: it says something else.
    """
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MixError(where, found=f"no readable JSON ({error})") from None
    if not isinstance(data, dict) or f"v{data.get('version')}" != data.get("folder") or "/" in data["folder"]:
        raise MixError(where, found="no name, version and folder of a mix", fix="publish again")
    return data
