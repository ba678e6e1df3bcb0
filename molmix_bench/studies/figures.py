"""Figures of studies: lines of means with intervals over a factor, points of quality against cost, matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from molmix_bench.cards.document import Image
from molmix_bench.cards.palette import Theme
from molmix_bench.cards.theme import draw_shares, label
from molmix_bench.metrics.cells import FloatArray
from molmix_bench.reports.panels import Figures, panel, write_plainly
from molmix_bench.studies.judge import spread
from molmix_bench.studies.results import Sample

_SHIFT = 1.02
"""Between neighbouring lines of one figure, so that their intervals do not hide each other."""
_MARKS = "osD^vP*X<>"


@dataclass(frozen=True, slots=True)
class Axis:
    """The axis across.

    Attributes:
        plain: whether it is linear instead of logarithmic.
    """

    words: str
    plain: bool = False


Lines = Mapping[str, Sequence[tuple[float, Sample]]]
"""By name, the levels of a line: where each stands, and what it gave."""


def line_figure(
    figures: Figures, title: str, lines: Lines, axis: Axis, *, levels: Mapping[str, Sample] | None = None
) -> Image:
    """Draws means over seeds with 95 % intervals, and the single seeds beside them.

    Args:
        figures: where it is drawn.
        title: what is shown.
        lines: a line for each name.
        axis: the axis across.
        levels: what has no place on it, such as a reference: a horizontal line each.
    """
    return figures.add(partial(_draw_lines, title, lines, axis, dict(levels or {})), f"{title}, against {axis.words}")


def _draw_lines(title: str, lines: Lines, axis: Axis, levels: Mapping[str, Sample], theme: Theme) -> Figure:
    figure, axes = panel("")
    samples = [sample for points in lines.values() for _, sample in points] + list(levels.values())
    axes.set_title(f"{label(title)}\n{samples[0].metric}, {samples[0].direction} is better")
    for place, (name, points) in enumerate(lines.items()):
        colour = theme.series[place % len(theme.series)]
        shift = 0.0 if axis.plain else place - (len(lines) - 1) / 2
        x = np.array([at for at, _ in points]) * _SHIFT**shift
        axes.plot(
            x,
            [sample.mean for _, sample in points],
            marker=_MARKS[place % len(_MARKS)],
            color=colour,
            markersize=4,
            linewidth=1.2,
            label=label(name),
        )
        for at, (_, sample) in zip(x, points, strict=True):
            _interval(axes, float(at), sample, colour)
    for place, (name, sample) in enumerate(levels.items()):
        colour = theme.soft if place == 0 else theme.text
        axes.axhline(sample.mean, color=colour, linewidth=1, linestyle=("--", ":")[place % 2], label=label(name))
    _finish(axes, axis, sorted({at for points in lines.values() for at, _ in points}))
    return figure


def _interval(axes: Axes, at: float, sample: Sample, colour: str) -> None:
    ends = spread(sample).interval()
    if ends is not None:
        axes.vlines(at, *ends, color=colour, linewidth=1, alpha=0.8)
    axes.plot(np.full(len(sample.values), at), sample.values, "_", color=colour, markersize=4, alpha=0.6)


def _finish(axes: Axes, axis: Axis, ticks: Sequence[float]) -> None:
    if not axis.plain:
        axes.set_xscale("log")
        write_plainly(axes.xaxis)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel(axis.words)
    axes.grid(axis="y", alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7)


def cost_figure(figures: Figures, title: str, points: Mapping[str, tuple[float, Sample]], words: str) -> Image:
    """Draws quality with intervals against a cost, a point with its name for each model."""
    return figures.add(partial(_draw_costs, title, points, words), f"{title}, against {words}")


def _draw_costs(title: str, points: Mapping[str, tuple[float, Sample]], words: str, theme: Theme) -> Figure:
    figure, axes = panel("", height=3.6)
    first = next(iter(points.values()))[1]
    axes.set_title(f"{label(title)}\n{first.metric}, {first.direction} is better")
    for place, (name, (at, sample)) in enumerate(points.items()):
        colour = theme.series[place % len(theme.series)]
        axes.plot([at], [sample.mean], _MARKS[place % len(_MARKS)], color=colour, markersize=5, label=label(name))
        _interval(axes, at, sample, colour)
    axes.set_xscale("log")
    write_plainly(axes.xaxis)
    axes.set_xlabel(words)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=6, ncols=2)
    return figure


def matrix_figure(
    figures: Figures, title: str, names: tuple[Sequence[str], Sequence[str]], shares: FloatArray
) -> Image:
    """Draws a matrix of numbers from 0 to 1, each cell with its number; NaN is a cell that does not exist.

    Args:
        figures: where it is drawn.
        title: what is shown.
        names: of rows and of columns.
        shares: (rows, columns).
    """
    return figures.add(partial(_draw_matrix, title, names, shares), title)


def _draw_matrix(title: str, names: tuple[Sequence[str], Sequence[str]], shares: FloatArray, theme: Theme) -> Figure:
    figure, axes = panel(title, height=1.3 + 0.32 * len(names[0]))
    draw_shares(axes, np.clip(shares, 0, 1), theme, write=lambda share: f"{share:.2f}")
    axes.set_xticks(range(len(names[1])), [label(name) for name in names[1]], fontsize=7, rotation=45, ha="right")
    axes.set_yticks(range(len(names[0])), [label(name) for name in names[0]], fontsize=7)
    return figure
