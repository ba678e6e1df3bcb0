"""Tests of the protocol's rules, at their boundaries."""

from __future__ import annotations

import pytest

from molmix_bench.metrics.protocol import METRICS, PREDICTION_BOUNDS, LabelStats, is_reliable, why_not_scorable
from molmix_bench.vocab import Kind


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ((1, 1), None),
        ((500, 1), None),
        ((0, 0), "no labels"),
        ((4, 0), "labels: 4, all of class 0; two classes are needed"),
        ((0, 4), "labels: 4, all of class 1; two classes are needed"),
    ],
)
def test_a_binary_task_needs_one_label_of_each_class(counts, reason):
    """Design.md, section 6: at least one of each class."""
    assert why_not_scorable(Kind.BINARY, LabelStats(sum(counts), class_counts=counts)) == reason


@pytest.mark.parametrize(
    ("stats", "reason"),
    [
        (LabelStats(3, minimum=1.0, maximum=2.0), None),
        (LabelStats(2, minimum=1.0, maximum=2.0), "labels: 2; 3 are needed"),
        (LabelStats(3, minimum=0.1, maximum=0.1), "labels: 3, all equal to 0.1"),
        (LabelStats(0), "no labels"),
    ],
)
def test_a_regression_task_needs_three_values_that_differ(stats, reason):
    """Design.md, section 6: three values with non-zero variance."""
    assert why_not_scorable(Kind.REGRESSION, stats) == reason


def test_reliable_tasks_have_ten_of_each_class_or_twenty_values():
    """One label fewer and a task is not reliable."""
    assert is_reliable(Kind.BINARY, LabelStats(20, class_counts=(10, 10)))
    assert not is_reliable(Kind.BINARY, LabelStats(1_000, class_counts=(991, 9)))
    assert is_reliable(Kind.REGRESSION, LabelStats(20, minimum=0.0, maximum=1.0))
    assert not is_reliable(Kind.REGRESSION, LabelStats(19, minimum=0.0, maximum=1.0))


@pytest.mark.parametrize("kind", METRICS)
def test_each_kind_has_one_primary_metric_and_it_comes_first(kind):
    """Ranks and summaries take the primary metric; there is one, and predictions of the kind have bounds."""
    assert [metric.primary for metric in METRICS[kind]] == [True] + [False] * (len(METRICS[kind]) - 1)
    assert kind in PREDICTION_BOUNDS


@pytest.mark.parametrize("metric", [metric for metrics in METRICS.values() for metric in metrics], ids=lambda m: m.name)
def test_the_better_end_of_a_metric_is_a_bound(metric):
    """A perfect model reaches a number: 0 for what is to be low, 1 for what is to be high."""
    assert {"lower": metric.lowest == 0, "higher": metric.highest == 1}[metric.direction]
