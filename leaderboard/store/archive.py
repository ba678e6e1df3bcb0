"""Files by the hash of their content: written once, never changed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from pathlib import Path

from molmix_bench.errors import MolmixError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_READ_ONLY = 0o444


class Archive:
    """A folder of files that are named by their SHA-256.

    Args:
        path: the folder; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(exist_ok=True)

    def place(self, sha256: str) -> Path:
        """Returns where a file lies, or would."""
        if _SHA256.fullmatch(sha256) is None:
            raise ValueError(sha256)
        return self.path / sha256[:2] / sha256

    def keep(self, source: Path, sha256: str) -> None:
        """Takes in a file of this hash, which keeps its other name; it must not be written to any more."""
        place = self.place(sha256)
        if not place.exists():
            _sync(source)
            place.parent.mkdir(exist_ok=True)
            source.chmod(_READ_ONLY)
            try:
                os.link(source, place)
            except FileExistsError:
                return
            _sync(place.parent)
            _sync(self.path)

    def keep_bytes(self, content: bytes) -> str:
        """Takes in a content and returns its hash."""
        sha256 = hashlib.sha256(content).hexdigest()
        part = self.path / f"{secrets.token_hex(8)}.part"
        try:
            part.write_bytes(content)
            self.keep(part, sha256)
        finally:
            part.unlink(missing_ok=True)
        return sha256

    def drop(self, sha256: str) -> None:
        """Deletes a file."""
        self.place(sha256).unlink(missing_ok=True)

    def read(self, sha256: str) -> bytes:
        """Returns the content of a file, found whole.

        Raises:
            MolmixError: it is another than it was.
        """
        content = self.place(sha256).read_bytes()
        _expect(self.place(sha256), hashlib.sha256(content).hexdigest())
        return content

    def copy(self, sha256: str, target: Path) -> None:
        """Copies a file, found whole: a link would change under other readers when it is made and unmade.

        Raises:
            MolmixError: it is another than it was.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.place(sha256), target)
        _expect(self.place(sha256), hash_file(target))


def hash_file(path: Path) -> str:
    """Returns the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _expect(place: Path, found: str) -> None:
    if found != place.name:
        fix = "restore it from a backup of the store"
        raise MolmixError(str(place), found=f"a content whose SHA-256 is {found}", expected="that of its name", fix=fix)


def _sync(path: Path) -> None:
    """Waits until a file, or the names in a folder, would outlive the end of the machine's power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
