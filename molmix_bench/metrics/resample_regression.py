"""Errors and correlations of regression tasks in every replicate of the bootstrap.

Labels and predictions are sorted once; a resampled molecule changes ranks only by how often those below it count.
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
from molmix_bench.metrics.resample_sums import add_values

_RANK_BYTES = 4


def regression_replicates(cells: Cells, train_std: FloatArray, resampling: Resampling) -> dict[str, FloatArray]:
    """Returns the metrics of `regression_metrics` of each task in each replicate, (T, R) each.

    A molecule counts as often as it is drawn; NaN where a task has less than three labels or they are all equal.

    Args:
        cells: labels and predictions.
        train_std: (T,), as for `regression_metrics`.
        resampling: the replicates.
    """
    arrays = _prepare(cells)
    longest = int(cells.num_labels.max(initial=0))
    sums = resampling.map_blocks(
        lambda weights: _walk(cells.starts, cells.rows, *arrays, weights), cell_bytes=longest * _RANK_BYTES
    )
    mae, pearson, spearman, r2 = sums
    return {"mae_standardised": mae / train_std[:, None], "mae": mae, "pearson": pearson, "spearman": spearman, "r2": r2}


def _prepare(cells: Cells) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    """Returns labels and predictions centred and scaled by task, (L,), and the orders of both, (L,), in each task.

    Only then do sums of squares neither overflow nor cancel; a replicate's own means are near 0.
    """
    labels, predictions = np.empty(len(cells.rows)), np.empty(len(cells.rows))
    label_order, prediction_order = np.empty(len(cells.rows), np.int64), np.empty(len(cells.rows), np.int64)

    def prepare(first: int, end: int) -> None:
        for given, scaled, order in (
            (cells.labels, labels, label_order),
            (cells.predictions, predictions, prediction_order),
        ):
            values = given[first:end]
            order[first:end] = first + np.argsort(values)
            centred = values - values.mean()
            scaled[first:end] = centred / max(np.abs(centred).max(), np.finfo(np.float64).tiny)

    with ThreadPoolExecutor() as pool:
        edges = [edge for edge in pairwise(cells.starts.tolist()) if edge[0] < edge[1]]
        list(pool.map(lambda edge: prepare(*edge), edges))
    return labels, predictions, label_order, prediction_order
