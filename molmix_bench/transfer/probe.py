"""Linear probes: what a linear model reads from embeddings that stay as they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from torch import nn

from molmix_bench.metrics.cells import FloatArray, IntArray
from molmix_bench.models.network import Network
from molmix_bench.specs.result import Target
from molmix_bench.vocab import Kind

STRENGTHS: tuple[float, ...] = (1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4)
"""Of the penalty on squared weights of standardised embeddings; the one that is best on validation is taken."""
_NEVER = -30.0
"""The logit of a class that no train molecule has."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A linear model of embeddings: outputs = embeddings @ weights + bias, standardised values or logits.

    Shapes:
        weights: (width, num_outputs); bias: (num_outputs,).
    """

    weights: FloatArray
    bias: FloatArray
    strength: float
    selection: float | None
    """On validation, by the rule of `training/selection.py`."""

    def outputs(self, embeddings: FloatArray) -> FloatArray:
        """Returns standardised values or logits, (n, num_outputs)."""
        return np.asarray(embeddings @ self.weights + self.bias)

    def write_into(self, network: Network) -> None:
        """Fills the one head of a network, which is a single linear layer."""
        layers = [module for module in network.heads.modules() if isinstance(module, nn.Linear)]
        (linear,) = layers
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(self.weights.T))
            linear.bias.copy_(torch.from_numpy(self.bias))


def fit_probe(
    embeddings: FloatArray,
    labels: FloatArray,
    train: IntArray,
    *,
    target: Target,
    select: Callable[[Probe], float | None],
) -> Probe:
    """Returns the probe whose penalty is best on validation; of equal ones the strongest.

    Ridge regression of standardised labels, logistic regression of classes, each task by itself; both by scikit-learn.

    Args:
        embeddings: of all molecules.
        labels: of all molecules; NaN is missing.
        train: numbers of those to learn from.
        target: the tasks, with the statistics of the train labels.
        select: how good a probe is, lower being better.

    Shapes:
        embeddings: (n, width); labels: (n, T); train: (m,).
    """
    known = embeddings[train]
    mean, std = known.mean(axis=0), known.std(axis=0)
    scale = np.where(std > 0, std, 1.0)
    standardised = (known - mean) / scale
    best: Probe | None = None
    for strength in reversed(STRENGTHS):
        fitted = [
            _fit_task(standardised, labels[train, task], target, task, strength) for task in range(len(target.tasks))
        ]
        inner = np.hstack([weights for weights, _ in fitted])
        weights = inner / scale[:, None]
        bias = np.concatenate([offset for _, offset in fitted]) - mean @ weights
        probe = Probe(weights, bias, strength, None)
        value = select(probe)
        if best is None or (value is not None and (best.selection is None or value < best.selection)):
            best = Probe(weights, bias, strength, value)
    if best is None:
        raise TypeError("there is a penalty at least")
    return best


def _fit_task(
    rows: FloatArray, labels: FloatArray, target: Target, task: int, strength: float
) -> tuple[FloatArray, FloatArray]:
    """Returns weights, (width, outputs of the task), and offsets of one task, for standardised embeddings."""
    present = ~np.isnan(labels)
    rows, labels = rows[present], labels[present]
    width, num_outputs = rows.shape[1], target.num_classes or 1
    if target.kind is Kind.REGRESSION:
        if not len(labels):
            return np.zeros((width, 1)), np.zeros(1)
        ridge = Ridge(alpha=strength).fit(rows, (labels - target.mean[task]) / target.std[task])
        return ridge.coef_.reshape(width, 1), np.atleast_1d(ridge.intercept_)
    classes = np.unique(labels).astype(np.int64)
    if len(classes) < 2:  # noqa: PLR2004  # nothing to tell apart
        return np.zeros((width, num_outputs)), _constant(classes.tolist(), target.num_classes)
    with warnings.catch_warnings():
        # With a weak penalty it may not converge, and is then not the best on validation either.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=1 / strength, max_iter=300).fit(rows, labels.astype(np.int64))
    if target.kind is Kind.BINARY:
        return fitted.coef_.T, fitted.intercept_
    weights, bias = np.zeros((width, num_outputs)), np.full(num_outputs, _NEVER)
    if len(classes) == 2:  # noqa: PLR2004  # scikit-learn then has the logit of the second alone
        weights[:, classes[1]], bias[classes] = fitted.coef_[0], (0.0, fitted.intercept_[0])
    else:
        weights[:, classes], bias[classes] = fitted.coef_.T, fitted.intercept_
    return weights, bias


def _constant(classes: Sequence[int], num_classes: int | None) -> FloatArray:
    """Returns the logits of a task whose train labels are of one class, or of none."""
    if num_classes is None:
        return np.array([0.0 if not classes else -_NEVER if classes[0] else _NEVER])
    bias = np.full(num_classes, _NEVER if classes else 0.0)
    bias[list(classes)] = 0.0
    return bias
