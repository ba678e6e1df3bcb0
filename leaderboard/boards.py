"""Boards: for each mix, its datasets and splits with the models that were scored, ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import polars as pl

from leaderboard.entries import Entry
from molmix_bench.metrics.compare import Comparison, compare
from molmix_bench.metrics.protocol import METRICS, Aggregation, Metric
from molmix_bench.metrics.reference import read_reference
from molmix_bench.mix import Dataset, Mix
from molmix_bench.submissions.entry import BOARD_SPLITS
from molmix_bench.vocab import Split


@dataclass(frozen=True, slots=True)
class Value:
    """A score with its interval."""

    mean: float | None
    """Over seeds."""
    std: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One model in a table."""

    entry: Entry
    rank: int | None
    """Null where there is nothing to rank by."""
    tied: bool
    num_seeds: int
    macro: Value
    reliable: Value


@dataclass(frozen=True, slots=True, eq=False)
class MetricTable:
    """The models by one metric, the best first."""

    metric: Metric
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One dataset and split."""

    dataset: Dataset
    split: Split
    digest: str
    """Of the labels, from the mix's manifest."""
    num_molecules: int
    num_tasks: int
    """That are scored."""
    num_reliable: int
    excluded: tuple[tuple[str, str], ...]
    """Task and reason, for each that is not scored."""
    tables: tuple[MetricTable, ...]
    """The primary metric's first."""
    scores: pl.DataFrame
    """Column `submission`, then those of `TABLE_SCHEMA`: everything that was scored."""

    @property
    def name(self) -> str:
        """What the section is called in addresses."""
        return f"{self.dataset.name}-{self.split}"

    def task_means(self) -> pl.DataFrame:
        """Returns the primary metric of each task: column `task`, then one for each submission, by rank."""
        primary = self.tables[0]
        means = self.scores.filter(
            pl.col("seed").is_null(), aggregation=str(Aggregation.TASK), metric=primary.metric.name
        )
        wide = means.pivot(on="submission", index="task", values="value", maintain_order=True)
        return wide.select("task", *(row.entry.name for row in primary.rows))


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """Everything about one mix."""

    mix: Mix
    entries: tuple[Entry, ...]
    sections: tuple[Section, ...]
    comparison: Comparison


def make_boards(entries: Sequence[Entry]) -> tuple[Board, ...]:
    """Returns a board for each mix that entries predict, by name."""
    ordered = sorted(entries, key=lambda entry: (entry.mix.name, entry.name))
    return tuple(_board(tuple(some)) for _, some in groupby(ordered, key=lambda entry: entry.mix.name))


def _board(entries: tuple[Entry, ...]) -> Board:
    mix = entries[0].mix
    comparison = compare({entry.name: entry.submission.macros for entry in entries})
    tables = [entry.submission.table.table.select(pl.lit(entry.name).alias("submission"), "*") for entry in entries]
    scores = pl.concat(tables)
    places = set(scores.select("dataset", "split").iter_rows())
    sections = tuple(
        _section(mix, dataset, split, entries=entries, ranks=comparison.ranks, scores=scores)
        for dataset in mix.datasets.values()
        for split in BOARD_SPLITS
        if (dataset.name, str(split)) in places
    )
    return Board(mix, entries, sections, comparison)


def _section(
    mix: Mix, dataset: Dataset, split: Split, *, entries: tuple[Entry, ...], ranks: pl.DataFrame, scores: pl.DataFrame
) -> Section:
    # From the labels, and not from what the process says that read a stranger's files.
    reference = read_reference(mix, dataset.name, split)
    here = {"dataset": dataset.name, "split": str(split)}
    ranks, scores = ranks.filter(**here), scores.filter(**here)
    over_seeds = scores.filter(pl.col("seed").is_null(), aggregation=str(Aggregation.MACRO_RELIABLE))
    known = set(ranks["metric"])
    tables = (
        MetricTable(metric, _rows(ranks.filter(metric=metric.name), over_seeds.filter(metric=metric.name), entries))
        for metric in METRICS[dataset.kind]
        # One in units is not averaged where units differ.
        if metric.name in known
    )
    return Section(
        dataset=dataset,
        split=split,
        digest=mix.manifest.datasets[dataset.name].splits[split].digest,
        num_molecules=len(reference.mol_id),
        num_tasks=int(reference.scorable.sum()),
        num_reliable=int(reference.reliable.sum()),
        excluded=tuple(reference.excluded.items()),
        tables=tuple(tables),
        scores=scores,
    )


def _rows(ranks: pl.DataFrame, reliable: pl.DataFrame, entries: tuple[Entry, ...]) -> tuple[Row, ...]:
    by_name = {entry.name: entry for entry in entries}
    of_reliable = {row["submission"]: row for row in reliable.iter_rows(named=True)}
    return tuple(
        Row(
            entry=by_name[row["model"]],
            rank=row["rank"],
            tied=row["tied"],
            num_seeds=row["n_seeds"],
            macro=_value(row, "mean"),
            reliable=_value(of_reliable.get(row["model"], {}), "value"),
        )
        for row in ranks.iter_rows(named=True)
    )


def _value(row: Mapping[str, Any], key: str) -> Value:
    return Value(row.get(key), row.get("std"), row.get("ci_low"), row.get("ci_high"))
