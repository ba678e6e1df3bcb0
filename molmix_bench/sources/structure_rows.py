"""Rows of structure files, gathered into chunks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from molmix_bench.sources.assemble import assemble_chunk
from molmix_bench.sources.chunk import RawChunk
from molmix_bench.sources.labels import Place
from molmix_bench.specs.source import SourceSpec
from molmix_bench.vocab import Level

MAX_STRUCTURES = 8_192
"""Structures held at once, whatever the chunks asked for: with a label per atom each is as long as many rows."""

Cell = str | float | None | Sequence[str | float | None]


@dataclass(frozen=True, slots=True)
class StructureRow:
    """A molecule of a structure file.

    Attributes:
        smiles: None where there is no readable molecule.
        problem: why the row has no molecule that its labels could be those of.
        labels: by raw column; a list per atom, in the order of the SMILES, where the column is of node level.
    """

    smiles: str | None
    problem: str | None
    labels: Mapping[str, Cell] = field(default_factory=dict)


def chunk_rows(
    rows: Iterator[StructureRow],
    source: SourceSpec,
    where: str,
    *,
    texts: bool,
    missing: tuple[str, ...],
    rows_per_chunk: int,
) -> Iterator[RawChunk]:
    """Yields the rows in chunks.

    Args:
        rows: in the order of the file.
        source: which labels they have.
        where: names the file in errors.
        texts: whether labels are text as written, or numbers.
        missing: texts that stand for a missing label.
        rows_per_chunk: rows of each chunk but the last, where that is no more than `MAX_STRUCTURES`.
    """
    value = pl.String() if texts else pl.Float64()
    schema = {
        task.column or task.name: pl.List(value) if dataset.level is Level.NODE else value
        for dataset in source.datasets.values()
        for task in dataset.tasks
    }
    start = 0
    while batch := list(itertools.islice(rows, min(rows_per_chunk, MAX_STRUCTURES))):
        frame = pl.DataFrame(
            {name: pl.Series([row.labels.get(name) for row in batch], dtype=dtype) for name, dtype in schema.items()}
        )
        yield assemble_chunk(
            frame,
            source,
            Place(where, start),
            smiles=pl.Series([row.smiles for row in batch], dtype=pl.String),
            problems=pl.Series([row.problem for row in batch], dtype=pl.String),
            missing=missing,
        )
        start += len(batch)
