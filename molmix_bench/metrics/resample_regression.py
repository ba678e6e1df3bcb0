"""Errors and correlations of regression tasks in every replicate of the bootstrap.

Labels and predictions are sorted once; a resampled molecule changes ranks only by how often those below it count.
Sums are taken about each replicate's own means, so that nothing cancels.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from molmix_bench.metrics.cells import Cells, FloatArray, IntArray
from molmix_bench.metrics.protocol import MIN_VALUES
from molmix_bench.metrics.resample import Resampling, Weights
from molmix_bench.metrics.resample_sums import add_counts, add_values

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
    values = np.stack([_scaled(cells.starts, cells.labels), _scaled(cells.starts, cells.predictions)])
    # The scale of the labels cancels in R2.
    errors = np.stack([cells.labels, cells.predictions])
    orders = np.stack([_order(cells.starts, cells.labels), _order(cells.starts, cells.predictions)])
    longest = int(cells.num_labels.max(initial=0))
    mae, pearson, spearman, r2 = resampling.map_blocks(
        lambda weights: _walk(cells.starts, cells.rows, errors, values, orders, weights),
        cell_bytes=longest * _RANK_BYTES,
    )
    return {
        "mae_standardised": mae / train_std[:, None],
        "mae": mae,
        "pearson": pearson,
        "spearman": spearman,
        "r2": r2,
    }


def _order(starts: IntArray, values: FloatArray) -> IntArray:
    """Returns the positions of the cells by increasing value within each task, (L,)."""
    order = np.empty(len(values), np.int64)

    def sort(first: int, end: int) -> None:
        # NumPy sorts without the interpreter's lock.
        order[first:end] = first + np.argsort(values[first:end])

    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda edge: sort(*edge), pairwise(starts.tolist())))
    return order


@numba.njit(cache=True, nogil=True)
def _scaled(starts: IntArray, values: FloatArray) -> FloatArray:
    """Returns values from -1 to 1 about each task's mean, (L,): their squares neither overflow nor vanish."""
    scaled = np.zeros_like(values)
    for task in range(len(starts) - 1):
        if starts[task] < starts[task + 1]:
            some = values[starts[task] : starts[task + 1]]
            centred = some - some.mean()
            largest = np.abs(centred).max()
            if largest > 0:
                scaled[starts[task] : starts[task + 1]] = centred / largest
    return scaled


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _walk(
    starts: IntArray,
    rows: NDArray[np.int32],
    given: FloatArray,
    scaled: FloatArray,
    orders: IntArray,
    weights: Weights,
) -> FloatArray:
    """Returns MAE, Pearson's and Spearman's correlation, and R2, (4, T, b).

    Shapes:
        given, scaled: (2, L), labels and predictions.
        orders: (2, L), of labels and of predictions.
    """
    num_replicates = weights.shape[1]
    result = np.full((4, len(starts) - 1, num_replicates), np.nan)
    for task in range(len(starts) - 1):
        cells = slice(starts[task], starts[task + 1])
        some, count = rows[cells], np.zeros(num_replicates, np.int32)
        add_counts(count, weights, some)
        moments = _moments(some, scaled[:, cells], weights, count)
        ranks = _rank_moments(some, given[:, cells], orders[:, cells] - starts[task], weights, count)
        errors = np.zeros((2, num_replicates))
        difference = given[1, cells] - given[0, cells]
        add_values(errors[0], weights, some, np.abs(difference))
        # Scaled, or the squares of tiny labels would vanish.
        largest = np.abs(given[0, cells] - given[0, cells].mean()).max() if len(some) else 1.0
        add_values(errors[1], weights, some, (difference / largest) ** 2)
        for replicate in range(num_replicates):
            weight = weights[:, replicate]
            if count[replicate] < MIN_VALUES or _is_constant(
                some, given[0, cells], orders[0, cells] - starts[task], weight
            ):
                continue
            result[0, task, replicate] = errors[0, replicate] / count[replicate]
            result[3, task, replicate] = 1 - errors[1, replicate] / moments[0, replicate]
            if _is_constant(some, given[1, cells], orders[1, cells] - starts[task], weight):
                result[1, task, replicate], result[2, task, replicate] = 0, 0
            else:
                result[1, task, replicate] = _correlation(moments[:, replicate])
                result[2, task, replicate] = _correlation(ranks[:, replicate])
    return result


@numba.njit(cache=True, nogil=True)
def _is_constant(rows: NDArray[np.int32], values: FloatArray, order: IntArray, weight: Weights) -> bool:
    """Whether all values (L,) of the drawn cells are equal: the lowest drawn is the highest drawn."""
    low, high = 0, len(order) - 1
    while low < high and weight[rows[order[low]]] == 0:
        low += 1
    while low < high and weight[rows[order[high]]] == 0:
        high -= 1
    return bool(values[order[low]] == values[order[high]])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _correlation(moments: FloatArray) -> float:
    """Returns the covariance (2) over the roots of both variances (0, 1)."""
    return float(min(1.0, max(-1.0, moments[2] / np.sqrt(moments[0]) / np.sqrt(moments[1]))))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _moments(rows: NDArray[np.int32], values: FloatArray, weights: Weights, count: Counts) -> FloatArray:
    """Returns sums of squares of labels and of predictions, and of their products, (3, b), about their means."""
    means = np.zeros((2, len(count)))
    for which in range(2):
        add_values(means[which], weights, rows, values[which])
        means[which] /= count
    sums = np.zeros((3, len(count)))
    labels, predictions, products = sums[0], sums[1], sums[2]
    x_mean, y_mean = means[0], means[1]
    for cell in range(len(rows)):
        row, x, y = rows[cell], values[0, cell], values[1, cell]
        _add_squares(labels, weights, row, x, x_mean)
        _add_squares(predictions, weights, row, y, y_mean)
        for replicate in range(len(products)):
            products[replicate] += weights[row, replicate] * ((x - x_mean[replicate]) * (y - y_mean[replicate]))
    return sums


@numba.njit(cache=True, nogil=True)
def _add_squares(total: FloatArray, weights: Weights, row: int, value: float, mean: FloatArray) -> None:
    for replicate in range(len(total)):
        total[replicate] += weights[row, replicate] * (value - mean[replicate]) ** 2


@numba.njit(cache=True, nogil=True)
def _rank_moments(
    rows: NDArray[np.int32], values: FloatArray, orders: IntArray, weights: Weights, count: Counts
) -> FloatArray:
    """Returns what `_moments` does of ranks, in which tied values share the mean of theirs, (3, b).

    With g the cells of a value, drawn cells counted as often, and n = sum(g), twice a rank from 1/2 is 2 * (those
    below) + g, whose mean is n. So the sum of squares about the mean is (n**3 - sum(g**3)) / 3, and that of products
    is the sum of the products less n**3: whole numbers all.
    """
    label_ranks = np.empty((len(rows), len(count)), np.int32)
    ranks, below, group = np.empty_like(count), np.zeros_like(count), np.empty_like(count)
    sums = np.zeros((3, len(count)))
    product = sums[2]
    for which in range(2):
        order = orders[which]
        _clear(below)
        first = 0
        while first < len(order):
            end = first + 1
            while end < len(order) and values[which, order[end]] == values[which, order[first]]:
                end += 1
            _clear(group)
            for position in range(first, end):
                _add_row(group, weights, rows[order[position]])
            _add_cubes(sums[which], group)
            _set_ranks(ranks, below, group)
            for position in range(first, end):
                cell = order[position]
                if which == 0:
                    _keep(label_ranks, cell, ranks)
                else:
                    _add_rank_products(product, weights, rows[cell], label_ranks, cell, ranks)
            _add(below, group)
            first = end
    cubes = count.astype(np.float64) ** 3
    sums[0], sums[1], sums[2] = (cubes - sums[0]) / 3, (cubes - sums[1]) / 3, sums[2] - cubes
    return sums


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
