"""Figures of the training: losses, validation metrics and the learning rate over the epochs, a line for each seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from molmix_bench.cards.document import Image
from molmix_bench.cards.palette import Theme
from molmix_bench.cards.theme import label
from molmix_bench.metrics.protocol import METRICS, Metric
from molmix_bench.reports.panels import HEIGHT, Figures, panel, write_plainly
from molmix_bench.reports.read import ReportedRun
from molmix_bench.specs.result import EpochRecord

_LOG_FROM = 20.0
"""Ratio of the largest value to the smallest from which on an axis is logarithmic."""
_MAX_DOTS = 30
"""Epochs up to which each is marked."""
_LEGEND_COLUMNS = 2
"""So many of the longest labels stand beside each other in a panel."""
_LEGEND_ROW = 0.17
"""Inches."""
_DASHES = ("-", "--", ":")
"""Of the lines of the datasets that get the first, second and third round of colours."""

Line = tuple[np.ndarray, np.ndarray]
"""The epochs of a seed that have a value, and the values."""


def training_figures(run: ReportedRun, figures: Figures) -> list[Image]:
    """Returns the panels of the training; none for a model that is not trained in epochs."""
    records = {seed: found for seed, found in run.records.items() if found}
    if not records:
        return []
    names = [target.dataset for target in run.origin.targets]
    panels = [figures.add(partial(_draw_losses, records, names), "Training loss of each dataset over the epochs")]
    chosen = {item.seed: item.epoch for item in run.result.seeds}
    for place, name in enumerate(names):
        metric = METRICS[run.origin.targets[place].kind][0]
        lines = _lines(records, partial(_validation, name, metric))
        if any(len(epochs) for epochs, _ in lines.values()):
            title = f"{label(name)}: {metric.name} on validation\n{metric.direction} is better, ring: predicts"
            draw = partial(_draw_one, lines, chosen, title, place)
            panels.append(figures.add(draw, f"{metric.name} of {name} on validation over the epochs"))
    selection = _lines(records, lambda record: record.selection)
    if len(names) > 1 and any(len(epochs) for epochs, _ in selection.values()):
        title = "what an epoch is chosen by\nlower is better, ring: predicts"
        panels.append(figures.add(partial(_draw_one, selection, chosen, title, 0), "Rule of choice over the epochs"))
    rate = _lines(records, lambda record: record.learning_rate)
    first = dict(list(rate.items())[:1])  # the same for every seed
    panels.append(figures.add(partial(_draw_one, first, {}, "learning rate", 0), "Learning rate over the epochs"))
    return panels


def _validation(name: str, metric: Metric, record: EpochRecord) -> float | None:
    return record.validation.get(name, {}).get(metric.name)


def _loss(name: str, record: EpochRecord) -> float | None:
    return record.losses.get(name)


def _lines(
    records: Mapping[int, Sequence[EpochRecord]], value: Callable[[EpochRecord], float | None]
) -> dict[int, Line]:
    """Returns, for each seed, the epochs that have a value, and the values."""
    lines = {}
    for seed, found in records.items():
        pairs = [(record.epoch, value(record)) for record in found]
        kept = [(epoch, item) for epoch, item in pairs if item is not None and np.isfinite(item)]
        lines[seed] = (np.array([epoch for epoch, _ in kept]), np.array([item for _, item in kept]))
    return lines


def _draw_losses(records: Mapping[int, Sequence[EpochRecord]], names: Sequence[str], theme: Theme) -> Figure:
    every = []
    # A model need not learn every dataset; each keeps its colour.
    has_loss = {name for found in records.values() for record in found for name in record.losses}
    learnt = [(place, name) for place, name in enumerate(names) if name in has_loss]
    rows = -(-len(learnt) // _LEGEND_COLUMNS) if len(learnt) > 1 else 0
    figure, axes = panel("training loss", height=HEIGHT + rows * _LEGEND_ROW)
    for place, name in learnt:
        for number, line in enumerate(_lines(records, partial(_loss, name)).values()):
            _line(axes, line, look=_look(theme, place), name=label(name) if number == 0 else None)
            every.append(line[1])
    _finish(axes, np.concatenate(every))
    if rows:
        # Below the axes, where no curve is.
        figure.legend(loc="outside lower left", fontsize=8, ncols=_LEGEND_COLUMNS, handlelength=3)
    return figure


def _draw_one(lines: Mapping[int, Line], chosen: Mapping[int, int], title: str, place: int, theme: Theme) -> Figure:
    figure, axes = panel(title)
    for seed, (epochs, values) in lines.items():
        _line(axes, (epochs, values), look=_look(theme, place), name=None)
        at = epochs == chosen.get(seed)
        axes.plot(epochs[at], values[at], "o", markersize=9, markerfacecolor="none", markeredgecolor=theme.text)
    _finish(axes, np.concatenate([values for _, values in lines.values()]))
    return figure


def _line(axes: Axes, line: Line, *, look: Mapping[str, Any], name: str | None) -> None:
    epochs, values = line
    marker = "o" if len(epochs) <= _MAX_DOTS else ""
    axes.plot(epochs, values, marker=marker, markersize=3, linewidth=1.4, alpha=0.85, label=name, **look)


def _finish(axes: Axes, values: np.ndarray) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    lowest = values.min(initial=np.inf)
    if lowest > 0 and values.max(initial=0) > _LOG_FROM * lowest:
        axes.set_yscale("log")
        write_plainly(axes.yaxis)
    axes.grid(axis="y", alpha=0.3)


def _look(theme: Theme, place: int) -> dict[str, Any]:
    """Returns colour and line style of a dataset, which no two of the first 18 share."""
    round_, colour = divmod(place, len(theme.series))
    return {"color": theme.series[colour], "linestyle": _DASHES[round_ % len(_DASHES)]}
