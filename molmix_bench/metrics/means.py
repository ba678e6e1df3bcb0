"""Means over the cells of each task."""

from __future__ import annotations

import numba
import numpy as np

from molmix_bench.metrics.cells import FloatArray, IntArray


@numba.njit(cache=True)
def task_means(starts: IntArray, values: FloatArray) -> FloatArray:
    """Returns the mean of each task's values, (T,); NaN for a task without any."""
    means = np.full(len(starts) - 1, np.nan)
    for task in range(len(means)):
        if starts[task] < starts[task + 1]:
            means[task] = values[starts[task] : starts[task + 1]].mean()
    return means
