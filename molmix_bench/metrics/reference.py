"""The labels that predictions of one dataset and split are scored against."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from molmix_bench.errors import MixError, UsageError
from molmix_bench.metrics.cells import BoolArray, FloatArray, IntArray
from molmix_bench.metrics.labels import read_labels
from molmix_bench.metrics.protocol import METRICS, LabelStats, is_reliable, why_not_scorable
from molmix_bench.mix import Mix
from molmix_bench.vocab import TASKS_FILE, Kind, Level, Split

if TYPE_CHECKING:
    from molmix_bench.metrics.resample import Resampling


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The labelled cells of one dataset and split, grouped by task as in `Cells`, and what is known of its T tasks.

    Shapes:
        mol_id: (n,)
        num_nodes: (n,), atoms of each molecule; none at graph level.
        starts: (T + 1,)
        rows: (L,) int32, positions in `mol_id`.
        nodes: (L,) int32, atoms, counted along the molecule's stored SMILES; 0 at graph level.
        labels: (L,)
        scorable, reliable: (T,); a reliable task is scorable.
        train_mean, train_std: (T,), of the labels of the train split, ddof=0; NaN without any.
    """

    dataset: str
    split: Split
    kind: Kind
    num_classes: int | None
    """Multiclass only."""
    tasks: tuple[str, ...]
    units: tuple[str | None, ...]
    mol_id: pl.Series
    num_nodes: IntArray | None
    starts: IntArray
    rows: NDArray[np.int32]
    nodes: NDArray[np.int32]
    labels: FloatArray
    train_mean: FloatArray
    train_std: FloatArray
    scorable: BoolArray
    reliable: BoolArray
    excluded: dict[str, str]
    """Why each task that is not scorable is not."""
    resampling: Resampling | None = None
    """The replicates by which scores get intervals; without it, they have none."""


def read_reference(mix: Mix, dataset: str, split: str | Split, *, replicates: int = 0) -> Reference:
    """Returns the labels of one dataset and split.

    Args:
        mix: where they are.
        dataset: its name.
        split: of the dataset.
        replicates: of the bootstrap, for intervals; 0 for none.

    Raises:
        UsageError: the mix has no such dataset or split, or scores of its level and kind do not exist.
        MixError: labels are not of the dataset's level or kind, or `tasks.parquet` contradicts them.
    """
    table = mix.scan(dataset, split)
    entry = mix.datasets[dataset]
    where = f"mix {mix.name}, {dataset}/{split}"
    if entry.level is Level.EDGE or entry.kind not in METRICS:
        expected = f"level graph or node and one of the kinds {', '.join(METRICS)}"
        raise UsageError(where, found=f"level {entry.level}, kind {entry.kind}", expected=expected)
    cells = read_labels(table, entry, where=where)
    facts = mix.tasks.filter(pl.col("dataset") == dataset).sort("index")
    stats = [label_stats(entry.kind, cells.labels[first:end]) for first, end in pairwise(cells.starts)]
    problems = [why_not_scorable(entry.kind, item) for item in stats]
    _check_published(entry.tasks, problems, facts[f"{split}_scorable"].to_list(), where=where)
    if entry.kind is Kind.REGRESSION:
        scales = [_scale_problem(row) for row in facts.iter_rows(named=True)]
        problems = [problem or scale for problem, scale in zip(problems, scales, strict=True)]
    scorable = np.array([problem is None for problem in problems])
    return Reference(
        dataset=dataset,
        split=Split(split),
        kind=entry.kind,
        num_classes=entry.num_classes,
        tasks=entry.tasks,
        units=tuple(facts["unit"]),
        mol_id=cells.mol_id,
        num_nodes=cells.num_nodes,
        starts=cells.starts,
        rows=cells.rows,
        nodes=cells.nodes,
        labels=cells.labels,
        train_mean=_column(facts, "train_mean"),
        train_std=_column(facts, "train_std"),
        scorable=scorable,
        reliable=scorable & np.array([is_reliable(entry.kind, item) for item in stats]),
        excluded={task: problem for task, problem in zip(entry.tasks, problems, strict=True) if problem},
        resampling=_resampling(dataset, split, num_molecules=len(cells.mol_id), replicates=replicates),
    )


def _resampling(dataset: str, split: str, *, num_molecules: int, replicates: int) -> Resampling | None:
    if replicates == 0:
        return None
    from molmix_bench.metrics.resample import resample  # with a compiler, as long to import as all else

    return resample(dataset, split, num_molecules=num_molecules, replicates=replicates)


def label_stats(kind: Kind, labels: FloatArray) -> LabelStats:
    """Returns what decides whether a task with these labels, (n,), counts."""
    if kind is Kind.REGRESSION:
        return LabelStats(len(labels), minimum=labels.min(initial=np.inf), maximum=labels.max(initial=-np.inf))
    return LabelStats(len(labels), class_counts=np.bincount(labels.astype(np.int64)).tolist())


def _scale_problem(facts: dict[str, float | None]) -> str | None:
    """Returns why labels of a regression task cannot be standardised by its train split, or nothing."""
    count, std = int(facts["train_n_labels"] or 0), facts["train_std"]
    train = LabelStats(count, minimum=facts["train_min"], maximum=facts["train_max"])
    if train.has_spread and std:
        return None
    return f"labels in train: {count}, none that differ; errors cannot be standardised"


def _check_published(tasks: tuple[str, ...], problems: list[str | None], published: list[bool], *, where: str) -> None:
    """Refuses a mix whose published list of scorable tasks is not the one that its labels give."""
    for task, problem, scorable in zip(tasks, problems, published, strict=True):
        if scorable is not (problem is None):
            found = f"task {task} as {'' if scorable else 'not '}scorable in {TASKS_FILE}"
            expected = "scorable, by its labels" if problem is None else f"not, by its labels ({problem})"
            raise MixError(where, found=found, expected=expected, fix="validate the mix")


def _column(facts: pl.DataFrame, name: str) -> FloatArray:
    return facts[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
