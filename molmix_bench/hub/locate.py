"""From what a user names to a place where a mix lies: a directory, an address, or a repository on a Hub."""

from __future__ import annotations

from pathlib import Path

from molmix_bench.build.remote import RemoteFolder
from molmix_bench.errors import UsageError
from molmix_bench.hub.place import Below, Place, is_address
from molmix_bench.hub.publish_folder import LATEST_FILE, MAX_LATEST_BYTES, current_folder, parse_latest
from molmix_bench.hub.remote import MAIN, Remote, is_repo_name
from molmix_bench.hub.verify import FolderSource, RemoteSource, Source
from molmix_bench.mix import is_mix
from molmix_bench.talk import say
from molmix_bench.vocab import MANIFEST_FILE


def locate(name: str, *, revision: str | None = None) -> Source:
    """Returns the place that a name stands for.

    Args:
        name: a directory, an address with a protocol, or `namespace/name` on a Hub.
        revision: a branch, tag or commit of a repository, or a version such as `v1.0.0` of a folder published to.

    Raises:
        UsageError: the name is none of these.
        HubError: the Hub cannot be reached, or has no such repository or revision.
    """
    if Path(name).is_dir():
        return FolderSource(version_folder(Path(name), revision=revision))
    if is_address(name):
        place = Place(name)
        return Below(place, current_folder(place) if revision is None else revision)
    if not is_repo_name(name):
        raise UsageError(
            repr(name), found="no such directory", expected="a directory, an address, or namespace/name of a repository"
        )
    remote = Remote(name)
    say(f"{name}: no such directory here; asking the Hub, {remote.api.endpoint}")
    return RemoteSource(remote, remote.head(revision or MAIN))


def version_folder(path: Path, *, revision: str | None = None) -> Path:
    """Returns the directory of the mix at a path: itself, or the current version where mixes were published to it.

    Raises:
        UsageError: a revision of something that has none.
    """
    published = (path / LATEST_FILE).is_file() and not is_mix(path)
    if revision is None:
        return path / current_folder(Place(str(path))) if published else path
    if not published or not is_mix(path / revision):
        raise UsageError(f"revision {revision!r}", found=f"no such version in {path}", fix="leave it out")
    return path / revision


def version_address(url: str, *, revision: str | None = None) -> str:
    """Returns the address of the mix at an address: itself, or that of a version where mixes were published to it.

    Raises:
        UsageError: a revision of something that has none.
        BuildError: the folder cannot be read.
        MixError: what says which version is current cannot be read.
    """
    folder = RemoteFolder(url)
    top = folder.files(depth=1)
    published = LATEST_FILE in top and MANIFEST_FILE not in top
    if revision is None:
        if not published:
            return url
        content = folder.read(LATEST_FILE, max_bytes=MAX_LATEST_BYTES)
        return f"{folder.url}/{parse_latest(content, where=f'{folder.url}/{LATEST_FILE}')['folder']}"
    if not published or MANIFEST_FILE not in RemoteFolder(f"{folder.url}/{revision}").files(depth=1):
        raise UsageError(f"revision {revision!r}", found=f"no such version in {url}", fix="leave it out")
    return f"{folder.url}/{revision}"
