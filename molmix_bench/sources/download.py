"""Fetching one raw file: resumes, retries, checks the checksum, and remembers it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from molmix_bench.errors import ChecksumError, DownloadError
from molmix_bench.specs.source import FileSpec

_TIMEOUT_S = (10.0, 60.0)
"""To connect, and between two pieces of data."""
_BLOCK_BYTES = 1 << 20
_BUSY = (429, 500, 502, 503, 504)
_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416


def file_sha256(path: Path) -> str:
    """Returns the sha256 of a file as 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(file: FileSpec, folder: Path) -> Path:
    """Returns the local copy of an upstream file, downloading it at the first call.

    The checksum is the spec's, or else the one recorded beside the file at its first download. A broken download
    leaves `<name>.part`, from which the next call goes on.

    Raises:
        DownloadError: no address gave the file.
        ChecksumError: the bytes are not those of the checksum.
    """
    target = folder / file.name
    record = folder / f"{file.name}.sha256"
    expected = file.sha256 or (record.read_text(encoding="ascii").strip() if record.is_file() else None)
    if not target.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{file.name}.part"
        _download(file, part)
        _check(part, expected, fix=f"delete {part} and run the command again")
        part.replace(target)
    found = _check(target, expected, fix=f"delete {target} to fetch it again")
    if not record.is_file():
        record.write_text(found + "\n", encoding="ascii")
    return target


def _check(path: Path, expected: str | None, *, fix: str) -> str:
    found = file_sha256(path)
    if expected is not None and found != expected:
        raise ChecksumError(str(path), found=f"sha256 {found}", expected=expected, fix=fix)
    return found


def _download(file: FileSpec, part: Path) -> None:
    failures = []
    for url in file.urls:
        try:
            _download_persistently(url, part, title=file.name)
        except requests.RequestException as error:
            failures.append(f"{url} ({_reason(error)})")
        else:
            return
    if not failures:
        found = "it is in no folder given, and its spec gives no address"
        raise DownloadError(file.name, found=found, fix="fetch it by hand and point --raw at its folder")
    raise DownloadError(
        file.name,
        found=f"it cannot be downloaded: {'; '.join(failures)}",
        fix="check the network and run the command again, or fetch it by hand and point --raw at its folder",
    )


def _download_persistently(url: str, part: Path, *, title: str) -> None:
    """Downloads, going on after every break for as long as each attempt brings something new."""
    while True:
        before = _size(part)
        try:
            _download_url(url, part, title=title)
        except requests.ConnectionError:
            if _size(part) <= before:
                raise
        else:
            return


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _download_url(url: str, part: Path, *, title: str) -> None:
    done = _size(part)
    headers = {"Range": f"bytes={done}-"} if done else {}
    with _session() as session, session.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
        if response.status_code == _RANGE_NOT_SATISFIABLE:
            # Everything was there already; the checksum decides whether it is the right thing.
            return
        response.raise_for_status()
        if response.status_code != _PARTIAL_CONTENT:
            done = 0  # the server ignored the range and sends the whole file
        length = response.headers.get("Content-Length")
        total = done + int(length) if length and length.isdigit() else None
        with (
            part.open("ab" if done else "wb") as stream,
            tqdm(desc=title, total=total, initial=done, unit="B", unit_scale=True, disable=None) as progress,
        ):
            # The raw stream: `iter_content` would unpack a .gz that a server labels as Content-Encoding.
            try:
                for block in iter(lambda: response.raw.read(_BLOCK_BYTES, decode_content=False), b""):
                    stream.write(block)
                    progress.update(len(block))
            except HTTPError as error:  # urllib3's own, since the raw stream goes past requests
                raise requests.ConnectionError(str(error)) from error
    if total is not None and _size(part) != total:
        raise requests.ConnectionError(f"the connection broke after {_size(part):,} of {total:,} bytes")


@contextmanager
def _session() -> Iterator[requests.Session]:
    retry = Retry(
        total=5, connect=2, read=2, backoff_factor=0.5, status_forcelist=_BUSY, respect_retry_after_header=True
    )
    with requests.Session() as session:
        session.headers["Accept-Encoding"] = "identity"
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry))
        yield session


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"HTTP {error.response.status_code}"
    return f"{type(error).__name__}: {error!s:.120}"
