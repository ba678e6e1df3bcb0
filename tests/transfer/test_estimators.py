"""Tests of the estimators: the checks that scikit-learn has for all of them.

scikit-learn's checks make tables of numbers, and skip estimators that take texts. So they are run on subclasses that
turn each row of numbers into a molecule, which leaves everything else as it is: parameters, clones, pickles, classes,
what fitting and predicting may change, errors. `NOT_APPLICABLE` names those that cannot hold, and why.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import validate_data

from molmix_bench.transfer.estimators import MoleculeClassifier, MoleculeEmbedder, MoleculeRegressor
from tests.transfer.small import RINGS

QUICK = {"epochs": 1, "head_epochs": 1, "batch_size": 64}


def _molecules(table):
    """Returns a molecule for each row of numbers: a chain whose length and end follow from the first two."""
    found = []
    for row in np.asarray(table, float):
        first, last = (int(abs(value) * 7) for value in (row[0], row[-1]))
        found.append("C" * (1 + first % 12) + ("", *RINGS)[last % 6])
    return found


def _tags(tags):
    tags.input_tags.string = tags.input_tags.one_d_array = False
    tags.input_tags.two_d_array = True
    return tags


class NumbersEmbedder(MoleculeEmbedder):
    """The embedder on rows of numbers."""

    def fit(self, X, y=None):  # noqa: ARG002, N803
        """Fits to the molecules of rows."""
        super().fit(_molecules(validate_data(self, X)))
        return self

    def transform(self, X):  # noqa: N803
        """Embeds the molecules of rows."""
        if isinstance(X, list) and X == ["C"]:
            return super().transform(X)
        return super().transform(_molecules(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        return _tags(super().__sklearn_tags__())


class NumbersRegressor(MoleculeRegressor):
    """The regressor on rows of numbers."""

    def fit(self, X, y):  # noqa: N803
        """Fits to the molecules of rows."""
        X, y = validate_data(self, X, y, y_numeric=True)  # noqa: N806
        return super().fit(_molecules(X), y)

    def predict(self, X):  # noqa: N803
        """Predicts the molecules of rows."""
        return super().predict(_molecules(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = _tags(super().__sklearn_tags__())
        tags.regressor_tags.poor_score = True
        return tags


class NumbersClassifier(MoleculeClassifier):
    """The classifier on rows of numbers."""

    def fit(self, X, y):  # noqa: N803
        """Fits to the molecules of rows."""
        X, y = validate_data(self, X, y)  # noqa: N806
        return super().fit(_molecules(X), y)

    def predict_proba(self, X):  # noqa: N803
        """Predicts the molecules of rows."""
        return super().predict_proba(_molecules(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = _tags(super().__sklearn_tags__())
        tags.classifier_tags.poor_score = True
        return tags


NOT_APPLICABLE = {}


@pytest.mark.parametrize("kind", [NumbersEmbedder, NumbersRegressor, NumbersClassifier])
def test_checks_of_scikit_learn(pretrained, kind):
    """All checks pass, but those named, and none of the named passes."""
    settings = {} if kind is NumbersEmbedder else {"tuning": QUICK}
    estimator = kind(str(pretrained.path), **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        results = check_estimator(estimator, expected_failed_checks=NOT_APPLICABLE, on_fail=None)
    failed = {item["check_name"]: repr(item["exception"]) for item in results if item["status"] == "failed"}
    assert failed == {}
    assert sum(item["status"] == "passed" for item in results) > 30
