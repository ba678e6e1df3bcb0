"""Tests of the metrics of regression tasks, against scikit-learn and SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_absolute_error, r2_score

from molmix_bench.metrics.cells import Cells
from molmix_bench.metrics.regression import regression_metrics
from tests.strategies import regression_tables


def _metrics(labels, predictions, train_std=1.0):
    """Returns the metrics of a single task."""
    cells = Cells.from_dense(np.array([labels], dtype=float).T, np.array([predictions]).T)
    return {name: values.item() for name, values in regression_metrics(cells, np.array([train_std])).items()}


@given(regression_tables())
def test_each_task_has_the_values_of_scikit_learn_and_scipy(tables):
    """Ties, large offsets and missing labels included; where labels are all equal there is nothing to explain."""
    labels, predictions = tables
    found = regression_metrics(Cells.from_dense(labels, predictions), np.full(labels.shape[1], 4.0))
    for task in range(labels.shape[1]):
        present = ~np.isnan(labels[:, task])
        truth, guess = labels[present, task], predictions[present, task]
        if len(set(truth.tolist())) < 2:
            assert np.isnan([found[name][task] for name in ("pearson", "spearman", "r2")]).all()
            continue
        mae = mean_absolute_error(truth, guess)
        assert found["mae"][task] == pytest.approx(mae, rel=1e-12)
        assert found["mae_standardised"][task] == pytest.approx(mae / 4, rel=1e-12)
        assert found["r2"][task] == pytest.approx(r2_score(truth, guess), rel=1e-9, abs=1e-9)
        if len(set(guess.tolist())) > 1:
            assert found["pearson"][task] == pytest.approx(pearsonr(truth, guess)[0], rel=0, abs=1e-9)
            assert found["spearman"][task] == pytest.approx(spearmanr(truth, guess)[0], rel=0, abs=1e-9)


def test_values_by_hand():
    """Errors 1, 0, 1, 0 and a total sum of squares of 5; centred: -2, 0, 0, 2, and ranks -1.5, 0, 0, 1.5."""
    found = _metrics([1, 2, 3, 4], [0.0, 2.0, 2.0, 4.0], train_std=0.5)
    assert found["mae"] == 0.5
    assert found["mae_standardised"] == 1
    assert found["r2"] == pytest.approx(1 - 2 / 5)
    assert found["pearson"] == pytest.approx(6 / np.sqrt(5 * 8))
    assert found["spearman"] == pytest.approx(4.5 / np.sqrt(5 * 4.5))


def test_perfect_predictions_have_perfect_values():
    """Errors of 0 exactly; correlations of 1."""
    labels = [-402.25, 0.1, 1e4, 3.0]
    found = _metrics(labels, labels)
    assert (found["mae"], found["mae_standardised"], found["r2"]) == (0, 0, 1)
    assert (found["pearson"], found["spearman"]) == pytest.approx((1, 1), abs=1e-15)


@pytest.mark.parametrize("constant", [0.0, 0.1, -402.3, 1e30])
def test_constant_predictions_have_a_correlation_of_zero(constant):
    """Undefined, and worth as much as a guess; 0.1 and the like have means that are rounded."""
    found = _metrics([1.0, 2.0, 4.0], [constant] * 3)
    assert (found["pearson"], found["spearman"]) == (0, 0)


def test_the_mean_of_the_labels_has_an_r2_of_zero():
    """R2 counts from the best constant."""
    assert _metrics([1.0, 2.0, 6.0], [3.0, 3.0, 3.0])["r2"] == 0


def test_differences_whose_squares_vanish_still_correlate():
    """Predictions of 1e-200 are no constants."""
    found = _metrics([1.0, 2.0, 3.0], [1e-200, 2e-200, 3e-200])
    assert found["pearson"] == pytest.approx(1, abs=1e-12)


def test_the_largest_predictions_have_finite_values():
    """Squares of the limits of float32 fit into float64."""
    limit = float(np.finfo(np.float32).max)
    found = _metrics([1.0, 2.0, 3.0], [limit, -limit, limit])
    assert np.isfinite(list(found.values())).all()
