"""Tests of reading parquet files in batches."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from molmix_bench.parquet import open_parquet


def test_batches_hold_only_what_they_read(tmp_path):
    """Reading a file takes a small part of its size, however many row groups it has."""
    rng = np.random.default_rng(0)
    path = tmp_path / "numbers.parquet"
    table = pa.table({"numbers": rng.random(1_000_000)})
    pq.write_table(table, path, row_group_size=20_000, use_dictionary=False)
    before = pa.total_allocated_bytes()
    most, found = 0, []
    with open_parquet(path) as file:
        for batch in file.iter_batches(batch_size=10_000):
            most = max(most, pa.total_allocated_bytes() - before)
            found.append(batch["numbers"].to_numpy().sum())
    assert np.isclose(sum(found), table["numbers"].to_numpy().sum())
    assert most < path.stat().st_size / 10
