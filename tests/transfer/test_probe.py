"""Tests of linear probes: they find what is linear, choose their penalty, and are a layer of a network."""

from __future__ import annotations

import numpy as np
import pytest

from molmix_bench.specs.result import Target
from molmix_bench.transfer.probe import STRENGTHS, fit_probe

RNG = np.random.default_rng(0)
EMBEDDINGS = RNG.normal(size=(200, 5)) * [1, 10, 0.1, 1, 0] + [0, 100, 0, -3, 2]
"""Of five scales, the last being constant."""
TRAIN = np.arange(150)
NAN = float("nan")


def _target(kind, tasks=1, num_classes=None, labels=None):
    mean = std = ()
    if kind == "regression":
        mean = tuple(np.nanmean(labels[TRAIN], axis=0).tolist())
        std = tuple(np.nanstd(labels[TRAIN], axis=0).tolist())
    return Target(
        dataset="mine",
        level="graph",
        kind=kind,
        num_classes=num_classes,
        dtype="float32" if kind == "regression" else "int8",
        tasks=tuple(f"t{task}" for task in range(tasks)),
        mean=mean,
        std=std,
    )


def _weakest(probe):
    return probe.strength


def test_regression_is_found_again():
    """With next to no penalty, labels that are linear are predicted to four digits; missing ones do not matter."""
    labels = (EMBEDDINGS @ [[1.0, 0], [0.2, 1], [30, 2], [0, 0], [0, 0]]) + [5.0, -1.0]
    labels[:40, 1] = NAN
    target = _target("regression", 2, labels=labels)
    probe = fit_probe(EMBEDDINGS, labels, TRAIN, target=target, select=_weakest)
    assert probe.strength == STRENGTHS[0]
    found = probe.outputs(EMBEDDINGS) * target.std + target.mean
    assert found[150:] == pytest.approx(labels[150:], rel=1e-3, abs=1e-3)


def test_classes_are_found_again():
    """Three classes in a row along one direction, and two, are told apart; a class that no one has is impossible."""
    classes = np.digitize(EMBEDDINGS[:, 3], [-3.4, -2.6]).astype(float)[:, None]
    probe = fit_probe(EMBEDDINGS, classes, TRAIN, target=_target("multiclass", 1, 4), select=_weakest)
    outputs = probe.outputs(EMBEDDINGS[150:])
    assert (outputs.argmax(axis=1) == classes[150:, 0]).mean() > 0.9
    assert (outputs[:, 3] < outputs[:, :3].max(axis=1) - 10).all()
    binary = (EMBEDDINGS[:, 3:4] > -3).astype(float)
    probe = fit_probe(EMBEDDINGS, binary, TRAIN, target=_target("binary"), select=_weakest)
    assert ((probe.outputs(EMBEDDINGS[150:]) > 0) == binary[150:]).mean() > 0.95


def test_two_of_three_classes():
    """Where train has two of the classes alone, these are told apart, and the third is impossible."""
    classes = 2 * (EMBEDDINGS[:, 3:4] > -3).astype(float)
    probe = fit_probe(EMBEDDINGS, classes, TRAIN, target=_target("multiclass", 1, 3), select=_weakest)
    outputs = probe.outputs(EMBEDDINGS[150:])
    assert (outputs.argmax(axis=1) == classes[150:, 0]).mean() > 0.95
    assert (outputs[:, 1] == -30).all()


@pytest.mark.parametrize(("value", "expected"), [(1.0, 30.0), (0.0, -30.0), (NAN, 0.0)])
def test_tasks_without_two_classes(value, expected):
    """One class is predicted as what it is, and without labels nothing is known."""
    labels = np.full((200, 1), value)
    probe = fit_probe(EMBEDDINGS, labels, TRAIN, target=_target("binary"), select=lambda _: None)
    assert probe.outputs(EMBEDDINGS[:2]) == pytest.approx(np.full((2, 1), expected))


def test_the_strongest_of_equal_penalties():
    """Where validation does not tell penalties apart, or cannot be scored, the strongest is taken."""
    labels = EMBEDDINGS[:, :1].copy()
    target = _target("regression", labels=labels)
    for value in (None, 0.5):
        probe = fit_probe(EMBEDDINGS, labels, TRAIN, target=target, select=lambda _, value=value: value)
        assert (probe.strength, probe.selection) == (STRENGTHS[-1], value)
