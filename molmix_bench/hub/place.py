"""A folder that mixes are published to: a directory of this machine, or an address such as `s3://bucket/folder`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from molmix_bench.atomic import PART_SUFFIX, written_whole
from molmix_bench.errors import HubError, MissingExtraError, UsageError


def is_address(text: str) -> bool:
    """Whether a text is an address with a protocol, and not the name of a directory."""
    return "://" in text


class Place:
    """A folder behind fsspec; every file in it is at every instant absent, as before, or complete.

    Args:
        address: a directory or an address.

    Raises:
        UsageError: nobody knows the protocol.
        MissingExtraError: the protocol's package is not installed.
    """

    def __init__(self, address: str) -> None:
        import fsspec

        self.where = address.rstrip("/")
        try:
            where = self.where if is_address(address) else str(Path(address).absolute())
            # No instance of before: it would remember old listings, keys and endpoints.
            fs, root = fsspec.core.url_to_fs(where, skip_instance_cache=True)
        except ImportError as error:
            raise MissingExtraError(address, found=str(error), fix="pip install the package it names") from error
        except ValueError as error:
            raise UsageError(address, found=str(error), expected="a directory or an address like s3://...") from error
        self._fs: Any = fs
        self._root = str(root).rstrip("/")
        # An object store shows an object once it is whole; a file system shows every byte that was written.
        self._is_local = "file" in ([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol)

    def sizes(self) -> dict[str, int]:
        """Returns the bytes of every file by path; none where there is no such folder."""
        with self._explained(self.where):
            self._fs.invalidate_cache()
            self._refuse_missing_bucket()
            try:
                found = self._fs.find(self._root, detail=True)
            except FileNotFoundError:
                found = {}
        if self._root in found:
            raise UsageError(self.where, found="a file", expected="a folder, or nothing there yet")
        start = len(self._root) + 1
        return {
            name[start:]: int(info["size"]) for name, info in sorted(found.items()) if not name.endswith(PART_SUFFIX)
        }

    def _refuse_missing_bucket(self) -> None:
        # Writing would make the bucket, under a name that may be a slip of the pen.
        bucket = self._root.partition("/")[0]
        if not bucket or self._is_local:
            return
        try:
            # Not `exists`: it says no, too, when nobody answers or the keys are wrong.
            self._fs.info(bucket)
        except FileNotFoundError:
            fix = "make it first, or check the address"
            raise HubError(self.where, found=f"no bucket {bucket!r}", fix=fix) from None

    def put(self, path: str, source: Path) -> None:
        """Writes a file, whole or not at all."""
        with self._explained(f"{self.where}/{path}"):
            if self._is_local:
                with written_whole(Path(self._root) / path) as part:
                    shutil.copyfile(source, part)
            else:
                self._fs.makedirs(f"{self._root}/{path}".rpartition("/")[0], exist_ok=True)
                self._fs.put_file(str(source), f"{self._root}/{path}")

    def put_text(self, path: str, text: str) -> None:
        """Writes a text file, whole or not at all."""
        with tempfile.TemporaryDirectory(prefix="molmix-") as folder:
            source = Path(folder) / "text"
            source.write_text(text, encoding="utf-8")
            self.put(path, source)

    def delete(self, path: str) -> None:
        """Deletes a file."""
        with self._explained(f"{self.where}/{path}"):
            self._fs.rm_file(f"{self._root}/{path}")

    @contextmanager
    def local(self, path: str) -> Iterator[Path]:
        """Yields the file on this machine's disk: itself, or a copy that is gone afterwards."""
        if self._is_local:
            yield Path(self._root) / path
            return
        with tempfile.TemporaryDirectory(prefix="molmix-") as folder:
            copy = Path(folder) / "copy"
            with self._explained(f"{self.where}/{path}"):
                self._fs.get_file(f"{self._root}/{path}", str(copy))
            yield copy

    @contextmanager
    def _explained(self, where: str) -> Iterator[None]:
        """Turns what a file system raises into an error that says where and what to do."""
        boto = sys.modules.get("botocore.exceptions")
        errors = (OSError, boto.BotoCoreError) if boto else (OSError,)
        try:
            yield
        except errors as error:
            fix = "check rights, room and network, then run the same command again; it goes on where it was"
            raise HubError(where, found=f"{type(error).__name__}: {error!s:.300}", fix=fix) from error


class Below:
    """A folder inside a place, which a mix lies in.

    Args:
        place: the place.
        folder: the folder's path inside it; empty for the place itself.
    """

    def __init__(self, place: Place, folder: str) -> None:
        self._place = place
        self._prefix = f"{folder}/" if folder else ""

    @property
    def where(self) -> str:
        """The folder."""
        return f"{self._place.where}/{self._prefix}".rstrip("/")

    def sizes(self) -> dict[str, int]:
        """Returns the bytes of every file by path."""
        found = self._place.sizes().items()
        return {path[len(self._prefix) :]: size for path, size in found if path.startswith(self._prefix)}

    @contextmanager
    def local(self, path: str) -> Iterator[Path]:
        """Yields the file on this machine's disk."""
        with self._place.local(self._prefix + path) as local:
            yield local
