"""Figures of regression: predictions against labels."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from molmix_bench.cards.document import Image
from molmix_bench.cards.palette import Theme
from molmix_bench.cards.theme import heat_map, label
from molmix_bench.metrics.cells import FloatArray
from molmix_bench.reports.diagnose import Diagnosis
from molmix_bench.reports.numbers import number
from molmix_bench.reports.panels import Figures, panel, write_plainly

MAX_TASKS = 4
"""That have a panel each; of more, the best, the median and the worst, and one of all."""
_SCATTER = 2_000
"""Points up to which each is drawn; of more, their density."""
_NUM_BINS = 80
_TAIL = 0.001
"""Share of labels and predictions at either end that lie beyond the window."""


def parity_figures(diagnosis: Diagnosis, scores: pl.DataFrame, figures: Figures, *, colour: int) -> list[Image]:
    """Returns the panels of a regression dataset; `scores` are those of `bars.task_scores`, the best first."""
    tasks = scores["task"].to_list()
    drawn = []
    chosen = tasks if len(tasks) <= MAX_TASKS else [tasks[0], tasks[len(tasks) // 2], tasks[-1]]
    words = [""] * len(tasks) if len(tasks) <= MAX_TASKS else [", the best", ", the median", ", the worst"]
    if len(tasks) > MAX_TASKS:
        mean, std = (item[diagnosis.tasks] for item in (diagnosis.reference.train_mean, diagnosis.reference.train_std))
        pair = ((diagnosis.labels - mean) / std, (diagnosis.predictions - mean) / std)
        title = f"all {len(tasks):,} scorable tasks"
        draw = partial(_draw, *pair, title, "standard deviations of train from its mean", colour)
        drawn.append(figures.add(draw, f"Predictions against labels, {title}"))
    for task, word in zip(chosen, words, strict=True):
        place = diagnosis.dataset.tasks.index(task)
        at = diagnosis.tasks == place
        unit = diagnosis.reference.units[place]
        value = scores.filter(task=task)["value"].item()
        title = f"{label(task)}{word}\n{scores['metric'][0]} {number(value)}"
        draw = partial(
            _draw, diagnosis.labels[at], diagnosis.predictions[:, at], title, label(unit) if unit else "", colour
        )
        drawn.append(figures.add(draw, f"Predictions against labels, task {task}"))
    return drawn


def _draw(labels: FloatArray, predictions: FloatArray, title: str, unit: str, colour: int, theme: Theme) -> Figure:
    figure, axes = panel(title, height=3.7)
    x, y = np.tile(labels, len(predictions)), predictions.ravel()
    low, high = _window(x, y)
    beyond = int(((x < low) | (x > high) | (y < low) | (y > high)).sum())
    x, y = x.clip(low, high), y.clip(low, high)
    shade = theme.series[colour % len(theme.series)]
    if len(x) <= _SCATTER:
        axes.scatter(x, y, s=8, color=shade, linewidths=0, alpha=0.6, clip_on=False)
    else:
        counts, *_ = np.histogram2d(x, y, bins=_NUM_BINS, range=[[low, high], [low, high]])
        shown = np.ma.masked_equal(counts.T, 0)
        norm = LogNorm(vmin=0.3, vmax=max(2.0, counts.max()))
        extent = (low, high, low, high)
        image = axes.imshow(shown, origin="lower", extent=extent, cmap=heat_map(theme), norm=norm, aspect="auto")
        bar = figure.colorbar(image, ax=axes, label="labels", fraction=0.05, pad=0.02)
        write_plainly(bar.ax.yaxis)
    axes.plot([low, high], [low, high], color=theme.text, linewidth=1, linestyle="--", alpha=0.7)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    note = f"\n{beyond:,} of {len(labels) * len(predictions):,} beyond, drawn at the edge" if beyond else ""
    axes.set_xlabel(f"label{', ' if unit else ''}{unit}{note}")
    axes.set_ylabel("prediction")
    return figure


def _window(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Returns the ends of both axes."""
    few = len(x) <= _SCATTER
    tail = 0.0 if few else _TAIL
    low = min(float(np.quantile(item, tail)) for item in (x, y))
    high = max(float(np.quantile(item, 1 - tail)) for item in (x, y))
    margin = 0.02 * (high - low) or 1.0
    return low - margin, high + margin
