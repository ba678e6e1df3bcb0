"""Figures of errors against what a molecule is: its size, and how many labels it has."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from molmix_bench.cards.document import Image
from molmix_bench.cards.palette import Theme
from molmix_bench.metrics.cells import FloatArray, IntArray
from molmix_bench.reports.diagnose import Diagnosis
from molmix_bench.reports.panels import Figures, Z, panel_with_counts

MAX_BINS = 12
"""Of equally many molecules, as far as equal values allow; of few values, each is one."""
_MIN_SPREAD = 2
"""Molecules from which on a mean has an interval."""


def trend_figures(diagnosis: Diagnosis, figures: Figures, *, colour: int) -> list[Image]:
    """Returns the panels of a dataset: against atoms, and against labels where molecules differ in their number."""
    errors = diagnosis.molecule_errors()
    there = np.isfinite(errors)
    shown = [(diagnosis.num_atoms, "error against size", "atoms of the molecule")]
    shown.append((diagnosis.num_labels, "error against label density", "labels of the molecule in scorable tasks"))
    return [
        figures.add(
            partial(_draw, values[there], errors[there], title, words, colour),
            f"Mean error of a molecule's labels against {words}",
        )
        for values, title, words in shown
        if len(np.unique(values[there])) > 1
    ]


def bin_edges(values: IntArray) -> IntArray:
    """Returns the lowest value of each bin: every value is one where they are few, else quantiles.

    >>> bin_edges(np.array([3, 1, 1, 7])).tolist()
    [1, 3, 7]
    """
    distinct = np.unique(values)
    if len(distinct) <= MAX_BINS:
        return distinct
    quantiles = np.quantile(values, np.arange(MAX_BINS) / MAX_BINS, method="inverted_cdf")
    return np.unique(quantiles).astype(np.int64)


def binned(values: IntArray, errors: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """Returns mean value, mean error, standard error of that mean (NaN for one) and molecules of each bin."""
    edges = bin_edges(values)
    place = np.searchsorted(edges, values, side="right") - 1
    count = np.bincount(place, minlength=len(edges))
    middle = np.bincount(place, weights=values) / count
    mean = np.bincount(place, weights=errors) / count
    squares = np.bincount(place, weights=(errors - mean[place]) ** 2)
    enough = count >= _MIN_SPREAD
    spread = np.where(enough, np.sqrt(squares / np.maximum(count - 1, 1) / count), np.nan)
    return middle, mean, spread, count


def _draw(values: IntArray, errors: FloatArray, title: str, words: str, colour: int, theme: Theme) -> Figure:
    middle, mean, spread, _ = binned(values, errors)
    figure, upper, lower = panel_with_counts(title)
    shade = theme.series[colour % len(theme.series)]
    half = Z * np.nan_to_num(spread)
    upper.vlines(middle, np.maximum(mean - half, 0), mean + half, color=shade, linewidth=1.5)
    upper.plot(middle, mean, "o-", color=shade, markersize=4, linewidth=1.2)
    upper.set_ylim(0, None)
    upper.set_ylabel("mean error")
    upper.grid(axis="y", alpha=0.3)
    low, high = int(values.min()), int(values.max())
    step = max(1, -(-(high - low + 1) // 60))
    lower.hist(values, bins=(np.arange(low, high + 2 * step, step) - 0.5).tolist(), color=shade, alpha=0.55)
    lower.set_ylabel("molecules")
    lower.set_xlabel(words)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
