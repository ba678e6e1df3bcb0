"""Tests of the scores of one dataset, split and seed."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import average_precision_score, r2_score, roc_auc_score

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.protocol import METRICS, PROTOCOL
from molmix_bench.vocab import Kind, Split
from tests.metrics.small_mix import SmallDataset, SmallMix, evaluate, mol_ids
from tests.strategies import binary_tables, regression_tables

NAN = np.nan
TRAIN = [[0.0, 0.0, 0.0], [2.0, 20.0, 0.0]]
LABELS = np.array([[1.0, 10.0, 1.0], [2.0, NAN, 2.0], [4.0, 30.0, 3.0], [NAN, 50.0, NAN]])
PREDICTION = np.array([[1.0, 20.0, 0.0], [3.0, NAN, 0.0], [4.0, 30.0, 0.0], [NAN, 20.0, NAN]])
"""The third task cannot be standardised: its train labels are constant."""


def _dataset(kind, labels, **options):
    train = labels if kind is Kind.BINARY else options.pop("train", labels)
    return SmallDataset(kind, {Split.TRAIN: train, Split.TEST: labels}, **options)


def _evaluate(dataset, prediction, order=None):
    ids = mol_ids(Split.TEST, len(prediction))
    order = range(len(ids)) if order is None else order
    values = np.asarray(prediction)[list(order)]
    return evaluate(SmallMix(data=dataset), "data", mol_id=[ids[i] for i in order], prediction=values)


def _value(scores, aggregation, metric, task=None):
    rows = scores.table.filter(pl.col("task").eq_missing(task), aggregation=aggregation, metric=metric)
    return rows["value"].item()


def test_regression_scores_by_hand():
    """Errors 0, 1, 0 in a task of train std 1; 10, 0, 30 in one of train std 10."""
    scores = _evaluate(_dataset(Kind.REGRESSION, LABELS, train=TRAIN), PREDICTION)
    assert _value(scores, "task", "mae", "t0") == pytest.approx(1 / 3)
    assert _value(scores, "task", "mae_standardised", "t1") == pytest.approx(4 / 3)
    assert _value(scores, "macro", "mae_standardised") == pytest.approx((1 / 3 + 4 / 3) / 2)
    assert _value(scores, "micro", "mae_standardised") == pytest.approx((0 + 1 + 0 + 1 + 0 + 3) / 6)
    assert _value(scores, "macro", "mae") == pytest.approx((1 / 3 + 40 / 3) / 2)
    assert _value(scores, "micro", "mae") == pytest.approx(41 / 6)
    assert scores.excluded.rows() == [
        (PROTOCOL, "data", "test", "t2", "labels in train: 2, none that differ; errors cannot be standardised")
    ]


def test_micro_of_regression_pools_standardised_cells():
    """Against SciPy and scikit-learn on labels and predictions put on the train split's scale by hand."""
    scores = _evaluate(_dataset(Kind.REGRESSION, LABELS, train=TRAIN), PREDICTION)
    truth = [(1 - 1) / 1, (2 - 1) / 1, (4 - 1) / 1, (10 - 10) / 10, (30 - 10) / 10, (50 - 10) / 10]
    guess = [0, 2, 3, 1, 2, 1]
    assert _value(scores, "micro", "pearson") == pytest.approx(pearsonr(truth, guess)[0], abs=1e-9)
    assert _value(scores, "micro", "spearman") == pytest.approx(spearmanr(truth, guess)[0], abs=1e-9)
    assert _value(scores, "micro", "r2") == pytest.approx(r2_score(truth, guess), abs=1e-9)


def test_errors_in_different_units_are_not_averaged():
    """Each task has its error in units, the dataset none."""
    scores = _evaluate(_dataset(Kind.REGRESSION, LABELS, train=TRAIN, units=["eV", "GHz", None]), PREDICTION)
    assert scores.table.filter(metric="mae")["aggregation"].unique().to_list() == ["task"]


def test_rows_carry_what_they_are_of():
    """The unscored task's unit does not count; the rest by hand."""
    scores = _evaluate(_dataset(Kind.REGRESSION, LABELS, train=TRAIN, units=["eV", "eV", "GHz"]), PREDICTION)
    row = scores.table.row(by_predicate=(pl.col("metric") == "mae") & (pl.col("aggregation") == "micro"), named=True)
    assert row == {
        "protocol": "molmix-metrics-v1",
        "dataset": "data",
        "split": "test",
        "seed": 3,
        "aggregation": "micro",
        "task": None,
        "metric": "mae",
        "value": pytest.approx(41 / 6),
        "std": None,
        "ci_low": None,
        "ci_high": None,
        "n_seeds": 1,
        "n_tasks": 2,
        "n_labels": 6,
        "direction": "lower",
        "primary": False,
    }


def test_reliable_tasks_have_their_own_mean():
    """Two tasks of which one has ten labels of each class; the other's score stays out."""
    labels = np.array([[1.0, 1.0]] * 10 + [[0.0, 0.0]] * 10)
    labels[10, 1] = NAN
    prediction = np.column_stack([labels[:, 0], np.full(20, 0.5)])
    scores = _evaluate(_dataset(Kind.BINARY, labels), prediction)
    aggregates = scores.table.filter(pl.col("task").is_null(), metric="auroc")
    assert aggregates.select("aggregation", "value", "n_tasks", "n_labels").rows() == [
        ("macro", 0.75, 2, 39),
        ("macro_reliable", 1.0, 1, 20),
        (
            "micro",
            pytest.approx(roc_auc_score([1] * 20 + [0] * 19, [1] * 10 + [0.5] * 10 + [0] * 10 + [0.5] * 9)),
            2,
            39,
        ),
    ]


def test_a_mean_over_no_task_is_null():
    """A split in which nothing can be scored gives rows that say so, and every task with its reason."""
    scores = _evaluate(_dataset(Kind.BINARY, [[1.0, NAN], [1.0, NAN]]), np.full((2, 2), 0.5))
    assert scores.table["value"].to_list() == [None] * 9
    assert scores.table["n_tasks"].to_list() == [0] * 9
    assert scores.excluded["task"].to_list() == ["t0", "t1"]
    regression = _evaluate(_dataset(Kind.REGRESSION, [[1.0], [1.0]]), np.full((2, 1), 0.5))
    assert regression.table["value"].to_list() == [None] * 15


def test_constant_predictions_stay_in_the_average():
    """One task predicted perfectly and one by a constant: the mean correlation is a half."""
    labels = np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
    scores = _evaluate(_dataset(Kind.REGRESSION, labels), np.column_stack([labels[:, 0], np.full(3, 2.0)]))
    assert _value(scores, "macro", "pearson") == pytest.approx(0.5)
    assert _value(scores, "macro", "spearman") == pytest.approx(0.5)


def test_tasks_stand_in_the_mixs_order_after_the_aggregates():
    """The order of rows is fixed, so that equal scores are equal files."""
    scores = _evaluate(_dataset(Kind.BINARY, [[0.0, 1.0], [1.0, 0.0]]), np.full((2, 2), 0.5))
    expected = [
        (metric.name, *place)
        for metric in METRICS[Kind.BINARY]
        for place in (("macro", None), ("macro_reliable", None), ("micro", None), ("task", "t0"), ("task", "t1"))
    ]
    assert scores.table.select("metric", "aggregation", "task").rows() == expected


def test_errors_name_where_the_predictions_are_from():
    """A file, or whatever else the caller calls them."""
    with pytest.raises(SubmissionError, match=r"^here: "):
        _evaluate(_dataset(Kind.BINARY, [[0.0], [1.0]]), [[0.5], [NAN]])


@st.composite
def _scored_tables(draw):
    """Returns a kind, and labels and predictions of that kind with at least one molecule."""
    kind = draw(st.sampled_from([Kind.BINARY, Kind.REGRESSION]))
    tables = binary_tables() if kind is Kind.BINARY else regression_tables()
    return kind, *draw(tables.filter(lambda drawn: len(drawn[0]) > 0))


@given(_scored_tables(), st.randoms(use_true_random=False))
def test_scores_are_blind_to_the_order_of_rows(tables, random):
    """To the last bit."""
    kind, labels, prediction = tables
    order = list(range(len(labels)))
    random.shuffle(order)
    dataset = _dataset(kind, labels)
    assert _evaluate(dataset, prediction, order).to_json() == _evaluate(dataset, prediction).to_json()


@given(_scored_tables())
def test_scores_are_blind_to_predictions_without_a_label(tables):
    """NaN, infinities and anything else may stand there."""
    kind, labels, prediction = tables
    masked = np.where(np.isnan(labels), np.resize([NAN, np.inf, -7.0], labels.shape), prediction)
    dataset = _dataset(kind, labels)
    assert _evaluate(dataset, masked).to_json() == _evaluate(dataset, prediction).to_json()


@given(_scored_tables())
def test_each_task_is_scored_or_excluded_and_macro_is_the_mean_of_the_scored(tables):
    """Nothing falls out silently, and no value is undefined or out of its metric's bounds."""
    kind, labels, prediction = tables
    dataset = _dataset(kind, labels)
    scores = _evaluate(dataset, prediction)
    for metric in METRICS[kind]:
        rows = scores.table.filter(metric=metric.name, aggregation="task")
        assert sorted([*rows["task"], *scores.excluded["task"]]) == sorted(dataset.tasks)
        values = rows["value"].to_list()
        assert all(metric.lowest <= value <= metric.highest for value in values)
        expected = pytest.approx(np.mean(values)) if values else None
        assert _value(scores, "macro", metric.name) == expected


@given(_scored_tables())
def test_perfect_predictions_have_perfect_scores(tables):
    """The end of each metric's range that its direction names; the cross-entropy's is that of the clip."""
    kind, labels, _ = tables
    scores = _evaluate(_dataset(kind, labels), np.nan_to_num(labels))
    for row in scores.table.drop_nulls("value").iter_rows(named=True):
        perfect = 1 if row["direction"] == "higher" else 0
        assert row["value"] == pytest.approx(perfect, rel=0, abs=1e-6 if row["metric"] == "bce" else 1e-9)


@given(binary_tables().filter(lambda drawn: len(drawn[0]) > 0))
def test_macro_of_binary_tasks_is_scikit_learns(tables):
    """Mean over the tasks with both classes, which is how OGB averages too."""
    labels, prediction = tables
    scores = _evaluate(_dataset(Kind.BINARY, labels), prediction)
    expected = []
    for truth, guess in zip(labels.T, prediction.T, strict=True):
        present = ~np.isnan(truth)
        if {0, 1} <= set(truth[present].tolist()):
            expected.append(average_precision_score(truth[present], guess[present]))
    value = _value(scores, "macro", "ap")
    assert value == (pytest.approx(np.mean(expected), rel=0, abs=1e-9) if expected else None)


def test_intervals_stand_beside_all_values_but_micro():
    """Around the value, inside the metric's bounds, the same in every call; null for micro and without replicates."""
    rng = np.random.default_rng(0)
    labels = (rng.random((90, 2)) < 0.5).astype(np.float64)
    mix, ids = SmallMix(data=_dataset(Kind.BINARY, labels)), mol_ids(Split.TEST, 90)
    prediction = np.clip(labels * 0.3 + rng.random((90, 2)), 0, 1)
    scores, again = (evaluate(mix, "data", mol_id=ids, prediction=prediction, replicates=200) for _ in range(2))
    assert scores.to_json() == again.to_json()
    assert scores.replicates.shape == (scores.table.height, 200)
    micro = scores.table["aggregation"] == "micro"
    assert scores.table.filter(micro)["ci_low"].null_count() == 3
    rest = scores.table.filter(~micro)
    assert (rest["ci_low"] < rest["value"]).all()
    assert (rest["ci_high"] > rest["value"]).all()
    assert rest.filter(pl.col("metric") != "bce")["ci_high"].max() <= 1
    plain = evaluate(mix, "data", mol_id=ids, prediction=prediction)
    assert plain.replicates is None
    columns = pl.exclude("ci_low", "ci_high")
    assert plain.table.select(columns).equals(scores.table.select(columns), null_equal=True)


def test_perfect_predictions_have_an_interval_without_width():
    """Whatever is drawn, they are perfect; the interval ends at the metric's bound."""
    labels = np.tile([[0.0], [1.0]], (20, 1))
    mix = SmallMix(data=_dataset(Kind.BINARY, labels))
    scores = evaluate(mix, "data", mol_id=mol_ids(Split.TEST, 40), prediction=labels, replicates=50)
    row = scores.table.filter(metric="ap", aggregation="macro")
    assert row.select("value", "ci_low", "ci_high").row(0) == (1, 1, 1)


def test_a_task_that_is_seldom_defined_leaves_replicates_and_has_no_interval():
    """One positive of forty is not drawn in 36 of 100 replicates: the macro of these is that of the other task."""
    labels = np.tile([[0.0, 0.0], [1.0, 0.0]], (20, 1))
    labels[0, 1] = 1
    rng = np.random.default_rng(0)
    mix = SmallMix(data=_dataset(Kind.BINARY, labels))
    scores = evaluate(mix, "data", mol_id=mol_ids(Split.TEST, 40), prediction=rng.random((40, 2)), replicates=500)
    place = scores.table.with_row_index("row").filter(metric="ap")
    macro, _, _, first, second = scores.replicates[place["row"].to_numpy()]
    undefined = np.isnan(second)
    assert undefined.mean() == pytest.approx((1 - 1 / 40) ** 40, abs=0.08)
    assert (macro[undefined] == first[undefined]).all()
    assert macro[~undefined] == pytest.approx((first + second)[~undefined] / 2)
    intervals = place.select("aggregation", pl.col("ci_low").is_not_null()).rows()
    assert intervals == [("macro", True), ("macro_reliable", True), ("micro", False), ("task", True), ("task", False)]
