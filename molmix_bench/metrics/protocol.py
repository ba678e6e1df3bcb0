"""The rules of scoring, `molmix-metrics-v1`, as data: metrics, bounds, and which tasks count.

A change of any rule is a new protocol with a new name; scores carry the name they were made under.

**Predictions.** One for each molecule of the split, or for each atom of its stored SMILES (node level): a number in
the task's unit, the probability of 1 (binary), or a probability of each class. Those of a multiclass cell sum to 1
within 0.01, which the rounding of half precision stays well within; the cross-entropy divides them by their sum, so
that neither rounding nor what is left of the tolerance changes it.

**Coverage.** Only labelled cells are scored; at node level a cell is a task of an atom. A task is *scorable* in a split
when the labels of that split hold two classes, or three values that are not all equal; and *reliable* when they hold
ten of each class that they hold at all, or twenty values, as many as a reliable binary task has at least. A regression
task whose train labels are all equal or absent has no scale to standardise by, and is not scorable in any split.

**Multiclass.** AP and AUROC are those of one class against the rest, averaged over the classes that the labels of the
split hold; a class without a label has nothing to find. Within a task, classes count alike.

**Aggregation.** Over scorable tasks only; every other task is named with its reason. `macro` is the mean over
tasks, `macro_reliable` that over the reliable ones, `micro` takes the cells of all scorable tasks for those of one
task (regression: standardised by the train split, since units differ). A metric in units is averaged only where the
tasks share one. At node level atoms count alike, whatever molecule they are of.

**Undefined.** Constant predictions have no correlation with anything; they score 0, what a guess earns, and stay
in the average. AUROC, AP and R2 are defined for them.

**Uncertainty.** Of seeds: their mean, and their standard deviation (ddof=1). Of the molecules: a bootstrap of 1,000
replicates, each of as many molecules of the split as there are, drawn with replacement (at node level with all their
atoms). What is drawn depends on the dataset and the split alone, so models are compared on the same replicates: the
interval of a difference is that of paired differences. A replicate is scored as the split is: a task that is not
scorable by the labels drawn is left out of it, for every model; the tasks that count as reliable stay those of the
split, as does the scale of the train split. The score of several seeds is their mean inside each replicate.

An interval, 95 %, has its ends as far from the value as the quantiles of the replicates are from their mean: it is one
of the value expected of another test set of the same size. Quantiles themselves are not taken, since AP is higher where
molecules repeat, and over many tasks that shift outgrows the width: with 60 tasks, 500 molecules and 10 % positive they
hold the value of unlimited molecules 56 times in 100, these intervals 84 times, and the value expected at that size 93
times. An interval ends at the metric's bounds. There is none where more than 5 % of the replicates are undefined, and
none of `micro`, which is not ranked by: its cells would all have to be sorted and counted once more.

**Rank**, of a model among others, for one dataset, split and metric: 1 + the number of models whose `macro` is
significantly better, that is, by a difference whose interval excludes 0. Equal ranks are ties. There is none of a mix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np

from molmix_bench.vocab import Kind

PROTOCOL = "molmix-metrics-v1"

PROBABILITY_CLIP = 1e-7
"""Probabilities are moved this far away from 0 and 1 before their logarithm is taken."""
PROBABILITY_SUM_TOLERANCE = 0.01
"""How far from 1 the probabilities of a multiclass cell may sum: bfloat16 rounds by 2**-8 at most, float16 2**-11."""
MIN_VALUES = 3
"""Labels a regression task needs to be scorable."""
RELIABLE_PER_CLASS = 10
RELIABLE_VALUES = 2 * RELIABLE_PER_CLASS
REPLICATES = 1_000
CONFIDENCE = 0.95
MIN_DEFINED_SHARE = 0.95
"""Of the replicates, for an interval: a binary task with four positives is all negative in 2 % of them."""

PREDICTION_BOUNDS: dict[Kind, tuple[float, float]] = {
    # A number beyond float32 in the task's unit is no prediction, and its square must not overflow.
    Kind.REGRESSION: (-float(np.finfo(np.float32).max), float(np.finfo(np.float32).max)),
    Kind.BINARY: (0.0, 1.0),
    Kind.MULTICLASS: (0.0, 1.0),
}
"""Lowest and highest valid prediction of each kind; non-finite ones are outside."""


class Aggregation(StrEnum):
    """Over what a score is taken."""

    MACRO = "macro"
    MACRO_RELIABLE = "macro_reliable"
    MICRO = "micro"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Metric:
    """What readers, tables and ranks must know of a metric."""

    name: str
    direction: Literal["higher", "lower"]
    """Which end is the better one."""
    lowest: float
    highest: float
    primary: bool = False
    in_units: bool = False
    """In the task's unit: an average over tasks of several units means nothing and is not made."""


METRICS: dict[Kind, tuple[Metric, ...]] = {
    Kind.REGRESSION: (
        Metric("mae_standardised", "lower", 0, np.inf, primary=True),
        Metric("mae", "lower", 0, np.inf, in_units=True),
        Metric("pearson", "higher", -1, 1),
        Metric("spearman", "higher", -1, 1),
        Metric("r2", "higher", -np.inf, 1),
    ),
    Kind.BINARY: (
        Metric("ap", "higher", 0, 1, primary=True),
        Metric("auroc", "higher", 0, 1),
        Metric("bce", "lower", 0, np.inf),
    ),
    Kind.MULTICLASS: (
        Metric("ap", "higher", 0, 1, primary=True),
        Metric("auroc", "higher", 0, 1),
        Metric("ce", "lower", 0, np.inf),
    ),
}
"""The metrics of each kind, the primary one first."""

METRIC_BOUNDS: dict[str, tuple[float, float]] = {
    metric.name: (metric.lowest, metric.highest) for metrics in METRICS.values() for metric in metrics
}


@dataclass(frozen=True, slots=True)
class LabelStats:
    """What decides whether a task counts: statistics of its labels in one split."""

    num_labels: int
    class_counts: Sequence[int] = ()
    """Labels of each class, from 0; empty for regression."""
    minimum: float | None = None
    maximum: float | None = None
    """Of the labels; null without any, and not used for classes."""

    @property
    def has_spread(self) -> bool:
        """Whether two labels differ; exact, unlike a standard deviation above 0."""
        return self.minimum is not None and self.maximum is not None and self.minimum < self.maximum


def why_not_scorable(kind: Kind, stats: LabelStats) -> str | None:
    """Returns the reason why a task cannot be scored in a split, or nothing where it can.

    >>> why_not_scorable(Kind.BINARY, LabelStats(7, class_counts=(7, 0)))
    'labels: 7, all of class 0; two classes are needed'
    >>> why_not_scorable(Kind.REGRESSION, LabelStats(3, minimum=0.5, maximum=0.6)) is None
    True
    """
    if stats.num_labels == 0:
        return "no labels"
    if kind is Kind.REGRESSION:
        if stats.num_labels < MIN_VALUES:
            return f"labels: {stats.num_labels}; {MIN_VALUES} are needed"
        return None if stats.has_spread else f"labels: {stats.num_labels}, all equal to {stats.minimum:g}"
    present = [index for index, count in enumerate(stats.class_counts) if count > 0]
    if len(present) < 2:  # noqa: PLR2004  # two classes: there is nothing to tell apart in one
        return f"labels: {stats.num_labels}, all of class {present[0]}; two classes are needed"
    return None


def is_reliable(kind: Kind, stats: LabelStats) -> bool:
    """Whether a scorable task has labels enough for its score to mean something by itself.

    >>> is_reliable(Kind.BINARY, LabelStats(100, class_counts=(91, 9)))
    False
    >>> is_reliable(Kind.MULTICLASS, LabelStats(100, class_counts=(60, 40, 0)))
    True
    """
    if kind is Kind.REGRESSION:
        return stats.num_labels >= RELIABLE_VALUES
    present = [count for count in stats.class_counts if count > 0]
    return len(present) > 1 and min(present) >= RELIABLE_PER_CLASS
