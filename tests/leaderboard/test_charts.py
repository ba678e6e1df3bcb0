"""Tests of drawings: who is best at each size and time, and where things lie."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from itertools import pairwise

import pytest

from leaderboard.boards import make_boards
from leaderboard.site.charts import size_chart, time_chart
from leaderboard.site.scales import compact, linear_ticks
from tests.leaderboard.made import FIRST_DAY, build_wide_mix, make_entries


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The primary table of twelve made-up submissions."""
    mix = build_wide_mix(tmp_path_factory.mktemp("mix"), {"tox21": 3})
    (board,) = make_boards(make_entries(mix, 12))
    return board.sections[0].tables[0]


def test_the_line_joins_what_nothing_smaller_beats(table):
    """By hand: sorted by size, each better than all before; higher scores lie higher."""
    chart = size_chart(table, "AP")
    best, expected = -1.0, []
    for row in sorted(table.rows, key=lambda row: row.entry.submission.spec.parameters):
        if row.macro.mean > best:
            best = row.macro.mean
            expected.append(f"{row.entry.submission.spec.model} {row.entry.submission.spec.version}")
    found = [point.text.partition(":")[0] for point in sorted(chart.points, key=lambda point: point.x) if point.on_line]
    assert found == expected
    assert len(chart.points) == 12
    heights = [point.y for point in chart.points]
    assert heights == sorted(heights)  # rows are the best first, and y grows downward


def test_over_time_the_best_so_far_keeps_its_height(table):
    """Steps: from each new best to the right, up to the end."""
    chart = time_chart(table, "AP")
    ends = [tuple(map(float, end.split(","))) for end in chart.line.split()]
    assert all(one[0] == other[0] or one[1] == other[1] for one, other in pairwise(ends))
    assert ends[-1][0] == 388
    assert f"{sum(point.on_line for point in chart.points)} of 12" in chart.summary


def test_there_is_no_drawing_of_nothing(table):
    """One model, one size, or no known time."""
    assert size_chart(dataclasses.replace(table, rows=table.rows[:1]), "AP") is None
    undated = tuple(
        dataclasses.replace(row, entry=dataclasses.replace(row.entry, submitted=None)) for row in table.rows
    )
    assert time_chart(dataclasses.replace(table, rows=undated), "AP") is None
    assert size_chart(dataclasses.replace(table, rows=()), "AP") is None


@pytest.mark.parametrize("days", [0.0001, 0.01, 1, 1.9, 5, 40, 300, 4_000])
def test_ticks_of_any_span(table, days):
    """A few words that lie inside the drawing, for seconds and hours as for years."""
    rows = tuple(
        dataclasses.replace(
            row, entry=dataclasses.replace(row.entry, submitted=FIRST_DAY + timedelta(days=days * place / 11))
        )
        for place, row in enumerate(table.rows)
    )
    ticks = time_chart(dataclasses.replace(table, rows=rows), "AP").x_ticks
    assert (2 if days > 0.001 else 1) <= len(ticks) <= 6
    assert all(50 <= place <= 388 for place, _ in ticks)
    assert len({text for _, text in ticks}) == len(ticks)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (1e-9, 2e-9), (-3, 1e6), (0.999, 1.0), (5, 5)])
def test_linear_ticks_are_inside_and_apart(low, high):
    """At most eight, each with a text of its own."""
    ticks = linear_ticks(low, high)
    assert len(ticks) <= 8
    assert len({text for _, text in ticks}) == len(ticks)
    assert all(low - 1e-9 * abs(low) <= value <= high * (1 + 1e-9) for value, _ in ticks)
    assert compact(1e15) == "1000 T"
