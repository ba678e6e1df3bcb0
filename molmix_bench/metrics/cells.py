"""The labelled cells of a table of predictions, grouped by task: what every metric works on.

Missing labels take no room and no branch: a table of 1,328 tasks with 11 % labels is 11 % of its cells. Sparse
references, labels of atoms and resampled molecules are all this one form.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_MIN_THREADED = 1 << 18
"""Cells below which starting threads costs more than they save."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Labels and predictions of T tasks in L labelled cells; task t has the cells `starts[t]:starts[t + 1]`.

    Shapes:
        starts: (T + 1,), increasing from 0 to L.
        rows: (L,) int32, the molecule of each cell: cells of one molecule are resampled together.
        labels: (L,), binary: 0 and 1; multiclass: the class.
        predictions: (L,); multiclass: (L, C), a probability of each class.
    """

    starts: IntArray
    rows: NDArray[np.int32]
    labels: FloatArray
    predictions: FloatArray

    @classmethod
    def from_dense(cls, labels: ArrayLike, predictions: ArrayLike) -> Cells:
        """Returns the cells of two tables in which a missing label is NaN.

        Shapes:
            labels: (n, T)
            predictions: (n, T); multiclass: (n, T, C).

        >>> Cells.from_dense([[0.0, np.nan], [1.0, 2.0]], [[0.1, 0.2], [0.3, 0.4]]).predictions.tolist()
        [0.1, 0.3, 0.4]
        """
        by_task = np.asarray(labels, dtype=np.float64).T
        tasks, rows = np.nonzero(~np.isnan(by_task))
        return cls(
            starts=group_starts(tasks, by_task.shape[0]),
            rows=rows.astype(np.int32),
            labels=by_task[tasks, rows],
            predictions=np.asarray(predictions)[rows, tasks].astype(np.float64),
        )

    @property
    def num_labels(self) -> IntArray:
        """Labels of each task, (T,)."""
        return np.diff(self.starts)

    def select(self, tasks: BoolArray) -> Cells:
        """Returns the cells of the tasks that `tasks` (T,) marks, without the others."""
        if tasks.all():
            return self
        keep = np.repeat(tasks, self.num_labels)
        starts = np.concatenate([[0], np.cumsum(self.num_labels[tasks])])
        return Cells(starts, self.rows[keep], self.labels[keep], self.predictions[keep])

    def pooled(self) -> Cells:
        """Returns the same cells as those of a single task."""
        return Cells(self.starts[[0, -1]], self.rows, self.labels, self.predictions)

    def standardised(self, mean: FloatArray, std: FloatArray) -> Cells:
        """Returns the cells with labels and predictions as multiples of each task's `std` (T,) from its `mean` (T,)."""
        mean, std = np.repeat(mean, self.num_labels), np.repeat(std, self.num_labels)
        return Cells(self.starts, self.rows, (self.labels - mean) / std, (self.predictions - mean) / std)


def group_starts(tasks: NDArray[np.integer], num_tasks: int) -> IntArray:
    """Returns where each task's cells start, (num_tasks + 1,), in cells that are sorted by task.

    >>> group_starts(np.array([0, 0, 2]), 3).tolist()
    [0, 2, 2, 3]
    """
    return np.concatenate([[0], np.cumsum(np.bincount(tasks, minlength=num_tasks))])


def for_each_task(starts: IntArray, work: Callable[[int, int, int], None]) -> None:
    """Calls `work(task, first, end)` for the cells of each task, by threads where there are cells enough.

    The work of one task must not depend on that of another; it should not hold the interpreter's lock.
    """
    edges = list(enumerate(pairwise(starts.tolist())))

    def _some(part: Sequence[tuple[int, tuple[int, int]]]) -> None:
        for task, (first, end) in part:
            work(task, first, end)

    num_threads = os.cpu_count() or 1
    if num_threads == 1 or starts[-1] < _MIN_THREADED:
        _some(edges)
        return
    # Several parts for each thread, as tasks differ in size; few, as each costs.
    size = max(1, len(edges) // (8 * num_threads))
    with ThreadPoolExecutor(num_threads) as pool:
        list(pool.map(_some, (edges[at : at + size] for at in range(0, len(edges), size))))


def order_within_tasks(starts: IntArray, values: FloatArray) -> IntArray:
    """Returns the positions of the cells, (L,), task after task, by increasing value within each.

    This is the one sort a task needs: resampled molecules change weights, not this order.
    """
    order = np.empty(len(values), dtype=np.int64)
    for first, end in pairwise(starts.tolist()):
        order[first:end] = np.argsort(values[first:end])
        order[first:end] += first
    return order
