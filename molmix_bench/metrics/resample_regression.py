"""Errors and correlations of regression tasks in every replicate of the bootstrap.

Labels and predictions are sorted once; a resampled molecule changes ranks only by how often those below it count.
Sums are taken about each replicate's own means, so that nothing cancels.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from molmix_bench.metrics.cells import Cells, FloatArray, IntArray
from molmix_bench.metrics.protocol import MIN_VALUES
from molmix_bench.metrics.resample import Resampling, Weights
from molmix_bench.metrics.resample_sums import add_counts, add_values, weighted_sums

Counts = NDArray[np.int32]

_RANK_BYTES = 4
"""Of what is kept for each cell of a task and each replicate."""


def regression_replicates(cells: Cells, train_std: FloatArray, resampling: Resampling) -> dict[str, FloatArray]:
    """Returns the metrics of `regression_metrics` of each task in each replicate, (T, R) each.

    A molecule counts as often as it is drawn; NaN where a task has less than three labels or they are all equal.

    Args:
        cells: labels and predictions.
        train_std: (T,), as for `regression_metrics`.
        resampling: the replicates.
    """
    x, y = _column(cells.starts, cells.labels), _column(cells.starts, cells.predictions)
    longest = int(cells.num_labels.max(initial=0))
    count, label_squares, pearson, spearman = resampling.map_blocks(
        lambda weights: _walk(cells.starts, cells.rows, x, y, weights), cell_bytes=longest * _RANK_BYTES
    )
    errors = np.abs(cells.predictions - cells.labels)
    mae = weighted_sums(cells, errors, resampling) / count
    scaled_errors = errors / np.repeat(_scales(cells.starts, cells.labels), cells.num_labels)
    r2 = 1 - weighted_sums(cells, scaled_errors**2, resampling) / label_squares
    return {
        "mae_standardised": mae / train_std[:, None],
        "mae": mae,
        "pearson": pearson,
        "spearman": spearman,
        "r2": r2,
    }


class _Column(NamedTuple):
    """Labels or predictions.

    Shapes:
        values: (L,), from -1 to 1 about each task's median: their squares do not overflow or vanish, and whatever lies
            far out does not hide how the others differ.
        order: (L,), positions of each task's cells in the task, by increasing value.
        levels: (L,), which of the task's different values, in that order; tied cells are of one level.
    """

    values: FloatArray
    order: IntArray
    levels: IntArray


def _column(starts: IntArray, values: FloatArray) -> _Column:
    column = _Column(np.empty(len(values)), np.empty(len(values), np.int64), np.empty(len(values), np.int64))
    scales = _scales(starts, values)

    def fill(task: int, first: int, end: int) -> None:
        # NumPy sorts without the interpreter's lock.
        order = np.argsort(values[first:end])
        ordered = values[first:end][order]
        column.order[first:end] = order
        column.levels[first:end][order] = np.cumsum(np.diff(ordered, prepend=ordered[0]) > 0)
        column.values[first:end] = (values[first:end] - ordered[len(ordered) // 2]) / scales[task]

    tasks = [(task, *edge) for task, edge in enumerate(pairwise(starts.tolist())) if edge[0] < edge[1]]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda task: fill(*task), tasks))
    return column


def _scales(starts: IntArray, values: FloatArray) -> FloatArray:
    """Returns the range of each task's values, (T,); 1 where there is none."""
    return np.array([np.ptp(values[first:end]) or 1.0 if first < end else 1.0 for first, end in pairwise(starts)])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _walk(starts: IntArray, rows: NDArray[np.int32], x: _Column, y: _Column, weights: Weights) -> FloatArray:
    """Returns the number of labels, their sum of squares about their mean, Pearson's and Spearman's correlation.

    All are (4, T, b), NaN where the labels drawn, of x, are too few or all equal.
    """
    num_replicates = weights.shape[1]
    result = np.full((4, len(starts) - 1, num_replicates), np.nan)
    for task in range(len(starts) - 1):
        first, end = starts[task], starts[task + 1]
        some, count = rows[first:end], np.zeros(num_replicates, np.int32)
        one = _Column(x.values[first:end], x.order[first:end], x.levels[first:end])
        other = _Column(y.values[first:end], y.order[first:end], y.levels[first:end])
        add_counts(count, weights, some)
        moments = _moments(some, one.values, other.values, weights, count)
        ranks = _rank_moments(some, one, other, weights, count)
        for replicate in range(num_replicates):
            if count[replicate] < MIN_VALUES or _is_constant(some, one, weights, replicate):
                continue
            result[0, task, replicate], result[1, task, replicate] = count[replicate], moments[0, replicate]
            constant = _is_constant(some, other, weights, replicate)
            result[2, task, replicate] = 0.0 if constant else _correlation(moments, replicate)
            result[3, task, replicate] = 0.0 if constant else _correlation(ranks, replicate)
    return result


@numba.njit(cache=True, nogil=True)
def _is_constant(rows: NDArray[np.int32], column: _Column, weights: Weights, replicate: int) -> bool:
    """Whether all values of the drawn cells are equal: the lowest drawn is the highest drawn."""
    order = column.order
    low, high = 0, len(order) - 1
    while low < high and weights[rows[order[low]], replicate] == 0:
        low += 1
    while low < high and weights[rows[order[high]], replicate] == 0:
        high -= 1
    return bool(column.levels[order[low]] == column.levels[order[high]])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _correlation(moments: FloatArray, replicate: int) -> float:
    """Returns the covariance (2) over the roots of both variances (0, 1)."""
    roots = np.sqrt(moments[0, replicate]) * np.sqrt(moments[1, replicate])
    return float(min(1.0, max(-1.0, moments[2, replicate] / roots)))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _moments(rows: NDArray[np.int32], x: FloatArray, y: FloatArray, weights: Weights, count: Counts) -> FloatArray:
    """Returns sums of squares of x and of y, and of their products, (3, b), about their means."""
    x_mean, y_mean = np.zeros(len(count)), np.zeros(len(count))
    add_values(x_mean, weights, rows, x)
    add_values(y_mean, weights, rows, y)
    for replicate in range(len(count)):
        x_mean[replicate] /= count[replicate]
        y_mean[replicate] /= count[replicate]
    sums = np.zeros((3, len(count)))
    x_squares, y_squares, products = sums[0], sums[1], sums[2]
    for cell in range(len(rows)):
        row, of_x, of_y = rows[cell], x[cell], y[cell]
        _add_squares(x_squares, weights, row, of_x, x_mean)
        _add_squares(y_squares, weights, row, of_y, y_mean)
        for replicate in range(len(products)):
            products[replicate] += weights[row, replicate] * ((of_x - x_mean[replicate]) * (of_y - y_mean[replicate]))
    return sums


@numba.njit(cache=True, nogil=True)
def _add_squares(total: FloatArray, weights: Weights, row: int, value: float, mean: FloatArray) -> None:
    for replicate in range(len(total)):
        total[replicate] += weights[row, replicate] * (value - mean[replicate]) ** 2


@numba.njit(cache=True, nogil=True)
def _rank_moments(rows: NDArray[np.int32], x: _Column, y: _Column, weights: Weights, count: Counts) -> FloatArray:
    """Returns what `_moments` does of ranks, in which tied values share the mean of theirs, (3, b).

    With g the cells of a value, drawn cells counted as often, and n = sum(g), twice a rank from 1/2 is 2 * (those
    below) + g, whose mean is n. So the sum of squares about the mean is (n**3 - sum(g**3)) / 3, and that of products
    is the sum of the products less n**3: whole numbers all.
    """
    x_ranks = np.empty((len(rows), len(count)), np.int32)
    sums = np.zeros((3, len(count)))
    _walk_ranks(rows, x, weights, x_ranks, sums, 0)
    _walk_ranks(rows, y, weights, x_ranks, sums, 1)
    for replicate in range(len(count)):
        cube = np.float64(count[replicate]) ** 3
        sums[0, replicate] = (cube - sums[0, replicate]) / 3
        sums[1, replicate] = (cube - sums[1, replicate]) / 3
        sums[2, replicate] -= cube
    return sums


@numba.njit(cache=True, nogil=True)
def _walk_ranks(
    rows: NDArray[np.int32], column: _Column, weights: Weights, x_ranks: Counts, sums: FloatArray, which: int
) -> None:
    """Adds the column's cubes to `sums[which]`; of x (0) keeps the ranks, of y (1) adds their products to `sums[2]`."""
    order, levels, cubes, products = column.order, column.levels, sums[which], sums[2]
    ranks, group = np.empty(weights.shape[1], np.int32), np.empty(weights.shape[1], np.int32)
    below = np.zeros(weights.shape[1], np.int32)
    first = 0
    while first < len(order):
        end = first + 1
        while end < len(order) and levels[order[end]] == levels[order[first]]:
            end += 1
        _clear(group)
        for position in range(first, end):
            _add_row(group, weights, rows[order[position]])
        _add_cubes(cubes, group)
        _set_ranks(ranks, below, group)
        for position in range(first, end):
            cell = order[position]
            if which == 0:
                _keep(x_ranks, cell, ranks)
            else:
                _add_rank_products(products, weights, rows[cell], x_ranks, cell, ranks)
        _add(below, group)
        first = end


# One loop a function: the compiler makes vectors of a loop when it can tell its few arrays apart.


@numba.njit(cache=True, nogil=True)
def _clear(total: Counts) -> None:
    for replicate in range(len(total)):
        total[replicate] = 0


@numba.njit(cache=True, nogil=True)
def _add(total: Counts, some: Counts) -> None:
    for replicate in range(len(total)):
        total[replicate] += some[replicate]


@numba.njit(cache=True, nogil=True)
def _add_row(total: Counts, weights: Weights, row: int) -> None:
    for replicate in range(len(total)):
        total[replicate] += weights[row, replicate]


@numba.njit(cache=True, nogil=True)
def _add_cubes(total: FloatArray, group: Counts) -> None:
    for replicate in range(len(total)):
        total[replicate] += np.float64(group[replicate]) * group[replicate] * group[replicate]


@numba.njit(cache=True, nogil=True)
def _set_ranks(ranks: Counts, below: Counts, group: Counts) -> None:
    for replicate in range(len(ranks)):
        ranks[replicate] = 2 * below[replicate] + group[replicate]


@numba.njit(cache=True, nogil=True)
def _keep(kept: Counts, cell: int, ranks: Counts) -> None:
    for replicate in range(len(ranks)):
        kept[cell, replicate] = ranks[replicate]


@numba.njit(cache=True, nogil=True)
def _add_rank_products(
    total: FloatArray, weights: Weights, row: int, label_ranks: Counts, cell: int, ranks: Counts
) -> None:
    for replicate in range(len(total)):
        total[replicate] += np.float64(weights[row, replicate]) * label_ranks[cell, replicate] * ranks[replicate]
