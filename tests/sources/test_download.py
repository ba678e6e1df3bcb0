"""Tests of downloads against a real HTTP server on loopback."""

from __future__ import annotations

import hashlib

import pytest

from molmix_bench.errors import ChecksumError, DownloadError
from molmix_bench.sources.download import fetch
from molmix_bench.specs.source import FileSpec
from tests.sources.server import Faults, serve

BODY = bytes(range(256)) * 40_000
SHA256 = hashlib.sha256(BODY).hexdigest()


def test_first_download_records_the_checksum(tmp_path):
    """The file arrives whole, its checksum is recorded, and the second call asks nobody."""
    faults = Faults(BODY)
    with serve(faults) as address:
        spec = FileSpec(name="a.bin", urls=(f"{address}/a.bin",))
        assert fetch(spec, tmp_path).read_bytes() == BODY
        assert (tmp_path / "a.bin.sha256").read_text() == SHA256 + "\n"
        assert fetch(spec, tmp_path) == tmp_path / "a.bin"
    assert len(faults.requests) == 1


def test_cut_connection_resumes(tmp_path):
    """A broken download goes on where it broke, with a Range request."""
    faults = Faults(BODY, cut_after=3 << 20)
    with serve(faults) as address:
        assert fetch(FileSpec(name="a.bin", urls=(f"{address}/a.bin",)), tmp_path).read_bytes() == BODY
    assert faults.requests == [None, f"bytes={3 << 20}-"]


def test_interrupted_download_resumes_in_the_next_call(tmp_path):
    """What arrived before the server went away is kept, and the next call asks for the rest."""
    faults = Faults(BODY, cut_after=1 << 20, gone_after_cut=True)
    with serve(faults) as address:
        spec = FileSpec(name="a.bin", urls=(f"{address}/a.bin",))
        with pytest.raises(DownloadError, match=r"a\.bin: it cannot be downloaded"):
            fetch(spec, tmp_path)
        assert (tmp_path / "a.bin.part").stat().st_size == 1 << 20
        assert not (tmp_path / "a.bin").exists()
        faults.gone_after_cut = False
        assert fetch(spec, tmp_path).read_bytes() == BODY
    assert faults.requests[-1] == f"bytes={1 << 20}-"


def test_server_without_ranges(tmp_path):
    """Where Range is ignored, the file is fetched anew, not appended to itself."""
    (tmp_path / "a.bin.part").write_bytes(BODY[:1000])
    with serve(Faults(BODY, ranges=False)) as address:
        assert fetch(FileSpec(name="a.bin", urls=(f"{address}/a",)), tmp_path).read_bytes() == BODY


def test_everything_was_there_already(tmp_path):
    """A part that is complete is not fetched again."""
    (tmp_path / "a.bin.part").write_bytes(BODY)
    with serve(Faults(BODY)) as address:
        assert fetch(FileSpec(name="a.bin", urls=(f"{address}/a",)), tmp_path).read_bytes() == BODY


def test_busy_server_is_asked_again(tmp_path):
    """503 and 429 are retried."""
    faults = Faults(BODY, statuses=[503, 429])
    with serve(faults) as address:
        assert fetch(FileSpec(name="a.bin", urls=(f"{address}/a",)), tmp_path).read_bytes() == BODY
    assert len(faults.requests) == 3


def test_next_address(tmp_path):
    """Where one address fails, the next is tried; where all fail, the error names each and what to do."""
    with serve(Faults(BODY, statuses=[404])) as address:
        spec = FileSpec(name="a.bin", urls=("http://127.0.0.1:9/a", f"{address}/gone", f"{address}/a"))
        assert fetch(spec, tmp_path).read_bytes() == BODY
    spec = FileSpec(name="b.bin", urls=("http://127.0.0.1:9/b",))
    with pytest.raises(DownloadError, match=r"http://127.0.0.1:9/b \(ConnectionError.* point --raw at its folder"):
        fetch(spec, tmp_path)
    with pytest.raises(DownloadError, match="it is in no folder given, and its spec gives no address"):
        fetch(FileSpec(name="c.bin"), tmp_path)


def test_wrong_checksum_of_a_download(tmp_path):
    """Bytes that are not those of the spec are refused and never take the file's name."""
    with serve(Faults(BODY)) as address:
        spec = FileSpec(name="a.bin", urls=(f"{address}/a",), sha256="0" * 64)
        with pytest.raises(ChecksumError, match=f"found sha256 {SHA256}; expected 0000"):
            fetch(spec, tmp_path)
    assert not (tmp_path / "a.bin").exists()


def test_changed_file_is_noticed(tmp_path):
    """A file that changed since its first download is refused."""
    with serve(Faults(BODY)) as address:
        spec = FileSpec(name="a.bin", urls=(f"{address}/a",))
        fetch(spec, tmp_path).write_bytes(BODY[:-1] + b"x")
        with pytest.raises(ChecksumError, match="to fetch it again"):
            fetch(spec, tmp_path)
