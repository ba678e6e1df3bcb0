"""Tests of the rule that chooses an epoch."""

from __future__ import annotations

import pytest

from molmix_bench.training.selection import is_better, selection_value
from molmix_bench.vocab import Kind

KINDS = {"qm9": Kind.REGRESSION, "tox21": Kind.BINARY, "zinc12k": Kind.REGRESSION}


def test_mean_over_datasets_of_primary_metrics():
    """By hand: (0.2 + (1 - 0.4) + 0.1) / 3; metrics that are not primary do not matter."""
    validation = {
        "qm9": {"mae_standardised": 0.2, "mae": 99.0},
        "tox21": {"ap": 0.4, "auroc": 0.9},
        "zinc12k": {"mae_standardised": 0.1},
    }
    assert selection_value(validation, KINDS) == pytest.approx(0.3)


def test_datasets_without_a_scorable_task_are_left_out():
    """A null, and a metric that is not there, do not enter the mean; without any value there is none."""
    validation = {"qm9": {"mae_standardised": 0.2}, "tox21": {"ap": None}, "zinc12k": {}}
    assert selection_value(validation, KINDS) == 0.2
    assert selection_value({"tox21": {"ap": None}}, KINDS) is None
    assert selection_value({}, KINDS) is None


@pytest.mark.parametrize(
    ("value", "best", "better"),
    [(0.1, 0.2, True), (0.2, 0.1, False), (0.1, 0.1, False), (0.1, None, True), (None, None, True)],
)
def test_is_better(value, best, better):
    """Lower is better, of equal epochs the earlier stays, and without values the later one is taken."""
    assert is_better(value, best) is better
