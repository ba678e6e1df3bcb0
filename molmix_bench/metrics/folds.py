"""Scores of a cross-validation: the mean of each score over folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from molmix_bench.metrics.cells import FloatArray
from molmix_bench.metrics.scores import SCORE_KEY, TABLE_SCHEMA, Scores


def over_folds(folds: Sequence[Scores]) -> Scores:
    """Returns the mean of each score over the folds that have it, for each seed.

    Every fold counts the same, as each is scored by a model of its own; in a replicate, folds that are undefined there
    are left out. The interval is that of the mean. `n_tasks` is the most that a fold has, `n_labels` the sum. A reason
    why a task is excluded names its fold.

    Args:
        folds: scores of each, all with replicates or none.
    """
    table = pl.concat([fold.table for fold in folds])
    groups = (
        table.with_row_index("row")
        .group_by("seed", *SCORE_KEY, maintain_order=True)
        .agg(
            "row",
            pl.col("value").mean(),
            pl.col("n_tasks").max(),
            pl.col("n_labels").sum(),
            pl.col("n_seeds").first(),
            pl.col("direction", "primary").first(),
        )
    )
    replicates = None
    if all(fold.replicates is not None for fold in folds) and table.height:
        stacked = np.concatenate([fold.replicates for fold in folds if fold.replicates is not None])
        replicates = np.stack([_mean_defined(stacked[rows.to_numpy()]) for rows in groups["row"]])
    excluded = [
        row | {"reason": f"fold {number}: {row['reason']}"} if len(folds) > 1 else row
        for number, fold in enumerate(folds)
        for row in fold.excluded.iter_rows(named=True)
    ]
    columns = [name for name in TABLE_SCHEMA if name in groups.columns]
    return Scores.from_rows(groups.select(columns).to_dicts(), excluded, replicates=replicates)


def _mean_defined(values: FloatArray) -> FloatArray:
    """Returns the mean of each column, (R,), over those of its values, (F, R), that are defined; NaN without any."""
    defined = ~np.isnan(values)
    counts = defined.sum(axis=0)
    return np.where(counts > 0, values.sum(axis=0, where=defined) / np.maximum(counts, 1), np.nan)
