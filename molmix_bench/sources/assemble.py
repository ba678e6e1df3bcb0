"""From a frame of raw columns to the chunk that every reader yields."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from molmix_bench.sources.chunk import RawChunk, no_problems
from molmix_bench.sources.labels import Place, type_labels
from molmix_bench.specs.source import SourceSpec


def assemble_chunk(
    frame: pl.DataFrame,
    source: SourceSpec,
    place: Place,
    *,
    smiles: pl.Series,
    problems: pl.Series | None = None,
    missing: tuple[str, ...] = (),
) -> RawChunk:
    """Returns the rows of a frame with their molecules and typed labels.

    Args:
        frame: the raw label columns of all datasets.
        source: what the columns are.
        place: where the frame comes from.
        smiles: of each row; null where there is none.
        problems: why a row has no readable molecule; null elsewhere.
        missing: texts that stand for a missing label.

    Raises:
        SourceError: a label is none, as `type_labels`.
    """
    typed = {name: type_labels(frame, dataset, place, missing=missing) for name, dataset in source.datasets.items()}
    return RawChunk(
        start=place.start,
        smiles=smiles.to_arrow().cast(pa.string()),
        problems=no_problems(len(frame)) if problems is None else problems.to_arrow().cast(pa.string()),
        labels={name: labels for name, (labels, _) in typed.items()},
        spread={name: spread for name, (_, spread) in typed.items()},
    )


def label_columns(source: SourceSpec) -> list[str]:
    """Returns the raw columns that the tasks of a source name, each once."""
    tasks = [task for dataset in source.datasets.values() for task in dataset.tasks]
    return list(dict.fromkeys(task.column or task.name for task in tasks))
