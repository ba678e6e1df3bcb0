"""Reader of CSV, TSV and parquet files: streams checked chunks, whatever the file's size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from molmix_bench.errors import SourceError
from molmix_bench.sources.assemble import assemble_chunk, label_columns
from molmix_bench.sources.chunk import RawChunk
from molmix_bench.sources.frames import read_frames
from molmix_bench.sources.labels import Place
from molmix_bench.sources.lookup import Lookup
from molmix_bench.specs.readers import TableReader
from molmix_bench.specs.source import SourceSpec


def read_table(
    path: Path, source: SourceSpec, *, companions: Mapping[str, Path], rows_per_chunk: int
) -> Iterator[RawChunk]:
    """Yields the rows of a table file in order, `rows_per_chunk` at a time.

    Raises:
        SourceError: the file is of no known form, damaged, empty, lacks a column, or holds a label that is none.
    """
    reader = source.reader
    if not isinstance(reader, TableReader):
        raise TypeError(f"source {source.name} is not read as a table")
    find = None if reader.lookup is None else Lookup(reader.lookup, companions[reader.lookup.file])
    columns = list(dict.fromkeys([reader.smiles, *label_columns(source)]))
    start = 0
    for frame in read_frames(path, columns, rows_per_chunk):
        smiles = _texts(frame[reader.smiles], path)
        found, problems = (smiles, None) if find is None else find(smiles)
        yield assemble_chunk(
            frame, source, Place(path.name, start), smiles=found, problems=problems, missing=reader.missing
        )
        start += len(frame)
    if start == 0:
        raise SourceError(path.name, found="no rows", expected="at least one", fix="check that the file is complete")


def _texts(column: pl.Series, path: Path) -> pl.Series:
    """Returns the column of molecules as text; numbers are left to be drops."""
    if column.dtype.is_nested():
        raise SourceError(
            f"{path.name}, column {column.name!r}", found=str(column.dtype), expected="texts, a SMILES each"
        )
    return column.cast(pl.String)
