"""Tests of intervals: by hand, and how often they hold what they should."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from molmix_bench.metrics.binary import binary_metrics
from molmix_bench.metrics.bootstrap import metric_replicates
from molmix_bench.metrics.cells import Cells
from molmix_bench.metrics.intervals import intervals
from molmix_bench.metrics.multiclass import multiclass_metrics
from molmix_bench.metrics.protocol import METRICS
from molmix_bench.metrics.regression import regression_metrics
from molmix_bench.metrics.resample import Resampling
from molmix_bench.vocab import Kind

NAN = np.nan


def test_ends_are_numpys_quantiles_about_the_value():
    """Against NumPy's quantile of the replicates, moved by the value less their mean."""
    replicates = np.random.default_rng(0).gamma(2.0, size=(3, 1_000))
    values = np.array([1.5, 2.0, 7.0])
    low, high = intervals(values, replicates)
    shift = values - replicates.mean(axis=1)
    assert low == pytest.approx(np.quantile(replicates, 0.025, axis=1) + shift, abs=1e-12)
    assert high == pytest.approx(np.quantile(replicates, 0.975, axis=1) + shift, abs=1e-12)


def test_undefined_replicates_are_left_out_and_too_many_leave_no_interval():
    """Five in a hundred may be undefined, not six; what has no value has no interval either."""
    replicates = np.tile(np.arange(100.0), (3, 1))
    replicates[0, :5] = replicates[1, :6] = NAN
    low, high = intervals(np.array([52.0, 52.0, NAN]), replicates)
    kept = np.arange(5.0, 100.0)
    assert (low[0], high[0]) == pytest.approx(tuple(np.quantile(kept, [0.025, 0.975])))
    assert np.isnan([low[1:], high[1:]]).all()


def test_equal_replicates_have_an_interval_without_width():
    """As those of perfect predictions."""
    assert [end.tolist() for end in intervals(np.ones(1), np.ones((1, 50)))] == [[1.0], [1.0]]


def _point(kind, cells):
    if kind is Kind.REGRESSION:
        return regression_metrics(cells, np.ones(len(cells.starts) - 1))
    return (binary_metrics if kind is Kind.BINARY else multiclass_metrics)(cells)


def _draw(kind, num_molecules, rng):
    """Returns labels (n, 4), 20 % missing, and the predictions of a better and a worse model, correlated."""
    shape = (num_molecules, 4)
    signal = 0.7 * rng.normal(size=(num_molecules, 1)) + 0.7 * rng.normal(size=shape)
    labels, shared, predictions = signal.copy(), 0.6 * rng.normal(size=shape), []
    if kind is Kind.BINARY:
        labels = (signal + 0.7 * rng.normal(size=shape) > 0.8).astype(np.float64)
    elif kind is Kind.MULTICLASS:
        labels = np.digitize(signal + 0.7 * rng.normal(size=shape), [-0.6, 0.6]).astype(np.float64)
    for noise in (0.5, 0.7):
        guess = signal + shared + noise * rng.normal(size=shape)
        if kind is Kind.BINARY:
            guess = norm.cdf(guess - 0.5)
        elif kind is Kind.MULTICLASS:
            odds = np.exp(np.stack([-guess, np.zeros(shape), guess], axis=-1))
            guess = odds / odds.sum(axis=-1, keepdims=True)
        predictions.append(guess)
    labels[rng.random(shape) < 0.2] = NAN
    return labels, predictions


def _macro(kind, name, labels, predictions):
    return [_point(kind, Cells.from_dense(labels, guess))[name].mean() for guess in predictions]


@pytest.mark.slow
@pytest.mark.parametrize("kind", METRICS)
def test_intervals_hold_the_expected_score_95_times_in_100(kind):
    """1,000 test sets of 600 molecules: the macro of the primary metric, and the difference of two models.

    What they should hold is the mean over the test sets. 93 to 97 in 100, three standard errors, pass.
    """
    rng, name, num_sets = np.random.default_rng(7), METRICS[kind][0].name, 1_000
    scores, ends = np.empty((num_sets, 2)), np.empty((num_sets, 2, 2))
    for number in range(num_sets):
        labels, predictions = _draw(kind, 600, rng)
        resampling = Resampling(key=number, num_molecules=600, num_replicates=400)
        scores[number] = _macro(kind, name, labels, predictions)
        replicates = [
            metric_replicates(kind, Cells.from_dense(labels, guess), resampling, train_std=np.ones(4))[name].mean(
                axis=0
            )
            for guess in predictions
        ]
        values = np.array([scores[number, 0], scores[number, 0] - scores[number, 1]])
        low, high = intervals(values, np.stack([replicates[0], replicates[0] - replicates[1]]))
        ends[number] = np.stack([low, high], axis=1)
    expected = np.array([scores[:, 0].mean(), (scores[:, 0] - scores[:, 1]).mean()])
    held = ((ends[:, :, 0] <= expected) & (expected <= ends[:, :, 1])).mean(axis=0)
    assert ((held >= 0.93) & (held <= 0.97)).all(), held
