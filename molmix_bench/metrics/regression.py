"""Metrics of regression tasks, from predictions in the task's own unit."""

from __future__ import annotations

import numba
import numpy as np

from molmix_bench.metrics.cells import Cells, FloatArray, IntArray, order_within_tasks
from molmix_bench.metrics.means import task_means


def regression_metrics(cells: Cells, train_std: FloatArray) -> dict[str, FloatArray]:
    """Returns `mae_standardised`, `mae` (lower is better), `pearson`, `spearman`, `r2` (higher), (T,) each.

    `mae_standardised` is the MAE on labels standardised by the train split, of which the mean cancels. R2 is taken
    about the mean of the labels scored, so 0 is what the best constant earns. Constant predictions have a
    correlation of 0. Correlations and R2 are NaN for a task whose labels are all equal.

    Args:
        cells: labels and predictions.
        train_std: (T,), standard deviation (ddof=0) of each task's labels in the train split.

    >>> cells = Cells.from_dense([[1.0], [2.0], [3.0]], [[2.0], [2.0], [4.0]])
    >>> {name: round(values.item(), 3) for name, values in regression_metrics(cells, np.array([2.0])).items()}
    {'mae_standardised': 0.333, 'mae': 0.667, 'pearson': 0.866, 'spearman': 0.866, 'r2': 0.0}
    """
    starts, labels, predictions = cells.starts, cells.labels, cells.predictions
    mae = task_means(starts, np.abs(predictions - labels))
    ranks = (
        _ranks(starts, order_within_tasks(starts, labels), labels),
        _ranks(starts, order_within_tasks(starts, predictions), predictions),
    )
    return {
        "mae_standardised": mae / train_std,
        "mae": mae,
        "pearson": _correlations(starts, labels, predictions),
        "spearman": _correlations(starts, *ranks),
        "r2": _r2(starts, labels, predictions),
    }


@numba.njit(cache=True)
def _ranks(starts: IntArray, order: IntArray, values: FloatArray) -> FloatArray:
    """Returns the rank of each value within its task, (L,), from 0; tied values share the mean of theirs."""
    ranks = np.empty(len(values))
    for task in range(len(starts) - 1):
        first = starts[task]
        while first < starts[task + 1]:
            end = first + 1
            while end < starts[task + 1] and values[order[end]] == values[order[first]]:
                end += 1
            for position in range(first, end):
                ranks[order[position]] = (first + end - 1) / 2 - starts[task]
            first = end
    return ranks


@numba.njit(cache=True)
def _correlations(starts: IntArray, labels: FloatArray, predictions: FloatArray) -> FloatArray:
    """Returns Pearson's correlation of each task, (T,): NaN for constant labels, 0 for constant predictions."""
    result = np.full(len(starts) - 1, np.nan)
    for task in range(len(result)):
        cells = slice(starts[task], starts[task + 1])
        if _is_constant(labels[cells]):
            continue
        if _is_constant(predictions[cells]):
            result[task] = 0.0
            continue
        correlation = (_direction(labels[cells]) * _direction(predictions[cells])).sum()
        result[task] = min(1.0, max(-1.0, correlation))
    return result


@numba.njit(cache=True)
def _r2(starts: IntArray, labels: FloatArray, predictions: FloatArray) -> FloatArray:
    """Returns 1 - residual / total sum of squares of each task, (T,): NaN for constant labels."""
    result = np.full(len(starts) - 1, np.nan)
    for task in range(len(result)):
        cells = slice(starts[task], starts[task + 1])
        if not _is_constant(labels[cells]):
            residuals = ((labels[cells] - predictions[cells]) ** 2).sum()
            result[task] = 1 - residuals / (_centred(labels[cells]) ** 2).sum()
    return result


@numba.njit(cache=True)
def _is_constant(values: FloatArray) -> bool:
    """Whether all values are equal; true without any."""
    return bool((values == values[0]).all()) if len(values) else True


@numba.njit(cache=True)
def _centred(values: FloatArray) -> FloatArray:
    """Returns the values less their mean; twice, as the first mean is rounded where values are large and close."""
    centred: FloatArray = values - values.mean()
    centred -= centred.mean()
    return centred


@numba.njit(cache=True)
def _direction(values: FloatArray) -> FloatArray:
    """Returns centred values as a vector of length 1; scaled first, or tiny ones would vanish when squared."""
    centred = _centred(values)
    centred /= np.abs(centred).max()
    centred /= np.sqrt((centred**2).sum())
    return centred
