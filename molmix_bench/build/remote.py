"""A folder behind a URL (`s3://bucket/folder`, `hf://datasets/name`), through fsspec: listed, read and written."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from molmix_bench.atomic import PART_SUFFIX, write_text
from molmix_bench.cache import cache_dir
from molmix_bench.errors import BuildError, MissingExtraError, MolmixError
from molmix_bench.extras import require_s3
from molmix_bench.sources.download import file_sha256
from molmix_bench.specs.base import content_digest

_BLOCK_BYTES = 4 << 20
_STAMPS = ("ETag", "etag", "md5Hash", "blob_id", "mtime", "LastModified", "created")
"""Where the file systems keep what changes with a file's content."""
_RELATIVE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_AGAIN = "mend that; the same command continues from here"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as its folder lists it: what tells one content from another without reading it."""

    size: int
    stamp: str


def is_url(place: str) -> bool:
    """Whether a place is a URL and no path.

    >>> is_url("s3://bucket/toymix"), is_url("data/toymix")
    (True, False)
    """
    return "://" in place


class RemoteFolder:
    """A folder of some file system that fsspec knows.

    Args:
        url: of the folder; keys and endpoints come from the environment, as the file system's own documents say.

    Raises:
        MissingExtraError: fsspec, or its package for this kind of URL, is not installed.
        BuildError: no file system is known by that name.
    """

    def __init__(self, url: str) -> None:
        require_s3()
        self.url = url.rstrip("/")
        try:
            # By name: the package is optional. No instance of before: it would remember old listings.
            core = importlib.import_module("fsspec.core")
            self._fs, self._root = core.url_to_fs(self.url, skip_instance_cache=True)
        except ImportError as error:
            raise MissingExtraError(url, found=str(error), fix="install that package") from None
        except ValueError as error:
            raise BuildError(url, found=str(error), expected="a URL that fsspec knows, as s3://bucket/folder") from None

    def files(self, *, depth: int | None = None) -> dict[str, RemoteFile]:
        """Returns the files below the folder by their relative names; of a folder that is not there, none.

        Names that are no plain relative names (hidden files, blanks) are left out.
        """
        with self._told("list"):
            self._fs.invalidate_cache()
            try:
                found = self._fs.find(self._root, maxdepth=depth, detail=True)
            except FileNotFoundError:
                return {}
        named = {path.removeprefix(self._root).lstrip("/"): info for path, info in found.items()}
        return {name: _describe(info) for name, info in sorted(named.items()) if _RELATIVE.fullmatch(name)}

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """Returns the content of a small file."""
        with self._told("read", name), self._fs.open(self._path(name), "rb") as stream:
            content: bytes = stream.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise BuildError(f"{self.url}/{name}", found=f"over {max_bytes:,} bytes", expected=f"at most {max_bytes:,}")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Writes a small file."""
        with self._told("write", name):
            self._fs.pipe_file(self._path(name), content)

    def delete(self, name: str) -> None:
        """Deletes a file."""
        with self._told("delete", name):
            self._fs.rm_file(self._path(name))

    def put(self, local: Path, name: str) -> RemoteFile:
        """Uploads a file and returns how the folder lists it.

        Raises:
            BuildError: it cannot be written, or is not listed with its size.
        """
        with self._told("write", name):
            self._fs.put_file(str(local), self._path(name))
            self._fs.invalidate_cache()
            stored = _describe(self._fs.info(self._path(name)))
        if stored.size != local.stat().st_size:
            found = f"{stored.size:,} bytes after the upload"
            raise BuildError(f"{self.url}/{name}", found=found, expected=f"{local.stat().st_size:,}", fix=_AGAIN)
        return stored

    def get(self, name: str, remote: RemoteFile, local: Path) -> str:
        """Brings a file here, unless it is here already, and returns its sha256.

        The cache records its size, stamp and sha256; a broken transfer goes on where it was.
        """
        record = cache_dir() / "origins" / f"{content_digest({'file': str(local.absolute())})[:24]}.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(record.with_suffix(".lock")):
            return self._get(name, remote, local, record=record)

    def _get(self, name: str, remote: RemoteFile, local: Path, *, record: Path) -> str:
        part = local.with_name(local.name + PART_SUFFIX)
        known = {"url": f"{self.url}/{name}", "size": remote.size, "stamp": remote.stamp}
        before = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
        same = {key: before.get(key) for key in known} == known
        if same and local.is_file():
            found = file_sha256(local)
            if found == before.get("sha256"):
                return found
        local.parent.mkdir(parents=True, exist_ok=True)
        local.unlink(missing_ok=True)
        if not same:
            part.unlink(missing_ok=True)
            write_text(record, json.dumps(known))
        self._transfer(name, remote, part)
        sha256 = file_sha256(part)
        part.replace(local)
        write_text(record, json.dumps(known | {"sha256": sha256}))
        return sha256

    def _transfer(self, name: str, remote: RemoteFile, part: Path) -> None:
        with self._told("read", name), self._fs.open(self._path(name), "rb") as source, part.open("ab") as sink:
            source.seek(sink.tell())
            for block in iter(lambda: source.read(_BLOCK_BYTES), b""):
                sink.write(block)
        if part.stat().st_size != remote.size:
            found = f"{part.stat().st_size:,} bytes"
            part.unlink()
            raise BuildError(f"{self.url}/{name}", found=found, expected=f"{remote.size:,}", fix=_AGAIN)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    @contextmanager
    def _told(self, verb: str, name: str = "") -> Iterator[None]:
        try:
            yield
        except MolmixError:
            raise
        except Exception as error:
            # Every file system has errors of its own, with no class in common; all of them are told, none is swallowed.
            where = f"{self.url}/{name}" if name else self.url
            text = (str(error).strip().splitlines() or [""])[0]
            raise BuildError(
                where,
                found=f"it cannot {verb} there ({type(error).__name__}: {text:.300})",
                fix=f"check the address, the keys and the network, {_AGAIN}",
            ) from error


def _describe(info: dict[str, Any]) -> RemoteFile:
    stamp = next((str(info[key]) for key in _STAMPS if info.get(key)), "")
    return RemoteFile(int(info.get("size") or 0), stamp)
