"""Tests of the metrics in each replicate, against tables in which molecules are repeated as often as they are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, log_loss, r2_score, roc_auc_score

from molmix_bench.metrics.binary import binary_metrics
from molmix_bench.metrics.bootstrap import metric_replicates
from molmix_bench.metrics.cells import Cells
from molmix_bench.metrics.multiclass import multiclass_metrics
from molmix_bench.metrics.protocol import METRICS, LabelStats, why_not_scorable
from molmix_bench.metrics.regression import regression_metrics
from molmix_bench.metrics.resample import Resampling
from molmix_bench.vocab import Kind
from tests.strategies import binary_tables, class_tables, regression_tables

NUM_REPLICATES = 7


def _point(kind, cells):
    if kind is Kind.REGRESSION:
        return regression_metrics(cells, np.arange(1.0, len(cells.starts)))
    return (binary_metrics if kind is Kind.BINARY else multiclass_metrics)(cells)


def _reference(kind, labels, predictions, weights):
    """Returns each metric, (T, R), of tables made row by row: the definition, without a weight anywhere."""
    found = {metric.name: np.full((labels.shape[1], weights.shape[1]), np.nan) for metric in METRICS[kind]}
    for replicate in range(weights.shape[1]):
        drawn = np.repeat(np.arange(len(labels)), weights[:, replicate])
        values = _point(kind, Cells.from_dense(labels[drawn], predictions[drawn]))
        for task in range(labels.shape[1]):
            some = labels[drawn, task]
            some = some[~np.isnan(some)]
            stats = LabelStats(len(some), minimum=some.min(initial=np.inf), maximum=some.max(initial=-np.inf))
            if kind is not Kind.REGRESSION:
                stats = LabelStats(len(some), class_counts=np.bincount(some.astype(np.int64)).tolist())
            if why_not_scorable(kind, stats) is None:
                for name, of_tasks in values.items():
                    found[name][task, replicate] = of_tasks[task]
    return found


def _replicates(kind, labels, predictions, resampling):
    std = np.arange(1.0, labels.shape[1] + 1)
    return metric_replicates(kind, Cells.from_dense(labels, predictions), resampling, train_std=std)


@pytest.mark.parametrize(
    ("kind", "tables"),
    [(Kind.BINARY, binary_tables()), (Kind.MULTICLASS, class_tables()), (Kind.REGRESSION, regression_tables())],
    ids=lambda value: str(value) if isinstance(value, Kind) else "",
)
def test_a_replicate_scores_as_the_table_of_its_molecules(kind, tables):
    """Ties, constants, one class, missing labels: undefined in the same places, and equal to 1e-9 elsewhere."""

    @settings(max_examples=60)
    @given(tables.filter(lambda drawn: len(drawn[0]) > 0), st.integers(0, 2**64 - 1))
    def check(drawn, key):
        resampling = Resampling(key, len(drawn[0]), NUM_REPLICATES)
        found = _replicates(kind, *drawn, resampling)
        expected = _reference(kind, *drawn, resampling.weights(0, NUM_REPLICATES))
        assert set(found) == set(expected)
        for name, values in found.items():
            np.testing.assert_allclose(values, expected[name], rtol=1e-9, atol=1e-9, err_msg=name)

    check()


def test_a_replicate_has_the_values_of_scikit_learn_and_scipy():
    """With molecules repeated, 30 % of the labels missing, and predictions that tie."""
    rng = np.random.default_rng(0)
    truth = (rng.random((80, 2)) < 0.3).astype(np.float64)
    truth[rng.random(truth.shape) < 0.3] = np.nan
    guess = rng.random(truth.shape).round(1)
    resampling = Resampling(9, 80, 5)
    binary = _replicates(Kind.BINARY, truth, guess, resampling)
    regression = _replicates(Kind.REGRESSION, truth + guess, guess, resampling)
    for replicate, weights in enumerate(resampling.weights(0, 5).T):
        drawn = np.repeat(np.arange(80), weights)
        drawn = drawn[~np.isnan(truth[drawn, 1])]
        y, p = truth[drawn, 1], guess[drawn, 1]
        assert binary["ap"][1, replicate] == pytest.approx(average_precision_score(y, p), rel=0, abs=1e-12)
        assert binary["auroc"][1, replicate] == pytest.approx(roc_auc_score(y, p), rel=0, abs=1e-12)
        assert binary["bce"][1, replicate] == pytest.approx(log_loss(y, p.clip(1e-7, 1 - 1e-7)), rel=1e-9)
        assert regression["r2"][1, replicate] == pytest.approx(r2_score(y + p, p), rel=1e-9)
        assert regression["spearman"][1, replicate] == pytest.approx(spearmanr(y + p, p)[0], rel=1e-9)


def test_atoms_of_a_molecule_are_drawn_together():
    """Node level: two atoms in each molecule, one right and one wrong, so that no draw changes the mean."""
    rows = np.repeat(np.arange(6, dtype=np.int32), 2)
    labels = np.arange(12.0)
    cells = Cells(np.array([0, 12]), rows, labels, labels + np.tile([0.0, 1.0], 6))
    found = metric_replicates(Kind.REGRESSION, cells, Resampling(2, 6, 50), train_std=np.ones(1))
    assert found["mae"].tolist() == [[0.5] * 50]
    assert np.ptp(found["r2"]) > 0


def test_extreme_predictions_stay_finite():
    """One prediction at the limit of float32 neither overflows nor hides the others where it is not drawn."""
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(40, 1))
    predictions = labels * 1e-3
    predictions[0] = np.finfo(np.float32).max
    resampling = Resampling(4, 40, 64)
    found = _replicates(Kind.REGRESSION, labels, predictions, resampling)
    assert all(np.isfinite(values).all() for values in found.values())
    without = resampling.weights(0, 64)[0] == 0
    assert 10 < without.sum() < 40
    for name in ("pearson", "spearman"):
        assert found[name][0, without] == pytest.approx(1, abs=1e-12)


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch):
    """To the last bit."""
    rng = np.random.default_rng(0)
    labels, predictions = rng.normal(size=(2, 50, 3))
    several = _replicates(Kind.REGRESSION, labels, predictions, Resampling(4, 50, 200))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    one = _replicates(Kind.REGRESSION, labels, predictions, Resampling(4, 50, 200))
    assert all((several[name] == one[name]).all() for name in one)
