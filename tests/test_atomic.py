"""Tests of files that are whole or not there."""

from __future__ import annotations

import numpy as np
import pytest

from molmix_bench.atomic import ARRAYS_DAMAGED, opened_arrays, write_text, written_whole


def test_whole(tmp_path):
    """The file appears with its content, folders are made, nothing is left beside it."""
    write_text(tmp_path / "a" / "b.txt", "x")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]
    assert (tmp_path / "a" / "b.txt").read_text() == "x"


def test_failure_leaves_the_old_one(tmp_path):
    """What fails half-way leaves the file as it was."""
    path = tmp_path / "b.txt"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError):
        _fail_half_way(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _fail_half_way(path):
    with written_whole(path) as part:
        part.write_text("half")
        raise ZeroDivisionError


def test_arrays_come_back_or_their_damage_is_one_of_those_named(tmp_path):
    """Whichever byte is overwritten, and wherever the file ends; what would be unpickled is refused too."""
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.arange(50))
    with opened_arrays(path) as arrays:
        assert arrays["a"].tolist() == list(range(50))
    content = path.read_bytes()
    whole = 0
    for place in range(len(content)):
        for broken in (content[:place], content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]):
            path.write_bytes(broken)
            try:
                with opened_arrays(path) as arrays:
                    whole += arrays["a"].tolist() == list(range(50))
            except ARRAYS_DAMAGED:
                continue
    # Bytes of the archive that say nothing of the array.
    assert whole < len(content) / 2
    np.savez(path, a=np.array([{}], object))
    with pytest.raises(ValueError, match="allow_pickle"), opened_arrays(path) as arrays:
        arrays["a"]
