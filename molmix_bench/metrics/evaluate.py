"""Scores of one model's predictions for one dataset, split and seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from molmix_bench.metrics.align import align
from molmix_bench.metrics.binary import binary_metrics
from molmix_bench.metrics.cells import BoolArray, Cells, FloatArray, IntArray
from molmix_bench.metrics.multiclass import multiclass_metrics
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
        reference: the labels, read once for several seeds or models.
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
    per_task, pooled = _compute(reference, cells)
    tasks = [task for task, scorable in zip(reference.tasks, reference.scorable, strict=True) if scorable]
    rows: list[dict[str, Any]] = []
    for metric in METRICS[reference.kind]:
        values = per_task[metric.name]
        rows += _aggregates(reference, metric, values, pooled[metric.name], cells)
        counts = cells.num_labels.tolist()
        rows += [
            _row(metric, Aggregation.TASK, value, n_tasks=1, n_labels=count) | {"task": task}
            for task, value, count in zip(tasks, values.tolist(), counts, strict=True)
        ]
    place = {"protocol": PROTOCOL, "dataset": reference.dataset, "split": str(reference.split)}
    excluded = [place | {"task": task, "reason": reason} for task, reason in reference.excluded.items()]
    return Scores.from_rows([row | place | {"seed": seed, "n_seeds": 1} for row in rows], excluded)


def _compute(reference: Reference, cells: Cells) -> tuple[dict[str, FloatArray], dict[str, float | None]]:
    """Returns each metric per task and over the pooled cells (null where there are none)."""
    if reference.kind is not Kind.REGRESSION:
        metrics = binary_metrics if reference.kind is Kind.BINARY else multiclass_metrics
        per_task, pooled = metrics(cells), metrics(cells.pooled())
    else:
        mean, std = reference.train_mean[reference.scorable], reference.train_std[reference.scorable]
        per_task = regression_metrics(cells, std)
        pooled = regression_metrics(cells.standardised(mean, std).pooled(), np.ones(1))
        pooled["mae"] = np.atleast_1d((per_task["mae"] * cells.num_labels).sum() / max(len(cells.labels), 1))
    has_cells = len(cells.labels) > 0
    return per_task, {name: values.item() if has_cells else None for name, values in pooled.items()}


def _aggregates(
    reference: Reference, metric: Metric, values: FloatArray, pooled: float | None, cells: Cells
) -> list[dict[str, Any]]:
    """Returns the rows of a metric over several tasks; none for a metric in units where the units differ."""
    units = {unit for unit, scorable in zip(reference.units, reference.scorable, strict=True) if scorable}
    if metric.in_units and len(units) > 1:
        return []
    reliable = reference.reliable[reference.scorable]
    every = np.ones_like(reliable)
    return [
        _mean_row(metric, Aggregation.MACRO, values, every, cells),
        _mean_row(metric, Aggregation.MACRO_RELIABLE, values, reliable, cells),
        _row(metric, Aggregation.MICRO, pooled, n_tasks=len(values), n_labels=len(cells.labels)),
    ]


def _mean_row(
    metric: Metric, aggregation: Aggregation, values: FloatArray, chosen: BoolArray, cells: Cells
) -> dict[str, Any]:
    value = float(values[chosen].mean()) if chosen.any() else None
    num_labels = int(cells.num_labels[chosen].sum())
    return _row(metric, aggregation, value, n_tasks=int(chosen.sum()), n_labels=num_labels)


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
