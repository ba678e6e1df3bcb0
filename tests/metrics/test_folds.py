"""Tests of scores over folds: means, their intervals, and what is said of tasks that a fold cannot score."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from molmix_bench.metrics.folds import over_folds
from molmix_bench.metrics.intervals import intervals
from molmix_bench.metrics.scores import Scores


def _scores(values, replicates=None, excluded=(), seed=0):
    """Returns scores of one fold: a value by task, None for the mean over tasks that has none."""
    rows = [
        {
            "protocol": "p",
            "dataset": "d",
            "split": "test",
            "seed": seed,
            "aggregation": "task",
            "task": task,
            "metric": "mae",
            "value": value,
            "n_seeds": 1,
            "n_tasks": 1,
            "n_labels": 10,
            "direction": "lower",
            "primary": True,
        }
        for task, value in values.items()
    ]
    reasons = [
        {"protocol": "p", "dataset": "d", "split": "test", "task": task, "reason": "no labels"} for task in excluded
    ]
    return Scores.from_rows(rows, reasons, replicates=None if replicates is None else np.array(replicates, float))


def _values(scores):
    return dict(scores.table.select("task", "value").iter_rows())


def test_means_over_the_folds_that_have_a_score():
    """Each fold counts the same; a task that a fold lacks is the mean of the others, and the reason names the fold."""
    found = over_folds([_scores({"a": 1.0, "b": 4.0}), _scores({"a": 3.0}, excluded=["b"])])
    assert _values(found) == {"a": 2.0, "b": 4.0}
    assert dict(found.table.select("task", "n_labels").iter_rows()) == {"a": 20, "b": 10}
    assert found.excluded["reason"].to_list() == ["fold 1: no labels"]


def test_intervals_are_of_the_mean():
    """A replicate of the mean is the mean of the folds' replicates, without those that are undefined there."""
    one, two = [np.arange(100.0)], [np.arange(100.0)[::-1] * 3]
    one[0][0] = np.nan
    found = over_folds([_scores({"a": 50.0}, one), _scores({"a": 150.0}, two)])
    expected = np.nanmean([one[0], two[0]], axis=0)
    assert found.replicates.tolist() == [expected.tolist()]
    low, high = intervals(np.array([100.0]), expected[None])
    row = found.table.row(0, named=True)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((max(low[0], 0), high[0]))


def test_seeds_stay_apart():
    """Folds of two seeds give a mean for each, of which `over_seeds` makes one more."""
    both = [over_folds([_scores({"a": value}, seed=seed)] * 2) for seed, value in ((0, 1.0), (1, 3.0))]
    mean = Scores.concat(both).over_seeds().table
    assert mean.filter(pl.col("task") == "a")["value"].to_list() == [2.0]
    assert mean["std"].to_list() == [pytest.approx(np.sqrt(2))]


def test_one_fold_is_itself():
    """A single fold gives its own values, and its reasons as they are."""
    one = _scores({"a": 1.0}, excluded=["b"])
    found = over_folds([one])
    assert _values(found) == _values(one)
    assert found.excluded.equals(one.excluded)
