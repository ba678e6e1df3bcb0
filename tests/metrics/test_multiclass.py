"""Tests of the metrics of multiclass tasks, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from molmix_bench.metrics.cells import Cells
from molmix_bench.metrics.multiclass import multiclass_metrics
from tests.strategies import class_tables


def _expected(truth, probabilities):
    """Returns AP and AUROC as scikit-learn's means of one present class against the rest; NaN for one class only."""
    present = sorted(set(truth.astype(int).tolist()))
    if len(present) < 2:
        return np.nan, np.nan
    pairs = [(truth == index, probabilities[:, index]) for index in present]
    return tuple(np.mean([metric(*pair) for pair in pairs]) for metric in (average_precision_score, roc_auc_score))


@given(class_tables())
def test_each_task_has_scikit_learns_rankings(tables):
    """Ties, absent classes and missing labels included."""
    labels, probabilities = tables
    found = multiclass_metrics(Cells.from_dense(labels, probabilities))
    for task in range(labels.shape[1]):
        present = ~np.isnan(labels[:, task])
        ap, auroc = _expected(labels[present, task], probabilities[present, task])
        assert found["ap"][task] == pytest.approx(ap, rel=0, abs=1e-9, nan_ok=True)
        assert found["auroc"][task] == pytest.approx(auroc, rel=0, abs=1e-9, nan_ok=True)


@given(class_tables(lowest=1))
def test_the_cross_entropy_is_scikit_learns_log_loss(tables):
    """Of probabilities that the clip does not touch, NaN without labels; those that do not sum to 1 are divided."""
    labels, probabilities = tables
    for scale in (1.0, 0.995):
        found = multiclass_metrics(Cells.from_dense(labels, probabilities * scale))["ce"]
        for task in range(labels.shape[1]):
            present = ~np.isnan(labels[:, task])
            expected = np.nan
            if present.any():
                classes = range(probabilities.shape[2])
                expected = log_loss(labels[present, task], probabilities[present, task], labels=list(classes))
            assert found[task] == pytest.approx(expected, rel=0, abs=1e-9, nan_ok=True)


@given(class_tables())
def test_pooled_cells_have_scikit_learns_rankings(tables):
    """Micro: all labelled cells as one task."""
    labels, probabilities = tables
    present = ~np.isnan(labels)
    found = multiclass_metrics(Cells.from_dense(labels, probabilities).pooled())
    ap, auroc = _expected(labels[present], probabilities[present])
    assert found["ap"].item() == pytest.approx(ap, rel=0, abs=1e-9, nan_ok=True)
    assert found["auroc"].item() == pytest.approx(auroc, rel=0, abs=1e-9, nan_ok=True)


def test_the_wrong_certainty_costs_the_clip_and_not_infinity():
    """-log(1e-7), by hand."""
    cells = Cells.from_dense([[0], [1]], [[[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]])
    assert multiclass_metrics(cells)["ce"].item() == pytest.approx(16.118095650958)


def test_a_constant_earns_what_a_guess_does():
    """AUROC 1/2, and AP the mean share of the two present classes, 1/4 and 3/4."""
    found = multiclass_metrics(Cells.from_dense([[0], [2], [2], [2]], [[[0.2, 0.3, 0.5]]] * 4))
    assert (found["ap"].item(), found["auroc"].item()) == (0.5, 0.5)
