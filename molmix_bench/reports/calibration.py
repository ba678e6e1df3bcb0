"""Figures of classes: how often what was predicted with a probability is so, and which classes are mistaken."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from molmix_bench.cards.document import Image, percent
from molmix_bench.cards.palette import Theme
from molmix_bench.cards.theme import draw_shares
from molmix_bench.metrics.cells import FloatArray
from molmix_bench.reports.diagnose import Diagnosis
from molmix_bench.reports.panels import Figures, panel, panel_with_counts, share_interval, write_plainly
from molmix_bench.vocab import Kind

NUM_BINS = 10
"""Of probabilities, equally wide."""
MAX_CLASSES = 12
"""That a table of mistakes has room for."""


def calibration_figures(diagnosis: Diagnosis, figures: Figures, *, colour: int) -> list[Image]:
    """Returns the panels of a binary or multiclass dataset, the cells of all its scorable tasks together."""
    if diagnosis.dataset.kind is Kind.BINARY:
        draw = partial(_draw_reliability, diagnosis.predictions, diagnosis.labels, "reliability", colour)
        return [figures.add(draw, "Observed share of 1 against predicted probability of 1, with counts")]
    top, found = diagnosis.predictions.max(axis=2), diagnosis.predictions.argmax(axis=2)
    draw = partial(_draw_reliability, top, found == diagnosis.labels, "reliability of the likeliest class", colour)
    drawn = [figures.add(draw, "Share of right classes against the probability of the likeliest, with counts")]
    if diagnosis.predictions.shape[2] <= MAX_CLASSES:
        drawn.append(figures.add(partial(_draw_mistakes, diagnosis, found), "Predicted class for each class"))
    return drawn


def reliability(probability: FloatArray, is_so: np.ndarray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns mean probability, observed share and number of cells of each bin, (NUM_BINS,) each; NaN where empty.

    Args:
        probability: (S, L), of each seed.
        is_so: (L,) or (S, L), 0 or 1. Numbers are means over seeds.

    >>> mean, share, count = reliability(np.array([[0.05, 0.95, 0.97]]), np.array([0.0, 1.0, 1.0]))
    >>> share[[0, 9]].tolist(), count[[0, 9]].tolist()
    ([0.0, 1.0], [1.0, 2.0])
    """
    bins = np.minimum((probability * NUM_BINS).astype(np.int64), NUM_BINS - 1).ravel()
    observed = np.broadcast_to(is_so, probability.shape).ravel().astype(np.float64)
    count = np.bincount(bins, minlength=NUM_BINS).astype(np.float64)
    sums = [np.bincount(bins, weights=item, minlength=NUM_BINS) for item in (probability.ravel(), observed)]
    mean, share = (np.where(count > 0, item / np.maximum(count, 1), np.nan) for item in sums)
    return mean, share, count / len(probability)


def _draw_reliability(probability: FloatArray, is_so: np.ndarray, title: str, colour: int, theme: Theme) -> Figure:
    mean, share, count = reliability(probability, is_so)
    full = count > 0
    mean, share, sizes = mean[full], share[full], count[full]
    error = float((sizes * np.abs(share - mean)).sum() / sizes.sum())
    figure, upper, lower = panel_with_counts(f"{title}\ncalibration error {error:.3f}", height=3.7)
    shade = theme.series[colour % len(theme.series)]
    low, high = share_interval(share, sizes)
    upper.plot([0, 1], [0, 1], color=theme.soft, linewidth=1, linestyle="--")
    upper.vlines(mean, low, high, color=shade, linewidth=1.5)
    upper.plot(mean, share, "o-", color=shade, markersize=4, linewidth=1.2)
    upper.set_ylabel("observed share")
    upper.set_ylim(-0.02, 1.02)
    edges = np.arange(NUM_BINS) / NUM_BINS
    lower.bar(edges[full], sizes, width=1 / NUM_BINS, align="edge", color=shade, alpha=0.55, edgecolor=theme.page)
    lower.set_yscale("log")
    write_plainly(lower.yaxis)
    lower.set_ylim(0.5, 3 * sizes.max())
    lower.set_ylabel("labels")
    lower.set_xlabel("predicted probability")
    lower.set_xlim(0, 1)
    return figure


def _draw_mistakes(diagnosis: Diagnosis, found: np.ndarray, theme: Theme) -> Figure:
    """Draws which class is predicted for the labels of each: rows sum to 1."""
    classes = diagnosis.predictions.shape[2]
    labels = np.broadcast_to(diagnosis.labels.astype(np.int64), found.shape)
    counts = np.bincount((labels * classes + found).ravel(), minlength=classes**2).reshape(classes, classes)
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.where(rows > 0, counts / np.maximum(rows, 1), np.nan)
    figure, axes = panel("likeliest class for each label, % of the row", height=3.7)
    draw_shares(axes, shares, theme, write=percent)
    axes.set_xticks(range(classes))
    axes.set_yticks(range(classes), [f"{row} ({count // len(found):,})" for row, count in enumerate(rows[:, 0])])
    axes.set_xlabel("predicted class")
    axes.set_ylabel("label (number)")
    return figure
