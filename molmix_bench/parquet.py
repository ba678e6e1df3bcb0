"""Parquet files read in batches, in memory that does not grow with the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

_BUFFER_BYTES = 1 << 16
"""Of each column."""


def open_parquet(
    path: Path, *, metadata: pq.FileMetaData | None = None, read_dictionary: Sequence[str] = ()
) -> pq.ParquetFile:
    """Returns a file whose `iter_batches` holds the pages that it is at, and nothing of the rest.

    As pyarrow opens it by default, all the columns asked for are read ahead, to the end of the file, and kept.

    Args:
        path: the file.
        metadata: its footer, where that has been read.
        read_dictionary: columns whose values stay behind a dictionary.

    Raises:
        pyarrow.ArrowException: it is no parquet file, or a damaged one.
        OSError: it cannot be read.
    """
    return pq.ParquetFile(
        path,
        metadata=metadata,
        read_dictionary=list(read_dictionary),
        pre_buffer=False,
        buffer_size=_BUFFER_BYTES,
    )
