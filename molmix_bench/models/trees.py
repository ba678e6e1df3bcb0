"""Random forests and boosted trees, one for each task, from scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from molmix_bench.specs.model import BoostingSpec, ForestSpec

_BINS = 255
"""Of values in boosted trees, at most; scikit-learn's own."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a model of one task gives.

    Shapes:
        values: (n,) float64, or (n, num_classes) probabilities of classes.
    """

    values: NDArray[np.float64]
    num_leaves: int
    """Numbers that were fitted; of boosted trees, the most that there can be."""


def fit_trees(
    spec: ForestSpec | BoostingSpec,
    train: tuple[NDArray[np.float32], NDArray[np.floating]],
    rows: Iterable[NDArray[np.float32]],
    *,
    num_classes: int | None,
    seed: int,
) -> Fitted:
    """Returns predictions for some molecules of a model fitted to others; the same for the same seed on any machine.

    Args:
        spec: which trees.
        train: features and labels, in the task's unit or classes from 0; two distinct labels at least.
        rows: features of the molecules to predict, some at a time.
        num_classes: 2 or more; None for regression.
        seed: of the trees' random choices.

    Shapes:
        train: (num_train, num_features), (num_train,).
        rows: each (m, num_features).
    """
    features, labels = train
    useful = np.ones(features.shape[1], bool)
    bins = _BINS
    if isinstance(spec, BoostingSpec):
        # A bit that fewer molecules have, or lack, than a leaf needs is in no split: leaving it out changes nothing.
        useful = _can_split(features, spec.min_leaf)
        # Without any column there is nothing to fit to; one that is in no split does no harm.
        useful[0] |= not useful.any()
        features = features[:, useful]
        # Two bins hold a bit exactly; the histograms of a node are as long as there are bins that may be.
        bins = 2 if bool(_is_bit(features).all()) else _BINS
    if num_classes is None:
        regressor = _regressor(spec, seed, bins)
        regressor.fit(features, labels)
        parts = [np.asarray(regressor.predict(part[:, useful]), np.float64) for part in rows]
        return Fitted(np.concatenate(parts), _num_leaves(spec, regressor))
    classifier = _classifier(spec, seed, bins)
    classifier.fit(features, labels.astype(np.int64))
    probabilities = np.concatenate([classifier.predict_proba(part[:, useful]) for part in rows])
    # Classes that no train molecule has get the probability 0.
    found = np.zeros((len(probabilities), num_classes))
    found[:, classifier.classes_] = probabilities
    return Fitted(found, _num_leaves(spec, classifier))


def _can_split(features: NDArray[np.float32], min_leaf: int) -> NDArray[np.bool_]:
    """Returns which columns are no bits, or bits with enough molecules on both sides."""
    ones = (features == 1).sum(axis=0)
    enough: NDArray[np.bool_] = ~_is_bit(features) | ((ones >= min_leaf) & (len(features) - ones >= min_leaf))
    return enough


def _is_bit(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Returns which columns hold nothing but 0 and 1."""
    found: NDArray[np.bool_] = ((features == 0) | (features == 1)).all(axis=0)
    return found


def _regressor(
    spec: ForestSpec | BoostingSpec, seed: int, bins: int
) -> RandomForestRegressor | HistGradientBoostingRegressor:
    if isinstance(spec, ForestSpec):
        return RandomForestRegressor(
            n_estimators=spec.num_trees,
            max_features=spec.max_features,
            min_samples_leaf=spec.min_leaf,
            random_state=seed,
            n_jobs=1,
        )
    return HistGradientBoostingRegressor(
        max_iter=spec.num_trees,
        learning_rate=spec.learning_rate,
        max_leaf_nodes=spec.max_leaves,
        min_samples_leaf=spec.min_leaf,
        l2_regularization=spec.l2,
        max_bins=bins,
        early_stopping=False,
        random_state=seed,
    )


def _classifier(
    spec: ForestSpec | BoostingSpec, seed: int, bins: int
) -> RandomForestClassifier | HistGradientBoostingClassifier:
    if isinstance(spec, ForestSpec):
        return RandomForestClassifier(
            n_estimators=spec.num_trees,
            max_features=spec.max_features,
            min_samples_leaf=spec.min_leaf,
            random_state=seed,
            n_jobs=1,
        )
    return HistGradientBoostingClassifier(
        max_iter=spec.num_trees,
        learning_rate=spec.learning_rate,
        max_leaf_nodes=spec.max_leaves,
        min_samples_leaf=spec.min_leaf,
        l2_regularization=spec.l2,
        max_bins=bins,
        early_stopping=False,
        random_state=seed,
    )


def _num_leaves(spec: ForestSpec | BoostingSpec, model: object) -> int:
    if isinstance(model, (RandomForestRegressor, RandomForestClassifier)):
        return sum(int(tree.tree_.n_leaves) for tree in model.estimators_)
    if isinstance(spec, BoostingSpec) and isinstance(
        model, (HistGradientBoostingRegressor, HistGradientBoostingClassifier)
    ):
        return int(model.n_iter_) * int(model.n_trees_per_iteration_) * spec.max_leaves
    raise TypeError(f"no trees: {type(model).__name__}")
