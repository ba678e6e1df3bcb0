"""Figures of distributions: labels, sizes of molecules, chemical space; one panel a dataset."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from molmix_bench.cards.document import percent
from molmix_bench.cards.facts import Facts
from molmix_bench.cards.palette import Theme
from molmix_bench.cards.theme import heat_map, label, new_figure
from molmix_bench.mix import Dataset, Mix
from molmix_bench.vocab import SPLITS, Kind

_BINARY = 2
MAX_BARS = 20
"""Tasks that are drawn one by one, with their names; of more, a curve over all."""
_COLUMNS, _SQUARE = 3, 4
"""Panels beside each other; as many datasets as make two rows of two."""
_PANEL, _TASK = 0.95, 0.19
"""Inches of what stands around a panel, and of a task in it."""
_CURVE = 1.3
"""Inches of a curve over many tasks."""
_WINDOW = 5.0
"""Standard deviations to either side that quantiles are drawn in."""


def draw_sizes(mix: Mix, facts: Facts, theme: Theme) -> Figure:
    """Returns histograms of the number of atoms, one scale for all datasets."""
    figure, panels = _panels(mix, theme, height=1.6)
    largest = max(int(np.quantile(sizes, 0.995)) for sizes in facts.num_atoms.values())
    width = max(1, math.ceil((largest + 1) / 60))
    edges = np.arange(0, largest + 2 * width, width) - 0.5
    for axes, (name, colour) in panels.items():
        sizes = np.minimum(facts.num_atoms[name], edges[-1] - 0.5)
        axes.hist(sizes, bins=edges.tolist(), weights=np.full(len(sizes), 100 / len(sizes)), color=colour)
        axes.set_title(f"{label(name)}\nmedian {np.median(facts.num_atoms[name]):.0f}")
        axes.set_xlim(0, edges[-1])
        axes.set_ylabel("% of molecules")
        axes.set_xlabel("atoms (last bar: or more)")
    return figure


def draw_space(mix: Mix, facts: Facts, theme: Theme) -> Figure:
    """Returns, for each dataset, its molecules over those of all others."""
    figure, panels = _panels(mix, theme, height=2.9)
    for axes, (name, colour) in panels.items():
        others = [points for other, points in facts.space.points.items() if other != name]
        if others:
            _scatter(axes, np.concatenate(others), size=2, colour=theme.line, opacity=1)
        points = facts.space.points[name]
        _scatter(axes, points, size=3, colour=colour, opacity=0.6)
        axes.set_title(f"{label(name)}\n{len(points):,} molecules")
        axes.set_xticks([])
        axes.set_yticks([])
        first, second = facts.space.explained
        axes.set_xlabel(f"component 1 ({first:.0%})")
        axes.set_ylabel(f"component 2 ({second:.0%})")
    _same_window(list(panels), np.concatenate(list(facts.space.points.values())))
    return figure


def _scatter(axes: Axes, points: npt.NDArray[np.float64], *, size: float, colour: str, opacity: float) -> None:
    axes.scatter(points[:, 0], points[:, 1], s=size, color=colour, linewidths=0, alpha=opacity)


def _same_window(panels: list[Axes], points: npt.NDArray[np.float64]) -> None:
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.maximum(0.05 * (high - low), 1e-6)
    for axes in panels:
        axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axes.set_ylim(low[1] - margin[1], high[1] + margin[1])


def draw_labels(mix: Mix, facts: Facts, theme: Theme) -> Figure:
    """Returns the distribution of every task's labels, as fits the dataset's kind."""
    counts = [len(item.tasks) for item in mix.datasets.values()]
    heights = [_PANEL + (max(0.5, _TASK * count) if count <= MAX_BARS else _CURVE) for count in counts]
    figure = new_figure(sum(heights))
    panels = figure.subplots(len(counts), 1, squeeze=False, height_ratios=heights)[:, 0]
    for place, (axes, dataset) in enumerate(zip(panels, mix.datasets.values(), strict=True)):
        colour = theme.series[place % len(theme.series)]
        if dataset.kind is Kind.REGRESSION:
            _draw_quantiles(axes, dataset, facts.quantiles[dataset.name], colour=colour)
        else:
            _draw_classes(axes, dataset, _class_shares(mix, dataset), colour=colour, theme=theme)
    return figure


def _draw_quantiles(axes: Axes, dataset: Dataset, quantiles: npt.NDArray[np.float64], *, colour: str) -> None:
    """Draws the middle half, the middle 98 % and the median of each task's labels, in its standard deviations."""
    if few := len(dataset.tasks) <= MAX_BARS:
        places, drawn, width = np.arange(len(quantiles)), quantiles, 5.0
    else:
        order = np.argsort(quantiles[:, 2], kind="stable")
        places, drawn, width = np.arange(len(order)), quantiles[order], 120.0 / len(order)
    drawn = np.clip(drawn, -_WINDOW, _WINDOW)
    if few:
        axes.hlines(places, drawn[:, 0], drawn[:, 4], color=colour, linewidth=1)
        axes.hlines(places, drawn[:, 1], drawn[:, 3], color=colour, linewidth=width)
        axes.plot(drawn[:, 2], places, "o", color=axes.get_facecolor(), markersize=3)
        _name_tasks(axes, dataset)
        axes.set_xlabel("standard deviations of train from its mean")
    else:
        axes.fill_between(places, drawn[:, 0], drawn[:, 4], color=colour, alpha=0.3, linewidth=0)
        axes.fill_between(places, drawn[:, 1], drawn[:, 3], color=colour, alpha=0.7, linewidth=0)
        axes.set_xlabel(f"{len(dataset.tasks):,} tasks by their median")
        axes.set_ylabel("standard deviations")
    axes.set_title(f"{label(dataset.name)}: line 1 to 99 %, bar 25 to 75 %, dot median")


def _draw_classes(axes: Axes, dataset: Dataset, shares: npt.NDArray[np.float64], *, colour: str, theme: Theme) -> None:
    """Draws the share of each class: stacked bars for a few tasks, a curve over many."""
    classes = shares.shape[1]
    if len(dataset.tasks) <= MAX_BARS:
        colours = (
            [theme.line, colour] if classes == _BINARY else heat_map(theme)(np.linspace(0.15, 1, classes)).tolist()
        )
        left = np.zeros(len(shares))
        for number in range(classes):
            axes.barh(range(len(shares)), shares[:, number], left=left, color=colours[number], label=str(number))
            left += shares[:, number]
        _name_tasks(axes, dataset)
        if classes == _BINARY:
            for task, share in enumerate(shares[:, 1]):
                axes.text(0.01, task, f"{percent(share)} % are 1", va="center", color=theme.text, fontsize=8)
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of the labels")
        axes.legend(title="class", loc="upper left", bbox_to_anchor=(1, 1))
        axes.set_title(f"{label(dataset.name)}: share of each class")
        return
    curve = np.sort(shares[:, 1] if classes == _BINARY else shares.max(axis=1))
    axes.plot(np.arange(len(curve)), curve, color=colour)
    axes.set_ylim(0, None)
    what = "share of class 1" if classes == _BINARY else "share of the most frequent class"
    axes.set_ylabel("share of the labels")
    axes.set_xlabel(f"{len(curve):,} tasks by that share")
    axes.set_title(f"{label(dataset.name)}: {what}")


def _class_shares(mix: Mix, dataset: Dataset) -> npt.NDArray[np.float64]:
    """Returns (num_tasks, num_classes), over all splits; NaN-free: a task without labels has shares of 0."""
    tasks = mix.tasks.filter(pl.col("dataset") == dataset.name)
    counts = np.zeros((len(tasks), dataset.num_classes or 2))
    for split in SPLITS:
        for task, found in enumerate(tasks[f"{split}_class_counts"]):
            counts[task, : len(found)] += found.to_numpy()
    shares: npt.NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def _name_tasks(axes: Axes, dataset: Dataset) -> None:
    axes.set_yticks(range(len(dataset.tasks)), [label(task) for task in dataset.tasks])
    axes.set_ylim(len(dataset.tasks) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _panels(mix: Mix, theme: Theme, *, height: float) -> tuple[Figure, dict[Axes, tuple[str, str]]]:
    """Returns a figure with a panel for each dataset, and each panel's dataset and colour."""
    count = len(mix.datasets)
    columns = min(count, _COLUMNS) if count != _SQUARE else 2  # so that few places stay empty
    rows = math.ceil(len(mix.datasets) / columns)
    figure = new_figure(0.2 + (height + 0.55) * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(mix.datasets) :]:
        axes.set_axis_off()
    names = {
        axes: (name, theme.series[place % len(theme.series)])
        for place, (axes, name) in enumerate(zip(grid, mix.datasets, strict=False))
    }
    return figure, names
