"""Parquet files read in batches, in memory that does not grow with the file."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

_BUFFER_BYTES = 1 << 16
"""Of each column."""


def open_parquet(path: Path) -> pq.ParquetFile:
    """Returns a file whose `iter_batches` holds the pages that it is at, and nothing of the rest.

    As pyarrow opens it by default, all the columns asked for are read ahead, to the end of the file, and kept.

    Raises:
        pyarrow.ArrowException: it is no parquet file, or a damaged one.
        OSError: it cannot be read.
    """
    return pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES)
