"""Figures of the scores of single tasks: sorted bars with intervals, of many tasks the best and the worst."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from molmix_bench.cards.document import Image
from molmix_bench.cards.palette import Theme
from molmix_bench.cards.theme import label
from molmix_bench.metrics.cells import FloatArray
from molmix_bench.metrics.protocol import METRIC_BOUNDS
from molmix_bench.reports.panels import Figures, panel

MAX_BARS = 40
"""In a panel: of more than twice as many tasks, so many of the best and of the worst are named."""
_INCHES, _AROUND = 0.19, 1.1
"""Of a bar, and of what stands around the bars."""


def task_scores(means: pl.DataFrame, *, dataset: str, split: str) -> pl.DataFrame:
    """Returns the primary metric of each scorable task over all seeds, the best task first."""
    rows = means.filter("primary", dataset=dataset, split=split, aggregation="task")
    higher = not rows.is_empty() and rows["direction"][0] == "higher"
    return rows.sort("value", descending=higher, maintain_order=True)


def task_figures(scores: pl.DataFrame, prevalence: dict[str, float], figures: Figures, *, colour: int) -> list[Image]:
    """Returns the panels of a dataset's tasks.

    Args:
        scores: of `task_scores`.
        prevalence: binary only, per task the share of 1 among its labels, which is the AP of a guess.
        figures: where they are drawn.
        colour: of the theme's series.
    """
    count = scores.height
    if count == 0:
        return []
    if count <= MAX_BARS:
        parts = [(f"all {count} tasks" if count > 1 else "the one task", scores)]
    elif count <= 2 * MAX_BARS:
        half = (count + 1) // 2
        parts = [(f"tasks 1 to {half}", scores[:half]), (f"tasks {half + 1} to {count}", scores[half:])]
    else:
        parts = [(f"the best {MAX_BARS}", scores[:MAX_BARS]), (f"the worst {MAX_BARS}", scores[-MAX_BARS:])]
    limits = _limits(scores)
    drawn = []
    for title, part in parts:
        draw = partial(_draw_bars, part, prevalence, limits, f"{_metric(scores)}\n{title}", colour)
        drawn.append(figures.add(draw, f"{_metric(scores)} with intervals, {title} of {count}"))
    if count > 2 * MAX_BARS:
        draw = partial(_draw_all, scores, colour)
        drawn.append(figures.add(draw, f"Distribution of {_metric(scores)} over all {count} tasks"))
    return drawn


def _metric(scores: pl.DataFrame) -> str:
    return f"{scores['metric'][0]} ({scores['direction'][0]} is better)"


def _column(scores: pl.DataFrame, name: str) -> FloatArray:
    return scores[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _limits(scores: pl.DataFrame) -> tuple[float, float]:
    """Returns the ends of the axis that all panels of a dataset share."""
    lowest, highest = METRIC_BOUNDS[scores["metric"][0]]
    ends = np.concatenate([_column(scores, name) for name in ("value", "ci_low", "ci_high")])
    ends = ends[np.isfinite(ends)]
    high = highest if np.isfinite(highest) else 1.05 * ends.max(initial=1e-9)
    return max(lowest, min(0.0, ends.min(initial=0.0))), high


def _draw_bars(
    scores: pl.DataFrame,
    prevalence: dict[str, float],
    limits: tuple[float, float],
    title: str,
    colour: int,
    theme: Theme,
) -> Figure:
    figure, axes = panel(title, height=_AROUND + _INCHES * max(2, scores.height))
    places = np.arange(scores.height)
    values, low, high = (_column(scores, name) for name in ("value", "ci_low", "ci_high"))
    shade = theme.series[colour % len(theme.series)]
    axes.barh(places, values, height=0.7, color=shade, alpha=0.55)
    # A task without an interval has a bar alone.
    axes.hlines(places, np.fmin(low, values), np.fmax(high, values), color=theme.text, linewidth=1.2)
    if prevalence:
        shares = [prevalence.get(task, np.nan) for task in scores["task"]]
        axes.plot(shares, places, "|", color=theme.text, markersize=9, markeredgewidth=1.5, alpha=0.7)
        axes.set_xlabel("line: 95 % interval; stroke: share of 1", fontsize=9)
    else:
        axes.set_xlabel("line: 95 % interval", fontsize=9)
    axes.set_yticks(places, [label(task) for task in scores["task"]], fontsize=8)
    axes.set_ylim(scores.height - 0.4, -0.6)
    axes.set_xlim(*limits)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.3)
    return figure


def _draw_all(scores: pl.DataFrame, colour: int, theme: Theme) -> Figure:
    figure, axes = panel(f"{_metric(scores)}\nall {scores.height:,} tasks")
    values = _column(scores, "value")
    axes.hist(values, bins=40, color=theme.series[colour % len(theme.series)])
    axes.axvline(float(values.mean()), color=theme.text, linewidth=1, linestyle="--")
    axes.set_xlabel("score; dashed: mean")
    axes.set_ylabel("tasks")
    return figure
