"""Prediction files found right without their labels, which takes a third of the time and no memory to speak of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from molmix_bench.metrics.protocol import PREDICTION_BOUNDS, PROBABILITY_SUM_TOLERANCE
from molmix_bench.mix import Dataset, Mix
from molmix_bench.submissions.format import iter_predictions
from molmix_bench.submissions.lists import PredictionShape
from molmix_bench.vocab import MOL_ID, Kind, Level, Split

_NUM_NODES = "num_nodes"


def read_molecules(mix: Mix, name: str, split: Split) -> pl.DataFrame:
    """Returns the molecules of one split of a dataset: their ids, and at node level how many atoms each has."""
    dataset = mix.datasets[name]
    columns = [pl.col(MOL_ID)]
    if dataset.level is Level.NODE:
        # A list without labels is empty.
        lengths = pl.max_horizontal(pl.col(task).list.len() for task in dataset.tasks)
        columns.append(lengths.cast(pl.Int64).alias(_NUM_NODES))
    return mix.scan(name, split).select(columns).collect()


def is_right_throughout(path: Path, dataset: Dataset, shape: PredictionShape, molecules: pl.DataFrame) -> bool:
    """Whether a file predicts each molecule once, and each cell by a possible value, so that none can be wrong.

    A file of which this is not so may still be right: only cells with labels need a value. `align` knows.

    Args:
        path: the file.
        dataset: that it predicts.
        shape: what the dataset asks of it.
        molecules: as `read_molecules` returns them.

    Raises:
        SubmissionError: as `format.read_predictions`.
    """
    parts = [molecules.clear()]
    for part in iter_predictions(path, shape):
        if not _all_possible(part.values, dataset.kind, dataset.num_classes):
            return False
        columns = {MOL_ID: part.mol_id} | ({} if part.num_nodes is None else {_NUM_NODES: part.num_nodes})
        parts.append(pl.DataFrame(columns))
    found = pl.concat(parts)
    # Most files have the order of the mix.
    return found.equals(molecules) or found.sort(MOL_ID).equals(molecules.sort(MOL_ID))


def _all_possible(values: NDArray[np.floating], kind: Kind, num_classes: int | None) -> bool:
    """Whether predictions, (n, T * C), are such as a labelled cell may have."""
    if not values.size:
        return True
    lowest, highest = PREDICTION_BOUNDS[kind]
    # Both are NaN where any value is, and then neither comparison is true.
    if not (float(values.min()) >= lowest and float(values.max()) <= highest):
        return False
    if kind is not Kind.MULTICLASS:
        return True
    sums = values.reshape(-1, num_classes or 1).sum(axis=1, dtype=np.float64)
    return bool((np.abs(sums - 1) <= PROBABILITY_SUM_TOLERANCE).all())
