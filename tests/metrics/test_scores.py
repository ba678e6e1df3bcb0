"""Tests of the table of scores: joining, averaging over seeds, printing, writing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from molmix_bench.errors import UsageError
from molmix_bench.metrics.scores import EXCLUDED_SCHEMA, TABLE_SCHEMA, Scores

VALUES = (0.1, 0.2, 0.6)


def _scores(seed, value, dataset="tox21", reliable=0.5):
    common = {"protocol": "p", "dataset": dataset, "split": "test", "seed": seed, "n_seeds": 1, "n_labels": 9}
    ap = common | {"metric": "ap", "direction": "higher", "primary": True}
    rows = [
        ap | {"aggregation": "macro", "value": value, "n_tasks": 2},
        ap | {"aggregation": "macro_reliable", "value": reliable, "n_tasks": 1},
        ap | {"aggregation": "task", "task": "t0", "value": 0.25, "n_tasks": 1},
        common | {"metric": "bce", "direction": "lower", "primary": False, "aggregation": "macro", "n_tasks": 2},
    ]
    excluded = [{"protocol": "p", "dataset": dataset, "split": "test", "task": "t9", "reason": "no labels"}]
    return Scores.from_rows(rows, excluded)


@pytest.fixture
def seeds():
    """Three seeds of one dataset."""
    return Scores.concat(_scores(seed, value) for seed, value in enumerate(VALUES))


def test_columns_are_the_published_ones(seeds):
    """Readers of `result.json` and of the leaderboard rely on these names and types."""
    assert seeds.table.columns == [
        "protocol", "dataset", "split", "seed", "aggregation", "task", "metric", "value", "std", "ci_low", "ci_high",
        "n_seeds", "n_tasks", "n_labels", "direction", "primary",
    ]  # fmt: skip
    for scores in (seeds, seeds.over_seeds()):
        assert dict(scores.table.schema) == TABLE_SCHEMA
        assert dict(scores.excluded.schema) == EXCLUDED_SCHEMA


def test_seeds_are_averaged_score_by_score(seeds):
    """Against NumPy with ddof=1; what was null stays null, and the rest is carried along."""
    table = seeds.over_seeds().table
    macro = table.row(0, named=True)
    assert macro["value"] == pytest.approx(np.mean(VALUES))
    assert macro["std"] == pytest.approx(np.std(VALUES, ddof=1))
    assert (macro["seed"], macro["n_seeds"], macro["n_tasks"], macro["n_labels"]) == (None, 3, 2, 9)
    assert (
        table.select("aggregation", "task", "metric").rows()
        == _scores(0, 0.0).table.select("aggregation", "task", "metric").rows()
    )
    assert table["value"].to_list()[1:] == [0.5, 0.25, None]
    assert table["std"].to_list()[1:] == [0, 0, None]


def test_one_seed_has_no_standard_deviation():
    """Null, not 0: nothing is known of the spread."""
    assert _scores(0, 0.5).over_seeds().table["std"].to_list() == [None] * 4


def test_means_are_not_averaged_again(seeds):
    """A mean of means would count seeds unequally."""
    with pytest.raises(UsageError, match="found means over seeds"):
        Scores.concat([seeds, seeds.over_seeds()]).over_seeds()


def test_joining_keeps_everything_and_repeats_no_exclusion(seeds):
    """Excluded tasks do not depend on the seed."""
    joined = Scores.concat([seeds, replace(_scores(0, 0.3, dataset="muv"), not_submitted=("qm9/test",))])
    assert joined.table.height == 16
    assert joined.excluded["dataset"].to_list() == ["tox21", "muv"]
    assert joined.not_submitted == ("qm9/test",)


def test_nothing_joined_is_an_empty_table():
    """With its columns."""
    assert dict(Scores.concat([]).table.schema) == TABLE_SCHEMA


def test_the_same_score_twice_is_refused(seeds):
    """A mean over seeds must not count one twice."""
    with pytest.raises(UsageError, match="found tox21/test, seed 1 twice"):
        Scores.concat([seeds, _scores(1, 0.3)])


def test_scores_of_two_protocols_are_not_joined(seeds):
    """Numbers under different rules do not compare."""
    other = _scores(0, 0.3, dataset="muv")
    other = replace(other, table=other.table.with_columns(protocol=pl.lit("q")))
    with pytest.raises(UsageError, match="found protocols p, q"):
        Scores.concat([seeds, other])


def test_the_summary_is_the_primary_metric_of_each_dataset(seeds):
    """One row per seed where there are no means, else one per mean."""
    each = seeds.summary()
    assert each.select("dataset", "split", "seed", "metric", "macro", "macro_reliable").rows() == [
        ("tox21", "test", seed, "ap", value, 0.5) for seed, value in enumerate(VALUES)
    ]
    mean = Scores.concat([seeds, seeds.over_seeds()]).summary().row(0, named=True)
    assert mean == {
        "dataset": "tox21",
        "split": "test",
        "seed": None,
        "metric": "ap",
        "direction": "higher",
        "n_seeds": 3,
        "macro": pytest.approx(0.3),
        "std": pytest.approx(np.std(VALUES, ddof=1)),
        "ci_low": None,
        "ci_high": None,
        "n_tasks": 2,
        "macro_reliable": 0.5,
        "n_reliable": 1,
    }


def test_writing_and_reading_are_an_identity(seeds):
    """To the last bit and byte."""
    scores = replace(Scores.concat([seeds, seeds.over_seeds()]), not_submitted=("qm9/test",))
    again = Scores.from_json(scores.to_json())
    assert again.table.equals(scores.table, null_equal=True)
    assert again.excluded.equals(scores.excluded)
    assert again.not_submitted == ("qm9/test",)
    assert again.to_json() == scores.to_json()


def test_nothing_excluded_is_written_and_read_too():
    """Empty tables keep their columns."""
    scores = Scores.from_rows([], [])
    assert dict(Scores.from_json(scores.to_json()).excluded.schema) == EXCLUDED_SCHEMA


@pytest.mark.parametrize(
    "text",
    ["", "[1, 2]", "{}", json.dumps({"scores": [{"value": "x"}], "excluded": [], "not_submitted": []})],
    ids=["empty", "list", "keys", "type"],
)
def test_other_texts_are_refused(text):
    """The error says that these are no scores."""
    with pytest.raises(UsageError, match=r"^scores: "):
        Scores.from_json(text)


def test_the_interval_of_a_mean_is_that_of_the_mean_in_each_replicate():
    """Two seeds, whose errors over molecules are opposite: their mean hardly varies."""
    rows = _scores(0, 0.5).table.filter(pl.col("aggregation") == "macro", metric="ap").drop("seed")
    spread = np.linspace(-0.1, 0.1, 101)[None]
    parts = [
        Scores.from_rows((rows.with_columns(seed=pl.lit(seed))).to_dicts(), [], replicates=0.5 + sign * spread)
        for seed, sign in ((0, 1), (1, -1))
    ]
    seeds = Scores.concat(parts)
    assert seeds.table["ci_low"].to_list() == pytest.approx([0.405] * 2)
    mean = seeds.over_seeds()
    assert mean.replicates.shape == (1, 101)
    assert mean.table.select("ci_low", "ci_high").row(0) == pytest.approx((0.5, 0.5))


def test_scores_with_and_without_replicates_are_not_joined():
    """Some would have intervals and some not."""
    with_some = Scores.from_rows(_scores(0, 0.5).table.to_dicts(), [], replicates=np.full((4, 10), 0.5))
    with pytest.raises(UsageError, match="found 0 and 10 replicates"):
        Scores.concat([with_some, _scores(1, 0.5)])
