"""Metrics of multiclass tasks, from a probability of each class."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from molmix_bench.metrics.binary import ranking_metrics
from molmix_bench.metrics.cells import Cells, FloatArray, IntArray
from molmix_bench.metrics.means import task_means
from molmix_bench.metrics.protocol import PROBABILITY_CLIP


def multiclass_metrics(cells: Cells) -> dict[str, FloatArray]:
    """Returns `ap`, `auroc` (higher is better) and `ce` (lower is better) of each task, (T,) each.

    `ap` and `auroc` rank all labels of a task by the probability of one class against the rest, and are the mean over
    the classes that the task has labels of: an absent class has nothing to find, and present ones count alike, however
    rare. Both are NaN for a task of one class only. `ce` is the mean of -log(probability of the true class), divided
    by the sum over the classes and clipped; NaN without labels.

    >>> cells = Cells.from_dense([[0], [1], [1]], [[[0.6, 0.4, 0.0]], [[0.7, 0.3, 0.0]], [[0.1, 0.2, 0.7]]])
    >>> {name: round(values.item(), 3) for name, values in multiclass_metrics(cells).items()}
    {'ap': 0.542, 'auroc': 0.25, 'ce': 1.108}
    """
    return class_ranking_metrics(cells) | {"ce": task_means(cells.starts, class_cross_entropies(cells))}


def class_ranking_metrics(cells: Cells) -> dict[str, FloatArray]:
    """Returns `ap` and `auroc` of `multiclass_metrics`, (T,) each."""
    num_classes = cells.predictions.shape[1]
    of_classes = ranking_metrics(one_vs_rest(cells))
    return {name: _mean_over_classes(values.reshape(-1, num_classes)) for name, values in of_classes.items()}


def class_cross_entropies(cells: Cells) -> FloatArray:
    """Returns -log(share of the true class), clipped, of each cell, (L,)."""
    of_true = cells.predictions[np.arange(len(cells.labels)), cells.labels.astype(np.int64)]
    share = of_true / cells.predictions.sum(axis=1)
    return np.asarray(-np.log(np.clip(share, PROBABILITY_CLIP, 1 - PROBABILITY_CLIP)))


def one_vs_rest(cells: Cells) -> Cells:
    """Returns T * C binary tasks, the classes of the first task before those of the second: is it this class or not?

    >>> binary = one_vs_rest(Cells.from_dense([[1], [0]], [[[0.2, 0.8]], [[0.7, 0.3]]]))
    >>> binary.starts.tolist(), binary.labels.tolist(), binary.predictions.tolist()
    ([0, 2, 4], [0.0, 1.0, 1.0, 0.0], [0.2, 0.7, 0.8, 0.3])
    """
    starts = np.concatenate([[0], np.cumsum(np.repeat(cells.num_labels, cells.predictions.shape[1]))])
    return Cells(starts, *_by_class(cells.starts, cells.rows, cells.labels, cells.predictions))


def _mean_over_classes(values: FloatArray) -> FloatArray:
    """Returns the mean of each row of `values` (T, C) without its NaN, (T,); NaN where there is nothing else."""
    present = ~np.isnan(values)
    counts = present.sum(axis=1)
    means: FloatArray = np.where(counts > 0, values.sum(axis=1, where=present) / np.maximum(counts, 1), np.nan)
    return means


@numba.njit(cache=True)
def _by_class(
    starts: IntArray, rows: NDArray[np.int32], labels: FloatArray, predictions: FloatArray
) -> tuple[NDArray[np.int32], FloatArray, FloatArray]:
    """Returns rows, labels (0 and 1) and predictions of every class of every task, (L * C,) each."""
    num_cells, num_classes = predictions.shape
    class_rows = np.empty(num_cells * num_classes, np.int32)
    class_labels, class_predictions = np.empty(num_cells * num_classes), np.empty(num_cells * num_classes)
    position = 0
    for task in range(len(starts) - 1):
        for index in range(num_classes):
            for cell in range(starts[task], starts[task + 1]):
                class_rows[position] = rows[cell]
                class_labels[position] = labels[cell] == index
                class_predictions[position] = predictions[cell, index]
                position += 1
    return class_rows, class_labels, class_predictions
