"""Tests of ranks of many models, against the comparison of each pair."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molmix_bench.metrics.compare import RANK_SCHEMA, compare
from molmix_bench.metrics.rank import rank
from molmix_bench.metrics.scores import TABLE_SCHEMA, Scores


def _scores(values, replicates):
    """Returns a model's macro of one metric per value, with replicates (metrics, R)."""
    metrics = (("ap", "higher"), ("ce", "lower"), ("auroc", "higher"))
    rows = [
        {
            "protocol": "p",
            "dataset": "data",
            "split": "test",
            "aggregation": "macro",
            "metric": metric,
            "value": None if np.isnan(value) else float(value),
            "n_seeds": 1,
            "direction": direction,
            "primary": metric == "ap",
        }
        for (metric, direction), value in zip(metrics, values, strict=False)
    ]
    return Scores(pl.DataFrame(rows, schema=TABLE_SCHEMA), Scores.from_rows([], []).excluded, replicates=replicates)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.sampled_from([1, 2, 40, 81, 200]))
def test_ranks_are_those_of_all_pairs(seed, num_models, num_replicates):
    """Close models and far ones, equal ones, undefined replicates and values, metrics of either direction."""
    rng = np.random.default_rng(seed)
    models = {}
    for number in range(num_models):
        values = rng.choice([0.2, 0.21, 0.3, rng.random()], 3)
        replicates = values[:, None] + 0.02 * rng.normal(size=(3, num_replicates)).round(1)
        replicates[rng.random(replicates.shape) < rng.choice([0, 0.03, 0.5])] = np.nan
        values[rng.random(3) < 0.1] = np.nan
        models[f"m{number}"] = _scores(values, replicates)
    if num_models > 1:
        models["twin"] = models["m0"]
    assert rank(models).equals(compare(models).ranks)


def test_without_replicates_all_are_first():
    """Nothing is significantly better than anything."""
    models = {"a": _scores([0.1], None), "b": _scores([0.9], None)}
    assert rank(models)["rank"].to_list() == [1, 1]
    assert rank(models).equals(compare(models).ranks)


def test_no_models():
    """No rows, of the same columns."""
    assert rank({}).schema == pl.Schema(RANK_SCHEMA)
    assert compare({}).ranks.is_empty()


@pytest.mark.parametrize("num_models", [500])
def test_as_many_as_a_board_may_have(num_models):
    """Five hundred models, with from the first rank to one near the last."""
    rng = np.random.default_rng(0)
    values = np.linspace(0.2, 0.8, num_models)
    noise = 0.01 * rng.normal(size=(num_models, 1, 1_000))
    models = {f"m{place}": _scores([value], value + noise[place]) for place, value in enumerate(values)}
    found = rank(models)
    assert found["model"][0] == f"m{num_models - 1}"
    assert found["rank"][0] == 1
    assert found["rank"][-1] > 400
