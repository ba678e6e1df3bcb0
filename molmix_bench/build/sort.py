"""Tables too large to sort in memory: cut by key into ranges that are not, as a sample of the keys suggests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from molmix_bench.build.buckets import read_bucket, read_table, write_buckets
from molmix_bench.layout.cells import Ints

_SAMPLES = 64
"""Rows looked at for every range: none of the ranges is then much larger than the others."""
_IS_ROW = "/is_row"


def sorted_rows(pieces: Sequence[Path], order: Sequence[str], *, scratch: Path, at_once: int) -> Iterator[pa.Table]:
    """Yields the rows of many tables in increasing order, nulls last, equal ones in the order of the pieces.

    Args:
        pieces: files of `write_table`, at least one, each small enough for memory.
        order: columns.
        scratch: a folder for ranges of rows, where there is more than one.
        at_once: rows in memory, about.
    """
    tables = [read_table(path) for path in pieces]
    total = sum(table.num_rows for table in tables)
    num_ranges = -(-total // at_once)
    if num_ranges <= 1:
        yield _sort(pa.concat_tables(tables), order)
        return
    firsts = _sample_firsts(tables, order, total=total, num_ranges=num_ranges)
    files = [scratch / f"{position:05d}.arrow" for position in range(len(tables))]
    for file, table in zip(files, tables, strict=True):
        write_buckets(file, table, _number_ranges(table.select(firsts.column_names), firsts), num_buckets=num_ranges)
    del tables, table
    for number in range(num_ranges):
        yield _sort(read_bucket(files, number), order)


def _sample_firsts(tables: Sequence[pa.Table], order: Sequence[str], *, total: int, num_ranges: int) -> pa.Table:
    """Returns the keys with which all ranges but the first begin."""
    stride = max(1, total // (num_ranges * _SAMPLES))
    samples = [table.select(list(order)).take(np.arange(0, table.num_rows, stride)) for table in tables]
    sample = _sort(pa.concat_tables(samples), order)
    return sample.take(np.arange(1, num_ranges) * sample.num_rows // num_ranges)


def _number_ranges(keys: pa.Table, firsts: pa.Table) -> Ints:
    """Returns the range of each key: how many of the ranges' first keys are not above it."""
    is_row = [pa.array(np.full(table.num_rows, number, np.int8)) for number, table in enumerate((firsts, keys))]
    both = pa.concat_tables([firsts, keys]).append_column(_IS_ROW, pa.chunked_array(is_row))
    order = pc.sort_indices(both, [(name, "ascending") for name in both.column_names]).to_numpy().astype(np.int64)
    passed = np.cumsum(order < firsts.num_rows)
    numbers = np.empty(both.num_rows, np.int64)
    numbers[order] = passed
    return numbers[firsts.num_rows :]


def _sort(table: pa.Table, order: Sequence[str]) -> pa.Table:
    return table.sort_by([(column, "ascending") for column in order])
