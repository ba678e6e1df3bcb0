"""Commits and trees: what a repository held at one moment, as plain data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from molmix_bench.devhub.names import RefusalError, check_path

MAX_REGULAR_BYTES = 10 << 20
"""Larger files are stored as large files, whatever their names."""
LFS_SUFFIXES = (
    ".arrow",
    ".bin",
    ".gz",
    ".h5",
    ".npy",
    ".npz",
    ".parquet",
    ".png",
    ".pt",
    ".safetensors",
    ".tar",
    ".zip",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree.

    Attributes:
        oid: git's sha1 of the file, or of the pointer that stands for a large one.
        size: bytes of the file itself.
        sha256: of a large file's bytes; None for a file that git would hold itself.
    """

    oid: str
    size: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """One state of a repository, whole."""

    parent: str | None
    title: str
    message: str
    author: str
    date: str
    files: dict[str, Entry]

    @property
    def sha(self) -> str:
        """The commit's identity: a digest of all it says."""
        return hashlib.sha1(self.to_json().encode(), usedforsecurity=False).hexdigest()

    def to_json(self) -> str:
        """Returns the commit as JSON, the same text for the same commit."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)


def commit_from_json(text: str) -> Commit:
    """Returns the commit that `to_json` wrote."""
    data = json.loads(text)
    files = {path: Entry(**entry) for path, entry in data.pop("files").items()}
    return Commit(files=files, **data)


def git_oid(data: bytes) -> str:
    """Returns git's name of a blob.

    >>> git_oid(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


def large_entry(sha256: str, size: int) -> Entry:
    """Returns the entry of a large file; git holds a pointer in its place."""
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
    return Entry(git_oid(pointer.encode()), size, sha256)


def is_large(path: str, size: int) -> bool:
    """Whether a file is to be uploaded as a large one."""
    return path.lower().endswith(LFS_SUFFIXES) or size > MAX_REGULAR_BYTES


def apply_changes(
    files: Mapping[str, Entry], *, added: Mapping[str, Entry], deleted: list[str], folders: list[str]
) -> dict[str, Entry]:
    """Returns the tree after a commit; refuses to delete what is not there."""
    kept = dict(files)
    for path in deleted:
        if kept.pop(check_path(path), None) is None:
            raise RefusalError(404, f"A file with this name doesn't exist: {path}", code="EntryNotFound")
    for folder in folders:
        prefix = folder.strip("/") + "/"
        kept = {path: entry for path, entry in kept.items() if folder.strip("/") and not path.startswith(prefix)}
    kept.update({check_path(path): entry for path, entry in added.items()})
    return dict(sorted(kept.items()))


def tree_entry(path: str, entry: Entry) -> dict[str, Any]:
    """Returns a file as the Hub's tree lists it."""
    item: dict[str, Any] = {"type": "file", "oid": entry.oid, "size": entry.size, "path": path}
    if entry.sha256 is not None:
        item["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": 134}
    return item
