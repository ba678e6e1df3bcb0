"""Scores of one model's predictions for one dataset, split and seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from molmix_bench.metrics.align import align
from molmix_bench.metrics.binary import binary_metrics, ranking_metrics
from molmix_bench.metrics.bootstrap import metric_replicates
from molmix_bench.metrics.cells import BoolArray, Cells, FloatArray, IntArray
from molmix_bench.metrics.multiclass import class_ranking_metrics, multiclass_metrics
from molmix_bench.metrics.protocol import METRICS, PROTOCOL, Aggregation, Metric
from molmix_bench.metrics.reference import Reference
from molmix_bench.metrics.regression import regression_metrics
from molmix_bench.metrics.scores import Scores
from molmix_bench.vocab import Kind


def evaluate_reference(
    reference: Reference,
    *,
    mol_id: pl.Series,
    prediction: NDArray[np.floating],
    seed: int,
    where: str,
    num_nodes: IntArray | None = None,
) -> Scores:
    """Returns the scores of predictions for one dataset and split, under the current protocol.

    Args:
        reference: the labels, read once for several seeds or models; read with replicates, scores have intervals.
        mol_id: the molecules predicted, in any order: all of the split, each once.
        prediction: regression in the task's unit, binary the probability of 1, multiclass a probability per class;
            whatever stands where there is no label is ignored.
        seed: the run's seed, which the scores carry.
        where: the file or argument that errors name.
        num_nodes: node level only, how many rows of `prediction` each molecule has, in the order of `mol_id`.

    Shapes:
        mol_id: (n,)
        prediction: (n, T), tasks in the mix's order; node level (num_nodes.sum(), T); multiclass T * C for T, the
            classes of the first task before those of the second.
        num_nodes: (n,)

    Raises:
        SubmissionError: molecules are missing, foreign, repeated or of another number of atoms, or predictions are
            missing or impossible.
    """
    aligned = align(reference, mol_id=mol_id, prediction=prediction, num_nodes=num_nodes, where=where)
    cells = aligned.select(reference.scorable)
    tasks = [task for task, scorable in zip(reference.tasks, reference.scorable, strict=True) if scorable]
    counts = cells.num_labels.tolist()
    rows: list[dict[str, Any]] = []
    replicates: list[FloatArray] = []
    for metric, found in _compute(reference, cells):
        aggregated = _aggregates(reference, metric, found, cells)
        rows += [row for row, _ in aggregated]
        rows += [
            _row(metric, Aggregation.TASK, value, n_tasks=1, n_labels=count) | {"task": task}
            for task, value, count in zip(tasks, found.values.tolist(), counts, strict=True)
        ]
        replicates += [of_row for _, of_row in aggregated] + [found.replicates]
    place = {"protocol": PROTOCOL, "dataset": reference.dataset, "split": str(reference.split)}
    excluded = [place | {"task": task, "reason": reason} for task, reason in reference.excluded.items()]
    return Scores.from_rows(
        [row | place | {"seed": seed, "n_seeds": 1} for row in rows],
        excluded,
        replicates=None if reference.resampling is None else np.vstack(replicates),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """One metric of every task.

    Shapes:
        values: (T,)
        replicates: (T, R), R being 0 without a resampling.
    """

    values: FloatArray
    pooled: float | None
    """Over the cells of all tasks; null where there are none."""
    replicates: FloatArray


def _compute(reference: Reference, cells: Cells) -> list[tuple[Metric, _Found]]:
    """Returns each metric of the reference's kind with what is found of it."""
    std = reference.train_std[reference.scorable]
    if reference.kind is not Kind.REGRESSION:
        per_task = (binary_metrics if reference.kind is Kind.BINARY else multiclass_metrics)(cells)
        rankings = ranking_metrics if reference.kind is Kind.BINARY else class_ranking_metrics
        pooled = rankings(cells.pooled())
    else:
        per_task = regression_metrics(cells, std)
        standardised = cells.standardised(reference.train_mean[reference.scorable], std)
        pooled = regression_metrics(standardised.pooled(), np.ones(1))
    for name in {"mae", "bce", "ce"} & set(per_task):
        # Means over cells need no second pass over them; errors in units are pooled as they are.
        pooled[name] = np.atleast_1d((per_task[name] * cells.num_labels).sum() / max(len(cells.labels), 1))
    has_cells = len(cells.labels) > 0
    replicates = dict.fromkeys(per_task, np.empty((len(std), 0)))
    if reference.resampling is not None:
        replicates = metric_replicates(reference.kind, cells, reference.resampling, train_std=std)
    return [
        (
            metric,
            _Found(per_task[metric.name], pooled[metric.name].item() if has_cells else None, replicates[metric.name]),
        )
        for metric in METRICS[reference.kind]
    ]


def _aggregates(
    reference: Reference, metric: Metric, found: _Found, cells: Cells
) -> list[tuple[dict[str, Any], FloatArray]]:
    """Returns the rows of a metric over several tasks, each with its replicates, (1, R).

    There are none for a metric in units where the units differ.
    """
    units = {unit for unit, scorable in zip(reference.units, reference.scorable, strict=True) if scorable}
    if metric.in_units and len(units) > 1:
        return []
    reliable = reference.reliable[reference.scorable]
    micro = _row(metric, Aggregation.MICRO, found.pooled, n_tasks=len(reliable), n_labels=len(cells.labels))
    return [
        _mean_row(metric, Aggregation.MACRO, found, np.ones_like(reliable), cells),
        _mean_row(metric, Aggregation.MACRO_RELIABLE, found, reliable, cells),
        (micro, np.full((1, found.replicates.shape[1]), np.nan)),
    ]


def _mean_row(
    metric: Metric, aggregation: Aggregation, found: _Found, chosen: BoolArray, cells: Cells
) -> tuple[dict[str, Any], FloatArray]:
    value = float(found.values[chosen].mean()) if chosen.any() else None
    num_labels = int(cells.num_labels[chosen].sum())
    row = _row(metric, aggregation, value, n_tasks=int(chosen.sum()), n_labels=num_labels)
    # A task that is undefined in a replicate is left out of it.
    replicates = found.replicates[chosen]
    defined = ~np.isnan(replicates)
    counts = defined.sum(axis=0)
    sums = replicates.sum(axis=0, where=defined)
    return row, np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)[None]


def _row(
    metric: Metric, aggregation: Aggregation, value: float | None, *, n_tasks: int, n_labels: int
) -> dict[str, Any]:
    return {
        "aggregation": str(aggregation),
        "metric": metric.name,
        "value": value,
        "n_tasks": n_tasks,
        "n_labels": n_labels,
        "direction": metric.direction,
        "primary": metric.primary,
    }
