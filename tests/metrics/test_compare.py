"""Tests of paired differences and ranks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from molmix_bench.metrics.compare import DIFFERENCE_SCHEMA, RANK_SCHEMA, compare, differences
from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.protocol import METRICS
from molmix_bench.metrics.reference import read_reference
from molmix_bench.metrics.scores import Scores
from molmix_bench.vocab import MOL_ID, Kind, Split
from tests.metrics.small_mix import SmallDataset, SmallMix, mol_ids

NUM_CLASSES = 3


def _labels(kind, rng):
    if kind is Kind.REGRESSION:
        return rng.normal(size=(60, 2))
    labels = rng.integers(0, NUM_CLASSES if kind is Kind.MULTICLASS else 2, (60, 2)).astype(np.float64)
    labels[rng.random(labels.shape) < 0.1] = np.nan
    return labels


def _predictions(kind, labels, rng):
    """Returns what knows all, what always says the same, and what guesses, in the form of the kind."""
    known = np.nan_to_num(labels)
    if kind is Kind.MULTICLASS:
        random = rng.random((60, 2, NUM_CLASSES))
        tables = {
            "perfect": np.eye(NUM_CLASSES)[known.astype(int)],
            "constant": np.full((60, 2, NUM_CLASSES), 1 / NUM_CLASSES),
            "random": random / random.sum(axis=2, keepdims=True),
        }
        return {name: values.reshape(60, -1) for name, values in tables.items()}
    random = rng.random((60, 2)) if kind is Kind.BINARY else 3 * rng.normal(size=(60, 2))
    constant = np.full((60, 2), 0.5 if kind is Kind.BINARY else 0.0)
    return {"perfect": known, "constant": constant, "random": random}


def _scores(dataset, predictions, replicates=300):
    """Returns means over as many seeds as there are predictions, with their replicates."""
    reference = read_reference(SmallMix(data=dataset), "data", "test", replicates=replicates)
    ids = pl.Series(MOL_ID, mol_ids(Split.TEST, len(predictions[0])), dtype=pl.String)
    return Scores.concat(
        evaluate_reference(reference, mol_id=ids, prediction=values, seed=seed, where="here")
        for seed, values in enumerate(predictions)
    ).over_seeds()


def _dataset(kind, labels):
    classes = NUM_CLASSES if kind is Kind.MULTICLASS else None
    return SmallDataset(kind, {Split.TRAIN: labels, Split.TEST: labels}, num_classes=classes)


@pytest.mark.parametrize("kind", METRICS)
def test_perfect_predictions_rank_first_and_the_same_predictions_tie(kind):
    """In every metric; a constant has smaller errors than wild guesses, and no better or worse an order.

    AP of guesses is above that of a constant, as a guess may happen to find the few labels there are.
    """
    rng = np.random.default_rng(0)
    labels = _labels(kind, rng)
    models = _predictions(kind, labels, rng)
    models["again"] = models["random"]
    found = compare({name: _scores(_dataset(kind, labels), [values]) for name, values in models.items()}).ranks
    for metric in METRICS[kind]:
        rows = {row["model"]: row for row in found.filter(metric=metric.name).iter_rows(named=True)}
        assert (rows["perfect"]["rank"], rows["perfect"]["tied"]) == (1, False), metric
        assert rows["random"]["rank"] == rows["again"]["rank"] > 1
        assert rows["random"]["tied"] is True
        if metric.name in ("auroc", "pearson", "spearman"):
            assert rows["constant"]["rank"] == rows["random"]["rank"] == 2, metric
        elif metric.name != "ap":
            assert rows["constant"]["rank"] == 2, metric
            # Random probabilities of three classes are not far enough off.
            assert rows["random"]["rank"] == 3 or kind is Kind.MULTICLASS, metric


def test_a_difference_is_that_of_paired_replicates():
    """Two seeds against one, by NumPy from both models' own replicates; the other way round it is the negative."""
    rng = np.random.default_rng(1)
    labels = _labels(Kind.BINARY, rng)
    better, worse = (np.clip(np.nan_to_num(labels) * gap + rng.random((2, 60, 2)), 0, 1) for gap in (0.5, 0.3))
    dataset = _dataset(Kind.BINARY, labels)
    one, other = _scores(dataset, list(better)), _scores(dataset, [worse[0]])
    found = differences(one, other, names=("one", "other"))
    assert dict(found.schema) == DIFFERENCE_SCHEMA
    row = found.row(by_predicate=(pl.col("metric") == "ap") & (pl.col("task") == "t1"), named=True)
    index = one.table.with_row_index("row").row(
        by_predicate=(pl.col("metric") == "ap") & (pl.col("task") == "t1"), named=True
    )["row"]
    paired = one.replicates[index] - other.replicates[index]
    value = one.table["value"][index] - other.table["value"][index]
    ends = np.quantile(paired, [0.025, 0.975]) - paired.mean() + value
    assert (row["difference"], row["ci_low"], row["ci_high"]) == pytest.approx((value, *ends), abs=1e-12)
    back = differences(other, one, names=("other", "one"))
    assert back["difference"].to_list() == [None if gap is None else -gap for gap in found["difference"]]
    assert back["better"].to_list() == found["better"].to_list()


def test_the_better_one_is_named_by_the_metrics_direction():
    """Smaller errors and larger correlations are better; micro, which has no interval, decides nothing."""
    labels = np.random.default_rng(0).normal(size=(60, 2))
    dataset = _dataset(Kind.REGRESSION, labels)
    found = differences(
        _scores(dataset, [labels]), _scores(dataset, [labels[::-1]]), names=("perfect", "reversed")
    ).filter(pl.col("task").is_null())
    assert found.filter(aggregation="macro")["better"].to_list() == ["perfect"] * 5
    micro = found.filter(aggregation="micro")
    assert micro["better"].to_list() == micro["ci_low"].to_list() == [None] * 5


def test_differences_of_rounding_are_none():
    """Two perfect models whose correlations were summed in another order are tied."""
    labels = np.random.default_rng(0).normal(size=(60, 2))
    one = _scores(_dataset(Kind.REGRESSION, labels), [labels])
    off = one.table.with_columns(pl.col("value") * (1 - 1e-15))
    other = replace(one, table=off, replicates=one.replicates * (1 - 1e-15))
    assert differences(one, other, names=("one", "other"))["better"].to_list() == [None] * one.table.height


def test_only_what_both_have_is_compared():
    """Models of different datasets are each first in their own, and alone."""
    labels = np.random.default_rng(0).normal(size=(60, 2))
    one = _scores(_dataset(Kind.REGRESSION, labels), [labels[::-1]])
    other = replace(one, table=one.table.with_columns(dataset=pl.lit("elsewhere")))
    found = compare({"one": one, "other": other})
    assert found.differences.is_empty()
    assert dict(found.ranks.schema) == RANK_SCHEMA
    assert found.ranks.select("dataset", "model", "rank", "tied").unique().sort("dataset").rows() == [
        ("data", "one", 1, False),
        ("elsewhere", "other", 1, False),
    ]


def test_the_best_stands_first_and_what_has_no_value_last():
    """Within a rank by value, in the metric's direction; no value, no rank."""
    labels = np.random.default_rng(0).normal(size=(60, 2))
    dataset = _dataset(Kind.REGRESSION, labels)
    models = {
        "far": _scores(dataset, [labels[::-1]]),
        "near": _scores(dataset, [labels + 0.1]),
        "nearer": _scores(dataset, [labels + 0.05]),
    }
    empty = models["far"].table.with_columns(value=pl.lit(None, pl.Float64))
    models["none"] = replace(models["far"], table=empty, replicates=np.full_like(models["far"].replicates, np.nan))
    rows = compare(models).ranks.filter(metric="mae_standardised").select("model", "rank", "tied").rows()
    assert rows == [("nearer", 1, False), ("near", 2, False), ("far", 3, False), ("none", None, False)]


def test_metrics_stand_in_their_order_with_the_models_inside():
    """As in the protocol, whichever model is better in which."""
    labels = np.random.default_rng(0).normal(size=(60, 2))
    dataset = _dataset(Kind.REGRESSION, labels)
    models = {"far": _scores(dataset, [labels[::-1]]), "near": _scores(dataset, [labels + 0.1])}
    rows = compare(models).ranks.select("metric", "model").rows()
    assert rows == [(metric.name, model) for metric in METRICS[Kind.REGRESSION] for model in ("near", "far")]
