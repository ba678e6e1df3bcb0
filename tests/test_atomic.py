"""Tests of files that are whole or not there."""

from __future__ import annotations

import pytest

from molmix_bench.atomic import write_text, written_whole


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
