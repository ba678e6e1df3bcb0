"""Comparing a mix, wherever it lies, with its manifest: the sha256 of every file and the digest of every table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from molmix_bench.build.digest import ContentDigest, add_digests
from molmix_bench.errors import HubError, MixError
from molmix_bench.hub.contents import is_foreign
from molmix_bench.hub.remote import Remote
from molmix_bench.mix import MAX_MANIFEST_BYTES
from molmix_bench.parquet import open_parquet
from molmix_bench.sources.download import file_sha256
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.manifest import FORMAT, BuiltFile, Manifest
from molmix_bench.vocab import MANIFEST_FILE, MIX_CONFIG

_NUM_NAMED = 5


class Source(Protocol):
    """A place where a mix lies."""

    @property
    def where(self) -> str:
        """The place's name in messages."""

    def sizes(self) -> dict[str, int]:
        """Returns the bytes of every file by path."""

    def local(self, path: str) -> AbstractContextManager[Path]:
        """Returns a context with the file on this machine's disk."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A file or a table that is not what the manifest says."""

    path: str
    found: str
    expected: str


class FolderSource:
    """A mix in a directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def where(self) -> str:
        """The directory."""
        return str(self.path)

    def sizes(self) -> dict[str, int]:
        """Returns the bytes of every file by path."""
        found = (path for path in sorted(self.path.rglob("*")) if path.is_file())
        return {path.relative_to(self.path).as_posix(): path.stat().st_size for path in found}

    @contextmanager
    def local(self, path: str) -> Iterator[Path]:
        """Yields the file itself."""
        yield self.path / path


class RemoteSource:
    """A mix in a repository on a Hub, at one commit."""

    def __init__(self, remote: Remote, commit: str) -> None:
        self._remote = remote
        self._commit = commit

    @property
    def where(self) -> str:
        """The repository and the commit."""
        return f"{self._remote.where} at {self._commit}"

    def sizes(self) -> dict[str, int]:
        """Returns the bytes of every file by path."""
        return {path: file.size for path, file in self._remote.tree(self._commit).items()}

    def local(self, path: str) -> AbstractContextManager[Path]:
        """Returns a context with a fresh copy of the file."""
        return self._remote.downloaded(self._commit, path)


def verify(source: Source, *, step: Callable[[str], object] = lambda _: None) -> list[Difference]:
    """Returns everything that differs from the manifest; nothing where all is well.

    Args:
        source: where the mix lies.
        step: called with the path of each file before it is read.

    Raises:
        MixError: there is no manifest, or none that can be read.
    """
    manifest = read_manifest(source)
    sizes = source.sizes()
    named = {file.path for file in manifest.files} | {MANIFEST_FILE}
    differences = []
    digests: dict[str, list[str]] = {}
    for file in manifest.files:
        step(file.path)
        if file.path not in sizes:
            differences.append(Difference(file.path, "no such file", f"{file.num_bytes:,} bytes"))
            continue
        found, digest = _compare(source, file)
        differences += found
        digests.setdefault(_table_of(file.path), []).append(digest)
    differences += [
        Difference(path, "a file that the manifest does not name", "no such file")
        for path in sizes
        if path not in named and not is_foreign(path)
    ]
    return [*differences, *_compare_digests(manifest, digests)]


def wrong_bytes(source: Source, path: str, sha256: str) -> bool:
    """Whether a file that is there has other bytes than its sha256 says."""
    with source.local(path) as local:
        return file_sha256(local) != sha256


def read_manifest(source: Source) -> Manifest:
    """Returns the manifest of a mix; raises `MixError` where it is missing or no manifest."""
    where = f"{source.where}, {MANIFEST_FILE}"
    size = source.sizes().get(MANIFEST_FILE)
    if size is None:
        raise MixError(source.where, found=f"no {MANIFEST_FILE}", expected="a finished mix")
    if size > MAX_MANIFEST_BYTES:
        raise MixError(where, found=f"{size:,} bytes", expected=f"at most {MAX_MANIFEST_BYTES:,}")
    with source.local(MANIFEST_FILE) as local:
        try:
            data = json.loads(local.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise MixError(where, found=f"no readable JSON ({error})", expected="a manifest") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = f"format {data.get('format')!r}" if isinstance(data, dict) else "no manifest"
        raise MixError(where, found=found, expected=repr(FORMAT), fix="another version of molmix-bench wrote it")
    return validate_spec(Manifest, data, where=where)


def require_same(source: Source, differences: list[Difference]) -> None:
    """Raises `HubError` that names what differs, where anything does."""
    if differences:
        listed = "; ".join(f"{item.path} ({item.found})" for item in differences[:_NUM_NAMED])
        more = f" and {len(differences) - _NUM_NAMED} more" if len(differences) > _NUM_NAMED else ""
        raise HubError(
            source.where,
            found=f"files that differ from the manifest: {listed}{more}",
            expected="every byte as in manifest.json",
            fix="molmix-bench verify lists them all",
        )


def _compare(source: Source, file: BuiltFile) -> tuple[list[Difference], str]:
    """Returns how a file's bytes differ, and the digest of the rows of a table; empty for what is no table."""
    with source.local(file.path) as local:
        found = file_sha256(local)
        if found != file.sha256:
            return [Difference(file.path, f"sha256 {found}", file.sha256)], ""
        return [], _content_digest(local) if _table_of(file.path) else ""


def _table_of(path: str) -> str:
    """Returns the table that a file is a shard of, as `config/split`; empty for figures and the files at the top.

    >>> _table_of("qm9/test_seen-00000-of-00002.parquet"), _table_of("figures/sizes.png"), _table_of("drops.parquet")
    ('qm9/test_seen', '', '')
    """
    config, slash, name = path.rpartition("/")
    return f"{config}/{name.split('-')[0]}" if slash and name.endswith(".parquet") else ""


def _content_digest(path: Path) -> str:
    digest = ContentDigest()
    try:
        with open_parquet(path) as file:
            for batch in file.iter_batches():
                digest.update([batch])
    except (pa.ArrowException, OSError) as error:
        raise MixError(str(path), found=f"no readable parquet ({error})") from None
    return digest.hexdigest()


def _compare_digests(manifest: Manifest, digests: dict[str, list[str]]) -> Iterator[Difference]:
    """Yields the tables whose rows are not those of the manifest; a table with a wrong file is named by that file."""
    tables = {
        f"{name}/{split}": entry for name, item in manifest.datasets.items() for split, entry in item.splits.items()
    }
    tables |= {f"{MIX_CONFIG}/{split}": entry for split, entry in manifest.mix.items()}
    for table, entry in tables.items():
        parts = digests.get(table, [])
        if parts and all(parts) and add_digests(parts) != entry.digest:
            yield Difference(table, f"content digest {add_digests(parts)}", entry.digest)
