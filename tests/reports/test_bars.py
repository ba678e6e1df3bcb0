"""Tests of the bars of tasks: sorted, capped, with their intervals."""

from __future__ import annotations

import polars as pl
import pytest

from molmix_bench.metrics.scores import TABLE_SCHEMA
from molmix_bench.reports.bars import task_figures, task_scores
from molmix_bench.reports.read import read_run


def _scores(count, **row):
    rows = [
        {"task": f"task {at}", "value": at / count, "ci_low": at / count - 0.1, "ci_high": at / count + 0.1}
        for at in range(count)
    ]
    shared = {"metric": "ap", "direction": "higher", "primary": True, "aggregation": "task"}
    table = pl.DataFrame([shared | item | row for item in rows], schema=TABLE_SCHEMA)
    return task_scores(table.with_columns(dataset=pl.lit("d"), split=pl.lit("test")), dataset="d", split="test")


def _names(figure):
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def test_best_first(trained):
    """By the metric's direction, from the means over seeds alone."""
    means = read_run(trained).means()
    errors = task_scores(means, dataset="energies", split="test")["value"].to_list()
    assert len(errors) == 2
    assert errors == sorted(errors)
    precisions = task_scores(means, dataset="panel", split="test")["value"].to_list()
    assert len(precisions) > 40
    assert precisions == sorted(precisions, reverse=True)


@pytest.mark.parametrize(("count", "panels"), [(1, [1]), (40, [40]), (41, [21, 20]), (80, [40, 40])])
def test_few_tasks_are_all_named(drawn, count, panels):
    """Up to eighty, in one panel or two."""
    task_figures(_scores(count), {}, drawn, colour=0)
    assert [len(_names(figure)) for figure in drawn.figures] == panels
    named = [name for figure in drawn.figures for name in _names(figure)]
    assert named == [f"task {at}" for at in reversed(range(count))]


def test_many_tasks_are_capped(drawn):
    """Of 1,328 tasks the best forty and the worst forty are named, and all are in a histogram."""
    descriptions = task_figures(_scores(1328), {}, drawn, colour=7)
    assert [len(_names(figure)) for figure in drawn.figures[:2]] == [40, 40]
    assert (_names(drawn.figures[0])[0], _names(drawn.figures[1])[-1]) == ("task 1327", "task 0")
    assert sum(bar.get_height() for bar in drawn.figures[2].axes[0].patches) == 1328
    assert "the worst 40 of 1328" in descriptions[1]


def test_intervals_and_prevalence(drawn):
    """A line from end to end, none where there is no interval; a stroke at the share of 1."""
    scores = _scores(2).with_columns(ci_low=pl.Series([0.2, None]), ci_high=pl.Series([0.9, None], dtype=pl.Float64))
    task_figures(scores, {"task 1": 0.25}, drawn, colour=0)
    axes = drawn.figures[0].axes[0]
    segments = axes.collections[0].get_segments()
    assert segments[0][:, 0].tolist() == [0.2, 0.9]
    assert segments[1][:, 0].tolist() == [0.0, 0.0]
    assert axes.get_lines()[0].get_xdata()[0] == 0.25
    assert axes.get_xlim() == (0, 1)


def test_no_task(drawn):
    """Nothing is drawn where no task was scored."""
    assert task_figures(_scores(0), {}, drawn, colour=0) == []


def test_negative_and_unbounded_metrics_fit(drawn):
    """An axis holds every end of an interval."""
    scores = _scores(3, metric="r2").with_columns(value=pl.Series([0.5, 0.0, -2.0]), ci_low=pl.lit(-3.0))
    task_figures(scores, {}, drawn, colour=0)
    assert drawn.figures[0].axes[0].get_xlim() == (-3.0, 1.0)
