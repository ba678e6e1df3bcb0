"""Sorting by ranges is sorting, however small the ranges are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from molmix_bench.build.buckets import write_table
from molmix_bench.build.sort import sorted_rows

ORDER = ("text", "number", "other")


def _pieces(folder: Path, sizes: list[int]) -> list[pa.Table]:
    rng = np.random.default_rng(0)
    tables = []
    for piece, size in enumerate(sizes):
        absent = rng.random(size) < 0.2
        columns = {
            "text": pa.array(rng.choice(["a", "b", "bb"], size)),
            "number": pa.array(rng.integers(0, 50, size)),
            "other": pa.array(rng.choice(["x", "y"], size), pa.string(), mask=absent),
            "came": pa.array([f"{piece}.{row}" for row in range(size)], pa.string()),
        }
        tables.append(pa.table(columns))
        write_table(folder / f"{piece}.arrow", tables[-1])
    return tables


@pytest.mark.parametrize("at_once", [1, 7, 100, 10_000])
def test_ranges_give_what_one_stable_sort_gives(tmp_path: Path, at_once: int) -> None:
    """Rows come in the order of a sort of all at once: ties by piece, nulls last."""
    sizes = [300, 0, 1, 250, 40]
    tables = _pieces(tmp_path, sizes)
    pieces = [tmp_path / f"{piece}.arrow" for piece in range(len(sizes))]
    found = list(sorted_rows(pieces, ORDER, scratch=tmp_path / "scratch", at_once=at_once))
    rows = [row for table in tables for row in table.to_pylist()]
    # Python's sort is stable; a null is above every text.
    rows.sort(key=lambda row: (row["text"], row["number"], row["other"] or "z"))
    assert pa.concat_tables(found).to_pylist() == rows
    assert (len(found) > 1) == (at_once < sum(sizes))


def test_ranges_are_of_about_the_size_asked_for(tmp_path: Path) -> None:
    """No range is much larger than asked for where keys differ."""
    rng = np.random.default_rng(1)
    for piece in range(4):
        write_table(tmp_path / f"{piece}.arrow", pa.table({"key": rng.permutation(5_000) * 4 + piece}))
    pieces = [tmp_path / f"{piece}.arrow" for piece in range(4)]
    sizes = [table.num_rows for table in sorted_rows(pieces, ["key"], scratch=tmp_path / "scratch", at_once=1_000)]
    assert sum(sizes) == 20_000
    assert max(sizes) < 2_000


def test_no_rows_are_a_table_without_rows(tmp_path: Path) -> None:
    """Pieces without rows give one table with their columns."""
    (empty,) = _pieces(tmp_path, [0])
    (found,) = sorted_rows([tmp_path / "0.arrow"], ORDER, scratch=tmp_path / "scratch", at_once=5)
    assert found.schema == empty.schema
    assert not found.num_rows
