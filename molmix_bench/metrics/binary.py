"""Metrics of binary tasks, from probabilities of class 1."""

from __future__ import annotations

import numba
import numpy as np

from molmix_bench.metrics.cells import Cells, FloatArray, IntArray, for_each_task
from molmix_bench.metrics.means import task_means
from molmix_bench.metrics.protocol import PROBABILITY_CLIP

_PIECE = 1 << 14
"""Cells whose cross-entropies are computed together."""


def binary_metrics(cells: Cells) -> dict[str, FloatArray]:
    """Returns `ap`, `auroc` (higher is better) and `bce` (lower is better) of each task, (T,) each.

    The cross-entropy is NaN for a task without labels, the others as `ranking_metrics` says.
    """
    return ranking_metrics(cells) | {"bce": task_means(cells.starts, cross_entropies(cells))}


def cross_entropies(cells: Cells) -> FloatArray:
    """Returns -log(probability of the true class), clipped, of each cell, (L,)."""
    losses = np.empty_like(cells.predictions)

    def _fill(_: int, first: int, end: int) -> None:
        labels, predictions = cells.labels[first:end], cells.predictions[first:end]
        probability = np.where(labels == 1, predictions, 1 - predictions)
        losses[first:end] = -np.log(np.clip(probability, PROBABILITY_CLIP, 1 - PROBABILITY_CLIP))

    # By pieces that stay in a core's cache, whatever the tasks' sizes: three times as fast as all at once.
    pieces = np.append(np.arange(0, len(losses), _PIECE), len(losses))
    for_each_task(pieces, _fill)
    return losses


def ranking_metrics(cells: Cells) -> dict[str, FloatArray]:
    """Returns `ap` and `auroc` of each task, (T,) each; higher is better.

    Tied predictions enter together, so no order among them can matter. AP is the step-wise sum over distinct
    predictions (no interpolation), AUROC counts a tied pair as half. Both are NaN for a task of one class only.

    >>> ranking_metrics(Cells.from_dense([[0], [1], [1]], [[0.1], [0.1], [0.9]]))["auroc"].tolist()
    [0.75]
    """
    classes = _split_classes(cells.starts, cells.labels, cells.predictions)
    # Sorting the values of each class is several times faster than sorting positions of cells.
    for starts, predictions in classes:
        _sort_within_tasks(starts, predictions)
    (positive_starts, positives), (negative_starts, negatives) = classes
    ap, auroc = _merge_classes(positive_starts, positives, negative_starts, negatives)
    return {"ap": ap, "auroc": auroc}


def _sort_within_tasks(starts: IntArray, predictions: FloatArray) -> None:
    # NumPy sorts without the interpreter's lock.
    for_each_task(starts, lambda _, first, end: predictions[first:end].sort())


@numba.njit(cache=True)
def _split_classes(
    starts: IntArray, labels: FloatArray, predictions: FloatArray
) -> tuple[tuple[IntArray, FloatArray], tuple[IntArray, FloatArray]]:
    """Returns starts and predictions of the positive cells, and the same of the negative ones."""
    num_positives = int(labels.sum())
    positives, negatives = np.empty(num_positives), np.empty(len(labels) - num_positives)
    positive_starts, negative_starts = np.zeros_like(starts), np.zeros_like(starts)
    positive, negative = 0, 0
    for task in range(len(starts) - 1):
        for cell in range(starts[task], starts[task + 1]):
            if labels[cell] == 1:
                positives[positive] = predictions[cell]
                positive += 1
            else:
                negatives[negative] = predictions[cell]
                negative += 1
        positive_starts[task + 1] = positive
        negative_starts[task + 1] = negative
    return (positive_starts, positives), (negative_starts, negatives)


@numba.njit(cache=True)
def _merge_classes(
    positive_starts: IntArray, positives: FloatArray, negative_starts: IntArray, negatives: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Returns AP and AUROC of each task, (T,) each, by merging its two classes from the highest prediction down.

    Counts are integers throughout; only the divisions round.
    """
    num_tasks = len(positive_starts) - 1
    ap, auroc = np.full(num_tasks, np.nan), np.full(num_tasks, np.nan)
    for task in range(num_tasks):
        first, end = positive_starts[task], positive_starts[task + 1]
        first_negative, end_negative = negative_starts[task], negative_starts[task + 1]
        pairs = (end - first) * (end_negative - first_negative)
        if pairs == 0:
            continue
        half_pairs = 0  # 2 for a positive above a negative, 1 for a tie
        precision_sum = 0.0
        positive, negative = end, end_negative  # what lies at or above these has been passed
        while positive > first:
            threshold = positives[positive - 1]
            group = positive
            while positive > first and positives[positive - 1] == threshold:
                positive -= 1
            while negative > first_negative and negatives[negative - 1] > threshold:
                negative -= 1
            below_or_tied = negative - first_negative
            while negative > first_negative and negatives[negative - 1] == threshold:
                negative -= 1
            half_pairs += (group - positive) * (below_or_tied + negative - first_negative)
            num_above = (end - positive) + (end_negative - negative)
            precision_sum += (group - positive) * ((end - positive) / num_above)
        ap[task] = precision_sum / (end - first)
        auroc[task] = half_pairs / (2 * pairs)
    return ap, auroc
