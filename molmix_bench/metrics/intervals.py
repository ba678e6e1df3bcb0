"""Intervals from replicates of the bootstrap."""

from __future__ import annotations

import numpy as np

from molmix_bench.metrics.cells import FloatArray
from molmix_bench.metrics.protocol import CONFIDENCE, MIN_DEFINED_SHARE


def intervals(values: FloatArray, replicates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Returns the lower and upper ends of the intervals of some values, (N,) each.

    An end is as far from the value as the quantile of the replicates is from their mean. NaN where more replicates are
    undefined than the protocol allows.

    Args:
        values: (N,), of the molecules as they are.
        replicates: (N, R), the same of resampled molecules; NaN where undefined.

    >>> low, high = intervals(np.array([5.0]), np.arange(101.0)[None])
    >>> low.round(9).tolist(), high.round(9).tolist()
    ([-42.5], [52.5])
    """
    num_replicates = replicates.shape[1]
    counts = (~np.isnan(replicates)).sum(axis=1)
    enough = (counts > 0) & (counts >= MIN_DEFINED_SHARE * num_replicates)
    low, high = np.full(len(values), np.nan), np.full(len(values), np.nan)
    if enough.any():
        ordered = np.sort(replicates[enough], axis=1)  # NaN last
        means = np.nanmean(ordered, axis=1)
        for ends, share in ((low, (1 - CONFIDENCE) / 2), (high, (1 + CONFIDENCE) / 2)):
            ends[enough] = values[enough] + _quantiles(ordered, counts[enough], share) - means
    return low, high


def _quantiles(ordered: FloatArray, counts: FloatArray, share: float) -> FloatArray:
    """Returns a quantile of the first `counts` (N,) of each row of sorted values (N, R), between the nearest two."""
    place = share * (counts - 1)
    below = np.floor(place).astype(np.int64)
    rows = np.arange(len(ordered))
    lower, upper = ordered[rows, below], ordered[rows, np.minimum(below + 1, counts - 1)]
    return np.asarray(lower + (place - below) * (upper - lower))
