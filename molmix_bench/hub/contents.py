"""What a mix's directory must hold on a Hub, compared with what a commit holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from molmix_bench.hub.remote import RemoteFile
from molmix_bench.mix import Mix
from molmix_bench.sources.download import file_sha256
from molmix_bench.vocab import MANIFEST_FILE

BATCH_FILES = 50
BATCH_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of the mix to publish."""

    path: str
    source: Path
    sha256: str
    size: int

    def matches(self, found: RemoteFile | None) -> bool:
        """Whether the Hub's tree names these very bytes."""
        if found is None or found.size != self.size:
            return False
        if found.sha256 is not None:
            return found.sha256 == self.sha256
        # Files that are not large ones are small enough to read.
        data = self.source.read_bytes()
        return hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest() == found.oid


def local_files(mix: Mix) -> dict[str, LocalFile]:
    """Returns every file of a mix by path: those that its manifest names, and the manifest last."""
    files = {
        item.path: LocalFile(item.path, mix.path / item.path, item.sha256, item.num_bytes)
        for item in mix.manifest.files
    }
    manifest = mix.path / MANIFEST_FILE
    files[MANIFEST_FILE] = LocalFile(MANIFEST_FILE, manifest, file_sha256(manifest), manifest.stat().st_size)
    return files


def is_foreign(path: str) -> bool:
    """Whether a file that a mix does not name may lie beside it: at the top, hidden or no table.

    Anything else could be taken for data: the Hub's clients read what matches a config's pattern.
    """
    pure = PurePosixPath(path)
    return pure.name.startswith(".") or (len(pure.parts) == 1 and pure.suffix not in (".parquet", ".arrow"))


def stale_files(tree: Mapping[str, object], wanted: Mapping[str, object], before: frozenset[str]) -> list[str]:
    """Returns the files of a tree that a new version does not have and that must go.

    Args:
        tree: the files that are there.
        wanted: the files of the new version.
        before: the files that the manifest of the version there names.
    """
    return [path for path in sorted(tree) if path not in wanted and (path in before or not is_foreign(path))]


def batches(files: list[LocalFile]) -> Iterator[list[LocalFile]]:
    """Yields the files in order, a bounded number and a bounded number of bytes at a time."""
    batch: list[LocalFile] = []
    size = 0
    for file in files:
        if batch and (len(batch) == BATCH_FILES or size + file.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch
