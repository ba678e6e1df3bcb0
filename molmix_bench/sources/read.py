"""Any source's rows, whatever the form of its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from molmix_bench.sources.chunk import RawChunk
from molmix_bench.sources.frames import column_names as table_columns
from molmix_bench.sources.gctx import gene_columns, read_gctx
from molmix_bench.sources.generated import read_generated
from molmix_bench.sources.sdf import read_sdf
from molmix_bench.sources.table import read_table
from molmix_bench.sources.xyz import read_xyz
from molmix_bench.specs.readers import GctxReader, TableReader
from molmix_bench.specs.source import SourceSpec

MAX_CELLS = 8_000_000
"""Labels read at once: chunks of wide tables have fewer rows."""


def read_chunks(
    source: SourceSpec, *, path: Path | None, companions: Mapping[str, Path], chunk: int, rows_per_chunk: int
) -> Iterator[RawChunk]:
    """Yields the rows of one raw input in order, a bounded number at a time.

    Args:
        source: how to read it.
        path: the file; None for generated sources.
        companions: the source's companion files by name.
        chunk: which chunk of a generated source.
        rows_per_chunk: rows of each chunk but the last; fewer where there are many tasks.
    """
    if path is None:
        return iter([read_generated(source, chunk)])
    num_tasks = sum(len(dataset.tasks) for dataset in source.datasets.values())
    rows = max(1, min(rows_per_chunk, MAX_CELLS // num_tasks))
    return _READERS[source.reader.form](path, source, companions=companions, rows_per_chunk=rows)


def column_names(source: SourceSpec, path: Path, companions: Mapping[str, Path]) -> Sequence[str]:
    """Returns the label columns that a raw file offers, in order."""
    if isinstance(source.reader, TableReader):
        return table_columns(path)
    if isinstance(source.reader, GctxReader):
        return gene_columns(path, source, companions)
    raise TypeError(f"no task patterns in sources of form {source.reader.form}")


_READERS: Mapping[str, Callable[..., Iterator[RawChunk]]] = {
    "table": read_table,
    "gctx": read_gctx,
    "sdf": read_sdf,
    "xyz": read_xyz,
}
