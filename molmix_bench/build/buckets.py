"""Files for all-to-all exchange: one Arrow file per sender, one record batch per receiver.

A receiver reads its own batch of every sender's file through a memory map and touches no other byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from molmix_bench.build.whole import written_apart


def write_buckets(path: Path, table: pa.Table, bucket: npt.NDArray[np.integer], *, num_buckets: int) -> None:
    """Writes the rows of `table` into batches by bucket, keeping their order within each.

    Shapes:
        bucket: (table.num_rows,), values in 0 .. num_buckets - 1.
    """
    order = np.argsort(bucket, kind="stable")
    bounds = np.searchsorted(bucket[order], np.arange(num_buckets + 1))
    # Combined, so that each slice below is one batch.
    rows = table.take(pa.array(order)).combine_chunks()
    with _arrow_file(path, table.schema) as writer:
        for start, stop in pairwise(bounds.tolist()):
            batches = rows.slice(start, stop - start).to_batches()
            writer.write_batch(batches[0] if batches else _empty(table.schema))


def read_bucket(paths: Iterable[Path], bucket: int) -> pa.Table:
    """Returns the rows of one bucket from all files, in the order of `paths`."""
    return pa.concat_tables(read_buckets(path, range(bucket, bucket + 1)) for path in paths)


def read_buckets(path: Path, buckets: range) -> pa.Table:
    """Returns the rows of some buckets from one file."""
    with pa.memory_map(str(path)) as source:
        file = pa.ipc.open_file(source)
        return pa.Table.from_batches([file.get_batch(bucket) for bucket in buckets])


def write_table(path: Path, table: pa.Table) -> None:
    """Writes a table that a later step reads whole."""
    with _arrow_file(path, table.schema) as writer:
        writer.write_table(table)


def read_table(path: Path) -> pa.Table:
    """Returns a table that `write_table` wrote, memory-mapped."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


@contextmanager
def _arrow_file(path: Path, schema: pa.Schema) -> Iterator[Any]:
    with written_apart(path) as part, pa.OSFile(str(part), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        yield writer


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
