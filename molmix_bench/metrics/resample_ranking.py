"""Rankings of binary and multiclass tasks in every replicate of the bootstrap.

Predictions are sorted once: a resampled molecule changes how often a cell counts, not where it stands. All replicates
of a block are then counted in one walk down that order; the innermost loops are over replicates, which are adjacent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from molmix_bench.metrics.cells import BoolArray, Cells, FloatArray, IntArray, for_each_task
from molmix_bench.metrics.resample import Resampling, Weights
from molmix_bench.metrics.resample_sums import add_counts

_POSITIVE, _TIED, _LAST = 1, 2, 4
"""Bits of a cell's code: its class, whether its prediction is also that of another cell and of a positive one, and
whether it is the last of those."""

Counts = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Cells of each task by falling prediction.

    Shapes:
        starts: (T + 1,)
        rows: (L,) int32, molecules.
        codes: (L,) uint8, bits as above.
    """

    starts: IntArray
    rows: NDArray[np.int32]
    codes: NDArray[np.uint8]


def ranking_replicates(cells: Cells, resampling: Resampling) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns `ap`, `auroc` and the number of labels of each task in each replicate, (T, R) each.

    The first two have the definitions of `ranking_metrics`, a molecule counting as often as it is drawn: NaN where only
    one class is drawn.
    """
    ranking = rank_cells(cells)
    found = resampling.map_blocks(lambda weights: _walk(ranking.starts, ranking.rows, ranking.codes, weights))
    return found[0], found[1], found[2]


def rank_cells(cells: Cells) -> Ranking:
    """Returns the cells in the order in which they are to be counted."""
    rows, codes = np.empty_like(cells.rows), np.empty(len(cells.rows), np.uint8)

    def _rank(_: int, first: int, end: int) -> None:
        # NumPy sorts without the interpreter's lock.
        order = first + np.argsort(cells.predictions[first:end])[::-1]
        rows[first:end] = cells.rows[order]
        codes[first:end] = _codes(cells.predictions[order], cells.labels[order] == 1)

    for_each_task(cells.starts, _rank)
    return Ranking(cells.starts, rows, codes)


@numba.njit(cache=True, nogil=True)
def _codes(predictions: FloatArray, positive: BoolArray) -> NDArray[np.uint8]:
    """Returns the codes of one task's cells, which are sorted by prediction."""
    codes = positive.astype(np.uint8)
    first = 0
    while first < len(codes):
        end = first + 1
        while end < len(codes) and predictions[end] == predictions[first]:
            end += 1
        if end - first > 1 and positive[first:end].any():
            for cell in range(first, end):
                codes[cell] |= _TIED
            codes[end - 1] |= _LAST
        first = end
    return codes


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _walk(starts: IntArray, rows: NDArray[np.int32], codes: NDArray[np.uint8], weights: Weights) -> FloatArray:
    """Returns AP, AUROC and the number of labels, (3, T, b).

    Counts are whole numbers throughout; only the divisions round.
    """
    num_replicates = weights.shape[1]
    result = np.empty((3, len(starts) - 1, num_replicates))
    for task in range(len(starts) - 1):
        positives, negatives = np.zeros(num_replicates, np.int32), np.zeros(num_replicates, np.int32)
        tied = np.zeros((2, num_replicates), np.int32)  # negatives and positives of one prediction
        # Twice the pairs in the wrong order, a tie being half a pair.
        wrong, precision = np.zeros(num_replicates), np.zeros(num_replicates)
        cell = starts[task]
        while cell < starts[task + 1]:
            end = cell
            while end < starts[task + 1] and codes[end] == 0:
                end += 1
            add_counts(negatives, weights, rows[cell:end])
            cell = end
            if cell == starts[task + 1]:
                break
            if codes[cell] & _TIED:
                _add(tied[codes[cell] & _POSITIVE], weights[rows[cell]])
                if codes[cell] & _LAST:
                    _pass_tie(tied, positives, negatives, wrong, precision)
            else:
                _pass_positive(weights[rows[cell]], positives, negatives, wrong, precision)
            cell += 1
        for replicate in range(num_replicates):
            pairs = np.float64(positives[replicate]) * negatives[replicate]
            # NaN where there is no pair, for both.
            result[0, task, replicate] = precision[replicate] / positives[replicate] + 0 / pairs
            result[1, task, replicate] = 1 - wrong[replicate] / (2 * pairs)
        result[2, task] = positives + negatives
    return result


@numba.njit(cache=True, nogil=True)
def _add(total: Counts, some: Weights) -> None:
    for replicate in range(len(total)):
        total[replicate] += some[replicate]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _pass_positive(
    some: Weights, positives: Counts, negatives: Counts, wrong: FloatArray, precision: FloatArray
) -> None:
    """Passes a positive cell of a prediction of its own."""
    for replicate in range(len(some)):
        count = np.float64(some[replicate])
        positives[replicate] += some[replicate]
        above = np.float64(positives[replicate])
        wrong[replicate] += 2 * count * negatives[replicate]
        precision[replicate] += count * (above / max(above + negatives[replicate], 1.0))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _pass_tie(
    tied: NDArray[np.int32], positives: Counts, negatives: Counts, wrong: FloatArray, precision: FloatArray
) -> None:
    """Passes all cells of one prediction at once, and empties `tied` (2, b) for the next."""
    for replicate in range(tied.shape[1]):
        count, others = np.float64(tied[1, replicate]), np.float64(tied[0, replicate])
        wrong[replicate] += count * (2.0 * negatives[replicate] + others)
        positives[replicate] += tied[1, replicate]
        negatives[replicate] += tied[0, replicate]
        above = np.float64(positives[replicate])
        precision[replicate] += count * (above / max(above + negatives[replicate], 1.0))
    tied[:] = 0
