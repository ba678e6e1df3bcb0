"""Files within archives: streamed line by line, or unpacked into a folder of their own."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from molmix_bench.errors import SourceError

MAX_LINE_BYTES = 1 << 20
MAX_UNPACKED_BYTES = 1 << 30
"""Largest table that is taken out of an archive."""
_TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)


def read_lines(path: Path, member: str | None = None) -> Iterator[str]:
    """Yields the lines of a text file, unpacked where it ends in `.gz`, or of a file in an archive, without their ends.

    Raises:
        SourceError: the file is damaged or truncated, has no such member, is no text, or has a line without end.
    """
    where = name_of(path, member)
    with open_member(path, member) as stream:
        number = 0
        while True:
            try:
                line = stream.readline(MAX_LINE_BYTES)
            except _DAMAGE as error:
                raise _damaged(where, error) from None
            if not line:
                return
            number += 1
            if len(line) == MAX_LINE_BYTES:
                raise SourceError(where, found=f"line {number:,} of over {MAX_LINE_BYTES:,} bytes", expected="text")
            # Comments of structure files are in any encoding; what matters is ASCII.
            yield line.decode("utf-8", errors="replace").rstrip("\r\n")


@contextmanager
def open_member(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    """Yields a stream of the file's bytes, or of its member's; raises `SourceError` as `read_lines`."""
    where = name_of(path, member)
    try:
        if member is None:
            with path.open("rb") as raw:
                # Buffered once more: `GzipFile` reads a line in Python, this in C.
                yield io.BufferedReader(gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw
        elif path.name.endswith(".zip"):
            with zipfile.ZipFile(path) as packed, packed.open(_zip_member(packed, member, where)) as stream:
                yield stream
        elif path.name.endswith(_TAR_ENDINGS):
            # As a stream: members are not listed first, which would unpack the whole archive twice.
            with tarfile.open(path, "r|*") as archive:
                yield _tar_member(archive, member, where)
        else:
            expected = f"an archive ending in .zip or {', '.join(_TAR_ENDINGS)}"
            raise SourceError(path.name, found=f"the ending {path.suffix!r}", expected=expected)
    except _DAMAGE as error:
        raise _damaged(where, error) from None


@contextmanager
def unpacked(path: Path, member: str) -> Iterator[Path]:
    """Yields a temporary copy of an archive's member under its own name; raises `SourceError` as `read_lines`."""
    where = name_of(path, member)
    with tempfile.TemporaryDirectory(prefix="molmix-") as folder:
        copy = Path(folder) / PurePosixPath(member).name
        size = 0
        with open_member(path, member) as stream, copy.open("wb") as out:
            try:
                while block := stream.read(1 << 20):
                    size += len(block)
                    if size > MAX_UNPACKED_BYTES:
                        raise SourceError(where, found="a file of more", expected=f"{MAX_UNPACKED_BYTES:,} bytes")
                    out.write(block)
            except _DAMAGE as error:
                raise _damaged(where, error) from None
        yield copy


def name_of(path: Path, member: str | None) -> str:
    """Returns how errors name a file or a member of an archive."""
    return path.name if member is None else f"{path.name}, {member}"


def _zip_member(archive: zipfile.ZipFile, member: str, where: str) -> zipfile.ZipInfo:
    names = archive.namelist()
    if member not in names:
        raise _absent(where, names)
    info = archive.getinfo(member)
    if info.flag_bits & 1:
        raise SourceError(where, found="a file under a password", expected="a plain one")
    return info


def _tar_member(archive: tarfile.TarFile, member: str, where: str) -> IO[bytes]:
    names = []
    for info in archive:
        names.append(info.name)
        if info.name.removeprefix("./") == member:
            stream = archive.extractfile(info) if info.isreg() else None
            if stream is None:
                raise SourceError(where, found="no plain file", expected="one")
            return stream
    raise _absent(where, names)


def _absent(where: str, names: list[str]) -> SourceError:
    return SourceError(where, found="no such file in the archive", expected=f"one of {', '.join(names[:8])}")


def _damaged(where: str, error: BaseException) -> SourceError:
    text = " ".join(str(error).split()) or type(error).__name__
    return SourceError(where, found=f"unreadable: {text:.300}", fix="the file is damaged or of another form")
