"""Tests of the metrics of binary tasks, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from molmix_bench.metrics.binary import binary_metrics
from molmix_bench.metrics.cells import Cells
from tests.strategies import binary_tables


def _metrics(labels, predictions):
    """Returns the metrics of a single task."""
    cells = Cells.from_dense(np.array([labels], dtype=float).T, np.array([predictions]).T)
    return {name: values.item() for name, values in binary_metrics(cells).items()}


@given(binary_tables())
def test_each_task_has_scikit_learns_values(tables):
    """Ties, constants and missing labels included; a task of one class has no ranking."""
    labels, predictions = tables
    found = binary_metrics(Cells.from_dense(labels, predictions))
    for task in range(labels.shape[1]):
        present = ~np.isnan(labels[:, task])
        truth, guess = labels[present, task], predictions[present, task]
        if len(set(truth.tolist())) < 2:
            assert np.isnan([found["ap"][task], found["auroc"][task]]).all()
            continue
        assert found["ap"][task] == pytest.approx(average_precision_score(truth, guess), rel=0, abs=1e-12)
        assert found["auroc"][task] == pytest.approx(roc_auc_score(truth, guess), rel=0, abs=1e-12)
        clipped = np.clip(guess, 1e-7, 1 - 1e-7)
        assert found["bce"][task] == pytest.approx(log_loss(truth, clipped), rel=1e-9)


@given(binary_tables())
def test_pooled_cells_have_scikit_learns_values(tables):
    """Micro: all labelled cells as one task."""
    labels, predictions = tables
    truth, guess = labels[~np.isnan(labels)], predictions[~np.isnan(labels)]
    found = binary_metrics(Cells.from_dense(labels, predictions).pooled())
    if len(set(truth.tolist())) == 2:
        assert found["ap"].item() == pytest.approx(average_precision_score(truth, guess), rel=0, abs=1e-12)
        assert found["auroc"].item() == pytest.approx(roc_auc_score(truth, guess), rel=0, abs=1e-12)


def test_values_by_hand():
    """Order 1 0 1 0 by prediction: precision 1 and 2/3 at the positives, three of four pairs in order."""
    found = _metrics([0, 1, 0, 1], [0.1, 0.3, 0.6, 0.9])
    assert found["ap"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["auroc"] == 0.75
    assert found["bce"] == pytest.approx(-np.log(0.9 * 0.3 * 0.4 * 0.9) / 4)


def test_perfect_probabilities_have_perfect_values():
    """1 for both rankings; the cross-entropy of a certainty is that of the clip."""
    found = _metrics([0, 1, 1], [0.0, 1.0, 1.0])
    assert (found["ap"], found["auroc"]) == (1, 1)
    assert found["bce"] == pytest.approx(1e-7, rel=1e-6)


def test_the_wrong_certainty_costs_the_clip_and_not_infinity():
    """-log(1e-7), by hand."""
    assert _metrics([0, 1], [1.0, 0.0])["bce"] == pytest.approx(16.118095650958)


def test_a_constant_earns_what_a_guess_does():
    """AUROC 1/2 and AP the share of positives."""
    found = _metrics([0, 1, 0, 0], [0.3] * 4)
    assert (found["ap"], found["auroc"]) == (0.25, 0.5)


def test_single_floats_tie_as_they_are_stored():
    """Predictions of float16 keep their ties in float64."""
    found = _metrics([0, 1], np.array([0.1, 0.09999], dtype=np.float16))
    assert found["auroc"] == 0.5
