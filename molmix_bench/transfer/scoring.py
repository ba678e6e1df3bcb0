"""Predictions of tested molecules scored by the protocol, fold by fold; of all of them, of new and of seen ones."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
import polars as pl

from molmix_bench.metrics.cells import BoolArray, Cells, FloatArray, IntArray
from molmix_bench.metrics.protocol import METRICS, LabelStats, is_reliable, why_not_scorable
from molmix_bench.metrics.reference import Reference, label_stats
from molmix_bench.metrics.resample import resample
from molmix_bench.specs.result import Target
from molmix_bench.vocab import MOL_ID, Kind, Split

Part = Literal["all", "new", "seen"]
"""Of the tested molecules: all, or those that the run has not seen in training, or those that it has."""


def make_reference(
    target: Target,
    mol_ids: pl.Series,
    labels: FloatArray,
    *,
    train: FloatArray,
    split: Split = Split.TEST,
    resampled: tuple[str, int] = ("", 0),
) -> Reference:
    """Returns the labels that predictions of a fold are scored against.

    Args:
        target: the tasks.
        mol_ids: of the molecules.
        labels: theirs; NaN is missing.
        train: labels of those that were trained on, by which errors are standardised.
        split: which part of the fold this is.
        resampled: what tells these replicates of the bootstrap from those of other folds, and how many there are.

    Shapes:
        mol_ids: (n,)
        labels: (n, T); train: (m, T).
    """
    # Predictions do not matter here: only which cells there are.
    cells = Cells.from_dense(labels, np.zeros((*labels.shape, target.num_classes or 1)))
    stats = [label_stats(target.kind, cells.labels[first:end]) for first, end in pairwise(cells.starts)]
    problems = [why_not_scorable(target.kind, item) for item in stats]
    mean, std = np.full(len(target.tasks), np.nan), np.full(len(target.tasks), np.nan)
    if target.kind is Kind.REGRESSION:
        mean, std = np.array(target.mean), np.array(target.std)
        scales = [_scale_problem(values) for values in train.T]
        problems = [problem or scale for problem, scale in zip(problems, scales, strict=True)]
    scorable = np.array([problem is None for problem in problems])
    key, replicates = resampled
    return Reference(
        dataset=target.dataset,
        split=split,
        kind=target.kind,
        num_classes=target.num_classes,
        tasks=target.tasks,
        # One unit for all of a target's tasks is not known to be.
        units=tuple(target.tasks) if len(target.tasks) > 1 else (None,),
        mol_id=mol_ids.alias(MOL_ID),
        num_nodes=None,
        starts=cells.starts,
        rows=cells.rows,
        nodes=np.zeros(len(cells.rows), np.int32),
        labels=cells.labels,
        train_mean=mean,
        train_std=std,
        scorable=scorable,
        reliable=scorable & np.array([is_reliable(target.kind, item) for item in stats]),
        excluded={task: problem for task, problem in zip(target.tasks, problems, strict=True) if problem},
        resampling=resample(target.dataset, key, num_molecules=len(mol_ids), replicates=replicates),
    )


def parts_of(test: IntArray, seen: BoolArray | None) -> dict[Part, BoolArray]:
    """Returns which of the tested molecules belong to each part; all alone where none was seen, or nobody knows.

    Shapes:
        test: (n,), numbers of molecules.
        seen: (number of all molecules,)
    """
    parts: dict[Part, BoolArray] = {"all": np.ones(len(test), bool)}
    if seen is not None and seen.any():
        parts |= {"new": ~seen[test], "seen": seen[test]}
    return parts


def primary_metric(kind: Kind) -> str:
    """Returns the name of the metric by which models of a kind are compared."""
    return METRICS[kind][0].name


def _scale_problem(train: FloatArray) -> str | None:
    """Returns why errors cannot be standardised by some train labels, (m,), or nothing."""
    present = train[~np.isnan(train)]
    stats = LabelStats(len(present), minimum=present.min(initial=np.inf), maximum=present.max(initial=-np.inf))
    if stats.has_spread:
        return None
    return f"labels in train: {len(present)}, none that differ; errors cannot be standardised"
