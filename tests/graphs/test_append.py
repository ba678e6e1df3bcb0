"""Tests of arrays that grow on the disk."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from molmix_bench.graphs.append import ArrayWriter


def test_appended_rows_are_one_array(tmp_path):
    """Rows appended piece by piece are one file of plain numbers, described with dtype, shape and digest."""
    with ArrayWriter(tmp_path) as writer:
        writer.append("part/of/it", np.array([[1, 2]], np.uint16))
        writer.append("part/of/it", np.zeros((0, 2), np.uint16))
        writer.append("part/of/it", np.array([[9, 3], [9, 4]], np.uint16)[:, ::-1])
        writer.append("empty", np.zeros((0, 5), np.float64))
        assert writer.written("part/of/it").tolist() == [[1, 2], [3, 9], [4, 9]]
        assert writer.written("empty").shape == (0, 5)
        entries = writer.finish()
    data = bytes([1, 0, 2, 0, 3, 0, 9, 0, 4, 0, 9, 0])
    assert (tmp_path / "part/of/it.bin").read_bytes() == data
    entry = entries["part/of/it"]
    assert (entry.dtype, entry.shape, entry.num_bytes) == ("<u2", (3, 2), 12)
    assert entry.sha256 == hashlib.sha256(data).hexdigest()
    assert (entries["empty"].dtype, entries["empty"].shape, entries["empty"].num_bytes) == ("<f8", (0, 5), 0)


@pytest.mark.parametrize("rows", [np.zeros((1, 2), np.int32), np.zeros((1, 3), np.uint16), np.zeros(2, np.uint16)])
def test_rows_of_another_form(tmp_path, rows):
    """Rows of another dtype or width are a mistake of ours, and are not written."""
    with ArrayWriter(tmp_path) as writer:
        writer.append("codes", np.zeros((1, 2), np.uint16))
        with pytest.raises(ValueError, match="codes"):
            writer.append("codes", rows)
        assert writer.written("codes").tolist() == [[0, 0]]
