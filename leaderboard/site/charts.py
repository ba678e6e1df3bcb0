"""Drawings of a table of models: score against size, and submissions over time; geometry only, a template writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from leaderboard.boards import MetricTable, Row
from leaderboard.site.numbers import number
from leaderboard.site.scales import Scale, compact, date_ticks, linear_ticks, padded, seconds, size_ticks

WIDTH, HEIGHT = 400, 280
FOOT = 238
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 388, 26, FOOT
_MAX_LABELS = 5
_MAX_NAMED = 3
_LABEL_WIDTH = 6.2
"""Of a letter, in the drawing's units."""
_MAX_LABEL = 18


@dataclass(frozen=True, slots=True)
class Point:
    """A model."""

    x: float
    y: float
    text: str
    """What a reader who points at it is told."""
    on_line: bool


@dataclass(frozen=True, slots=True)
class Label:
    """A model's name beside its point."""

    x: float
    y: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class _Across:
    """What models are placed by from left to right."""

    title: str
    x_title: str
    summary: str
    scale: Scale
    ticks: Sequence[tuple[float, str]]
    is_stepped: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, in units of its own."""

    title: str
    summary: str
    """The same in words."""
    x_title: str
    y_title: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    points: tuple[Point, ...]
    line: str
    """Through the best ones, as an SVG's list of points."""
    labels: tuple[Label, ...]


def size_chart(table: MetricTable, metric: str) -> Chart | None:
    """Returns scores against parameters, with the best of each size joined; nothing of fewer than two sizes."""
    rows = [row for row in table.rows if row.macro.mean is not None]
    sizes = [float(row.entry.submission.spec.parameters) for row in rows]
    if len(set(sizes)) < 2:  # noqa: PLR2004  # one size is no axis
        return None
    low, high = min(sizes), max(sizes)
    scale = Scale(low / (high / low) ** 0.05, high * (high / low) ** 0.05, _LEFT, _RIGHT, is_log=True)
    found = _best_of(rows, sizes, table)
    best = ", ".join(f"{_name(row)} ({compact(size)})" for row, size in found[-_MAX_NAMED:])
    across = _Across(
        title="Score against parameters",
        x_title="parameters, logarithmic",
        summary=f"Best of their size or less: {best}.",
        scale=scale,
        ticks=size_ticks(scale.low, scale.high),
    )
    return _chart(table, metric, across, found, placed=tuple(zip(rows, sizes, strict=True)))


def time_chart(table: MetricTable, metric: str) -> Chart | None:
    """Returns scores by when they were submitted, with the best so far joined; nothing of fewer than two times."""
    rows = [row for row in table.rows if row.macro.mean is not None and row.entry.submitted is not None]
    times = [seconds(row.entry.submitted) for row in rows if row.entry.submitted is not None]
    if len(set(times)) < 2:  # noqa: PLR2004  # one day is no axis
        return None
    days = [row.entry.submitted for row in rows if row.entry.submitted is not None]
    low, high = padded(times, share=0.04)
    found = _best_of(rows, times, table)
    across = _Across(
        title="Submissions over time",
        x_title="submitted",
        summary=f"{len(found)} of {len(rows)} were the best when they came.",
        scale=Scale(low, high, _LEFT, _RIGHT),
        ticks=date_ticks(min(days), max(days)),
        is_stepped=True,
    )
    return _chart(table, metric, across, found, placed=tuple(zip(rows, times, strict=True)))


def _chart(
    table: MetricTable,
    metric: str,
    across: _Across,
    found: Sequence[tuple[Row, float]],
    *,
    placed: Sequence[tuple[Row, float]],
) -> Chart:
    low, high = padded([row.macro.mean for row, _ in placed if row.macro.mean is not None])
    y_scale = Scale(low, high, _BOTTOM, _TOP)
    best = {id(row) for row, _ in found}

    def _at(row: Row, place: float) -> tuple[float, float]:
        return round(across.scale.place(place), 1), round(y_scale.place(row.macro.mean or 0.0), 1)

    ends = [_at(row, place) for row, place in found]
    line = _stepped(ends) if across.is_stepped else ends
    return Chart(
        title=across.title,
        summary=across.summary,
        x_title=across.x_title,
        y_title=f"{metric} ({table.metric.direction} is better)",
        x_ticks=tuple((round(across.scale.place(value), 1), text) for value, text in across.ticks),
        y_ticks=tuple((round(y_scale.place(value), 1), text) for value, text in linear_ticks(low, high)),
        points=tuple(Point(*_at(row, place), _told(row), id(row) in best) for row, place in placed),
        line=" ".join(f"{x:g},{y:g}" for x, y in line),
        labels=_labels(found, _at),
    )


def _best_of(rows: Sequence[Row], places: Sequence[float], table: MetricTable) -> list[tuple[Row, float]]:
    """Returns the rows, from left to right, that no row further left is better than or as good as."""
    sign = 1 if table.metric.direction == "higher" else -1
    kept: list[tuple[Row, float]] = []
    ordered = sorted(
        zip(rows, places, strict=True), key=lambda item: (item[1], -sign * (item[0].macro.mean or 0.0), _name(item[0]))
    )
    for row, place in ordered:
        value = sign * (row.macro.mean or 0.0)
        if not kept or value > sign * (kept[-1][0].macro.mean or 0.0):
            kept.append((row, place))
    return kept


def _stepped(ends: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns a line that keeps its height until the next point, and goes on to the right end."""
    line = list(ends[:1])
    for (_, before), (x, y) in pairwise(ends):
        line += [(x, before), (x, y)]
    return [*line, (_RIGHT, ends[-1][1])]


def _labels(found: Sequence[tuple[Row, float]], at: Callable[[Row, float], tuple[float, float]]) -> tuple[Label, ...]:
    """Returns names of some of the best, the last first, that do not lie on each other."""
    labels: list[Label] = []
    taken: list[tuple[float, float, float]] = []
    for row, place in reversed(found):
        x, y = at(row, place)
        name = _name(row)
        text = name if len(name) <= _MAX_LABEL else name[: _MAX_LABEL - 1] + "…"
        width = _LABEL_WIDTH * len(text)
        to_the_left = x + width + 6 > _RIGHT
        start = x - 6 - width if to_the_left else x + 6
        free = all(
            abs(y - other) > 12 or start > right or start + width < left  # noqa: PLR2004  # the height of a line
            for left, right, other in taken
        )
        if free and start > _LEFT and len(labels) < _MAX_LABELS:
            taken.append((start, start + width, y))
            labels.append(Label(x - 6 if to_the_left else x + 6, y - 5, text, "end" if to_the_left else "start"))
    return tuple(labels)


def _name(row: Row) -> str:
    return row.entry.submission.spec.model


def _told(row: Row) -> str:
    spec = row.entry.submission.spec
    return f"{spec.model} {spec.version}: {number(row.macro.mean)}, {compact(spec.parameters)} parameters"
