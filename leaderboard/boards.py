"""Boards: for each mix, its datasets and splits with the models that were scored, ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import polars as pl

from leaderboard.entries import Entry
from molmix_bench.errors import MixError
from molmix_bench.metrics.compare import DIFFERENCE_SCHEMA, Comparison, compare
from molmix_bench.metrics.protocol import METRICS, Aggregation, Metric
from molmix_bench.metrics.rank import rank
from molmix_bench.metrics.reference import read_reference
from molmix_bench.metrics.scores import TABLE_SCHEMA
from molmix_bench.mix import Dataset, Mix
from molmix_bench.submissions.entry import BOARD_SPLITS
from molmix_bench.vocab import Split

MAX_PAIRED = 30
"""Models of a board for whose every pair the differences are listed; a page works them out for the two it compares."""
SCORES_SCHEMA: dict[str, type[pl.DataType]] = {"submission": pl.String, **TABLE_SCHEMA}


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
    """Columns as in `SCORES_SCHEMA`: what was scored over several tasks."""

    @property
    def name(self) -> str:
        """What the section is called in addresses."""
        return f"{self.dataset.name}-{self.split}"


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """Everything about one mix."""

    mix: Mix
    entries: tuple[Entry, ...]
    sections: tuple[Section, ...]
    """One for each dataset and split that models may be ranked on, with predictions or without."""
    comparison: Comparison
    """Without differences where there are more than `MAX_PAIRED` models."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What the labels of a dataset and split allow to score."""

    num_molecules: int
    num_tasks: int
    num_reliable: int
    excluded: tuple[tuple[str, str], ...]


def make_boards(entries: Sequence[Entry], mixes: Sequence[Mix] = ()) -> tuple[Board, ...]:
    """Returns a board for each mix that entries predict, and for each of `mixes`, which may have none yet; by name."""
    ordered = sorted(entries, key=lambda entry: (entry.mix.name, entry.name))
    grouped = {name: tuple(some) for name, some in groupby(ordered, key=lambda entry: entry.mix.name)}
    known = {mix.name: mix for mix in mixes} | {name: some[0].mix for name, some in grouped.items()}
    return tuple(_board(mix, grouped.get(name, ())) for name, mix in sorted(known.items()))


def _board(mix: Mix, entries: tuple[Entry, ...]) -> Board:
    macros = {entry.name: entry.submission.macros for entry in entries}
    if len(entries) <= MAX_PAIRED:
        comparison = compare(macros)
    else:
        comparison = Comparison(rank(macros), pl.DataFrame(schema=DIFFERENCE_SCHEMA))
    scores = pl.concat([pl.DataFrame(schema=SCORES_SCHEMA), *map(_over_tasks, entries)])
    sections = tuple(
        _section(mix, dataset, split, entries=entries, ranks=comparison.ranks, scores=scores)
        for dataset in mix.datasets.values()
        for split in BOARD_SPLITS
        if split in dataset.splits
    )
    return Board(mix, entries, sections, comparison)


def _over_tasks(entry: Entry) -> pl.DataFrame:
    """Returns what was scored over several tasks, columns as in `SCORES_SCHEMA`."""
    few = entry.submission.table.table.filter(pl.col("task").is_null())
    # Made anew: the few rows' texts would hold those of all rows, a gigabyte for five hundred submissions.
    fresh = pl.DataFrame(few.to_dict(as_series=False), schema=few.schema)
    return fresh.select(pl.lit(entry.name).alias("submission"), "*")


def _section(
    mix: Mix, dataset: Dataset, split: Split, *, entries: tuple[Entry, ...], ranks: pl.DataFrame, scores: pl.DataFrame
) -> Section:
    labels = _labels(str(mix.path), mix.manifest.build_key, dataset.name, split)
    here = {"dataset": dataset.name, "split": str(split)}
    ranks, scores = ranks.filter(**here), scores.filter(**here)
    over_seeds = scores.filter(pl.col("seed").is_null(), aggregation=str(Aggregation.MACRO_RELIABLE))
    known = set(ranks["metric"])
    tables = (
        MetricTable(metric, _rows(ranks.filter(metric=metric.name), over_seeds.filter(metric=metric.name), entries))
        for metric in METRICS[dataset.kind]
        # One in units is not averaged where units differ.
        if metric.name in known or not (known or metric.in_units)
    )
    return Section(
        dataset=dataset,
        split=split,
        digest=mix.manifest.datasets[dataset.name].splits[split].digest,
        num_molecules=labels.num_molecules,
        num_tasks=labels.num_tasks,
        num_reliable=labels.num_reliable,
        excluded=labels.excluded,
        tables=tuple(tables),
        scores=scores,
    )


@lru_cache(maxsize=256)
def _labels(path: str, build_key: str, dataset: str, split: Split) -> Labels:
    """Returns what follows from the labels, and not from what the process says that read a stranger's files."""
    mix = Mix(path)
    if mix.manifest.build_key != build_key:
        raise MixError(path, found=f"build {mix.manifest.build_key[:12]}", expected=f"still {build_key[:12]}")
    reference = read_reference(mix, dataset, split)
    return Labels(
        num_molecules=len(reference.mol_id),
        num_tasks=int(reference.scorable.sum()),
        num_reliable=int(reference.reliable.sum()),
        excluded=tuple(reference.excluded.items()),
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
