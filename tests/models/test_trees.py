"""Tests of forests and boosted trees."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestRegressor

from molmix_bench.models.trees import fit_trees
from molmix_bench.specs.model import BoostingSpec, ForestSpec

FOREST = ForestSpec(num_trees=4)
BOOSTING = BoostingSpec(num_trees=6, min_leaf=3, max_leaves=5)


def _data(num_columns=40):
    """Returns bits, half of them rare, one real column, and labels that follow from them."""
    rng = np.random.default_rng(0)
    bits = rng.random((120, num_columns)) < np.repeat([0.01, 0.3], num_columns // 2)
    rows = np.hstack([bits, rng.random((120, 1))]).astype(np.float32)
    return rows[:80], rows[80:], rows @ rng.random(num_columns + 1)


def test_regression_is_scikit_learns():
    """Predictions of a forest are those of the library with the same settings, whatever the chunks."""
    train, test, labels = _data()
    found = fit_trees(FOREST, (train, labels[:80]), [test[:7], test[7:]], num_classes=None, seed=3)
    model = RandomForestRegressor(4, max_features="sqrt", random_state=3).fit(train, labels[:80])
    np.testing.assert_array_equal(found.values, model.predict(test))
    assert found.num_leaves == sum(tree.get_n_leaves() for tree in model.estimators_)


def test_boosting_leaves_out_bits_without_changing_anything():
    """Bits that are too rare for any split are left out; predictions are those of the library with all of them."""
    train, test, labels = _data()
    rare = (train[:, :-1].sum(axis=0) < 3).sum()
    assert rare > 5
    found = fit_trees(BOOSTING, (train, labels[:80]), [test], num_classes=None, seed=0)
    settings = {"max_iter": 6, "max_leaf_nodes": 5, "min_samples_leaf": 3, "early_stopping": False}
    model = HistGradientBoostingRegressor(**settings, random_state=0).fit(train, labels[:80])
    np.testing.assert_allclose(found.values, model.predict(test))
    classes = (labels > np.median(labels)).astype(float)
    found = fit_trees(BOOSTING, (train, classes[:80]), [test], num_classes=2, seed=0)
    model = HistGradientBoostingClassifier(**settings, random_state=0).fit(train, classes[:80])
    np.testing.assert_allclose(found.values, model.predict_proba(test))


def test_two_bins_hold_bits_exactly():
    """Of bits alone, predictions are bit for bit those of the library with its own number of bins."""
    train, test, labels = _data()
    found = fit_trees(BOOSTING, (train[:, 20:-1], labels[:80]), [test[:, 20:-1]], num_classes=None, seed=0)
    settings = {"max_iter": 6, "max_leaf_nodes": 5, "min_samples_leaf": 3, "early_stopping": False}
    model = HistGradientBoostingRegressor(**settings, random_state=0).fit(train[:, 20:-1], labels[:80])
    assert model.max_bins == 255
    np.testing.assert_array_equal(found.values, model.predict(test[:, 20:-1]))
    assert len(np.unique(found.values)) > 10


@pytest.mark.parametrize("spec", [FOREST, BOOSTING])
def test_classes_without_labels_have_no_chance(spec):
    """Of five classes, the three that have labels share the probability, and the others get 0."""
    train, test, labels = _data()
    classes = np.array([0.0, 2.0, 3.0])[np.digitize(labels, np.quantile(labels, [1 / 3, 2 / 3]))]
    found = fit_trees(spec, (train, classes[:80]), [test], num_classes=5, seed=0).values
    assert found.shape == (40, 5)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert not found[:, [1, 4]].any()
    assert found[:, [0, 2, 3]].any(axis=0).all()


def test_no_bit_can_split():
    """Where every bit is too rare, the mean remains."""
    rows = np.zeros((30, 8), np.float32)
    rows[0] = 1
    labels = np.arange(30.0)
    found = fit_trees(BOOSTING, (rows, labels), [rows], num_classes=None, seed=0)
    np.testing.assert_allclose(found.values, labels.mean())
