"""A build whose raw files and whose mix may lie behind URLs: fetched before it, uploaded after it.

The work between is local, in the cache: object stores have no rename, and every piece of every step would pay a round
trip for each of its files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from molmix_bench.build.engine import Engine
from molmix_bench.build.remote import RemoteFolder, is_url
from molmix_bench.build.run import build
from molmix_bench.build.stored import upload_mix
from molmix_bench.cache import cache_dir
from molmix_bench.errors import UsageError
from molmix_bench.mix import Mix
from molmix_bench.specs.base import content_digest
from molmix_bench.specs.catalog import resolve_sources
from molmix_bench.specs.mix import MixSpec
from molmix_bench.talk import say

_DEPTH = 2
"""Raw files lie in the folder or in its subfolders, as on a disk."""


def build_anywhere(
    spec: MixSpec, out: str, *, raw: Sequence[str] = (), workers: int = 1, engine: Engine | None = None
) -> Mix:
    """Builds a mix at a path or a URL, from folders that are paths or URLs; returns it as it lies on this machine.

    Args:
        spec: the mix.
        out: the directory to make; of a URL, a copy stays in the cache.
        raw: folders that hold raw files; what is in none of them is downloaded.
        workers: number of processes.
        engine: where pieces run, in place of worker processes of this machine.

    Raises:
        UsageError, SourceError, BuildError: as `build.run.build`; also where a URL cannot be read or written.
    """
    folders = [_fetch_raw(spec, place) if is_url(_plain(place)) else Path(_plain(place)) for place in raw]
    target = _plain(out)
    if not is_url(target):
        return build(spec, Path(target), raw=folders, workers=workers, engine=engine)
    remote = RemoteFolder(target)
    remote.files()  # an address or key that is wrong shows before the work, not after it
    local = cache_dir() / "mixes" / f"{spec.name}-{content_digest({'url': remote.url})[:12]}"
    mix = build(spec, local, raw=folders, workers=workers, engine=engine)
    say(f"uploading {mix.path} to {remote.url}")
    upload_mix(mix, remote)
    return mix


def _plain(place: str) -> str:
    """Returns the path that a `file://` URL means, and any other place as it is.

    >>> _plain("file:///data/raw%20files"), _plain("s3://bucket/raw")
    ('/data/raw files', 's3://bucket/raw')
    """
    return unquote(urlsplit(place).path) if place.startswith("file://") else place


def _fetch_raw(spec: MixSpec, url: str) -> Path:
    """Returns a folder of the cache with those files of the folder behind a URL that the mix asks for."""
    remote = RemoteFolder(url)
    folder = cache_dir() / "raw" / f"url-{content_digest({'url': remote.url})[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = set()
    for source in resolve_sources(spec):
        if spec.datasets is None or set(spec.datasets) & set(source.datasets):
            wanted |= {file.name for file in (*source.files, *filter(None, [source.split_file]))}
    there = remote.files(depth=_DEPTH)
    if not there:
        raise UsageError("--raw", found=f"no file at {url}", fix="check the address")
    for name, file in there.items():
        base = name.rpartition("/")[2]
        if base in wanted or base.removesuffix(".gz") in wanted:
            say(f"fetching {url}/{name} ({file.size:,} bytes)")
            remote.get(name, file, folder / name)
    return folder
