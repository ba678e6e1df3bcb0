"""Ranks of many models: the same as `compare` gives, without a row for each pair of them.

Five hundred models have a quarter of a million ordered pairs; of a pair, a rank asks only whether the interval of the
difference excludes 0.
"""

from __future__ import annotations

from collections.abc import Mapping

import numba
import numpy as np
import polars as pl

from molmix_bench.metrics.cells import FloatArray, IntArray
from molmix_bench.metrics.compare import ROUNDING, only_macro, ranks_of
from molmix_bench.metrics.protocol import CONFIDENCE, MIN_DEFINED_SHARE
from molmix_bench.metrics.scores import Scores

_KEY = ("dataset", "split", "metric")
_TAIL = (1 - CONFIDENCE) / 2


def rank(models: Mapping[str, Scores]) -> pl.DataFrame:
    """Returns the ranks of some models, columns as in `compare.RANK_SCHEMA`: those of `compare(models)`.

    Args:
        models: by name, means over seeds with their replicates.
    """
    macros = {name: only_macro(scores) for name, scores in models.items()}
    if not macros:
        return ranks_of({}, None)
    tables = [
        scores.table.select(*_KEY, "value", "direction", pl.lit(name).alias("model")).with_row_index("row")
        for name, scores in macros.items()
    ]
    beaten = [
        some.select(*_KEY, "model", _counts(some, macros).alias("num_better"))
        for _, some in pl.concat(tables).group_by(*_KEY, maintain_order=True)
    ]
    return ranks_of(macros, pl.concat(beaten) if beaten else None)


def _counts(some: pl.DataFrame, macros: Mapping[str, Scores]) -> pl.Series:
    """Returns how many are better than each model of one dataset, split and metric."""
    found = [macros[name].replicates for name in some["model"]]
    width = max((len(array[0]) for array in found if array is not None), default=1)
    absent = np.full(width, np.nan)
    rows = zip(found, some["row"], strict=True)
    replicates = np.stack([absent if array is None else array[row] for array, row in rows])
    sign = 1 if some["direction"][0] == "higher" else -1
    return pl.Series(num_better(sign * some["value"].fill_null(np.nan).to_numpy(), sign * replicates))


def num_better(values: FloatArray, replicates: FloatArray) -> IntArray:
    """Returns how many others are significantly better than each value, (N,).

    Args:
        values: (N,), the higher the better; NaN has no better one and is none.
        replicates: (N, R), of the same; NaN where undefined.

    >>> rises = np.linspace(-0.1, 0.1, 100)
    >>> num_better(np.array([0.0, 1.0, 1.01]), np.stack([rises, 1 + rises, 1.01 - rises])).tolist()
    [2, 0, 0]
    """
    found: IntArray = _num_better(values, np.ascontiguousarray(replicates), ROUNDING)
    return found


@numba.njit(cache=True, nogil=True)
def _num_better(values: FloatArray, replicates: FloatArray, rounding: float) -> IntArray:
    num_models, num_replicates = replicates.shape
    counts = np.zeros(num_models, dtype=np.int64)
    drawn = np.empty(num_replicates)
    for one in range(num_models):
        for other in range(one + 1, num_models):
            difference = values[one] - values[other]
            if np.isnan(difference):
                continue
            defined, total = 0, 0.0
            for place in range(num_replicates):
                value = replicates[one, place] - replicates[other, place]
                if not np.isnan(value):
                    drawn[defined] = value
                    defined += 1
                    total += value
            if defined == 0 or defined < MIN_DEFINED_SHARE * num_replicates:
                continue
            scale = rounding * max(abs(values[one]), abs(values[other]))
            shift = difference - total / defined
            if _quantile_above(drawn[:defined], _TAIL, scale - shift):
                counts[other] += 1
            elif _quantile_above(-drawn[:defined], _TAIL, scale + shift):
                counts[one] += 1
    return counts


@numba.njit(cache=True, nogil=True)
def _quantile_above(drawn: FloatArray, share: float, bound: float) -> bool:
    """Whether a quantile, between the nearest two values, is above a bound; sorts only where counting cannot tell."""
    place = share * (len(drawn) - 1)
    below = int(np.floor(place))
    at_most = 0
    for value in drawn:
        at_most += value <= bound
    if at_most <= below:
        return True
    if at_most >= min(below + 2, len(drawn)):
        return False
    ordered = np.sort(drawn)
    upper = ordered[min(below + 1, len(drawn) - 1)]
    return bool(ordered[below] + (place - below) * (upper - ordered[below]) > bound)
