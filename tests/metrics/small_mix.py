"""A mix of a few cells in memory: what scoring reads of `molmix_bench.mix.Mix`, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from molmix_bench.errors import UsageError
from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.reference import read_reference
from molmix_bench.metrics.scores import Scores
from molmix_bench.vocab import LABEL, MOL_ID, TASK_IDX, Kind, Level, Split


@dataclass
class SmallDataset:
    """Labels by split, (n, T) with NaN for the missing; molecule i of a split is `<split>-i`.

    At node level a list of (num_atoms, T), one per molecule.
    """

    kind: Kind
    labels: Mapping[Split, Any]
    units: Sequence[str | None] | None = None
    is_sparse: bool = False
    level: Level = Level.GRAPH
    num_classes: int | None = None
    published: dict[str, bool] = field(default_factory=dict)
    """Overrides what the mix says of a task's being scorable in test."""

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """Names t0, t1, ..."""
        return tuple(f"t{index}" for index in range(self.flat(next(iter(self.labels))).shape[1]))

    @property
    def splits(self) -> dict[Split, int]:
        """Rows of each split."""
        return {split: len(labels) for split, labels in self.labels.items()}

    def flat(self, split: Split) -> np.ndarray:
        """Returns a split's labels, (n, T), at node level those of all atoms, one molecule after another."""
        labels = self.labels[split]
        rows = [row for molecule in labels for row in molecule] if self.level is Level.NODE else labels
        return np.asarray(rows, dtype=np.float64)

    def num_nodes(self, split: Split) -> np.ndarray | None:
        """Returns the atoms of each molecule at node level, else nothing."""
        return np.array([len(molecule) for molecule in self.labels[split]]) if self.level is Level.NODE else None

    def table(self, split: Split) -> pl.DataFrame:
        """Returns a split as its file has it."""
        ids = pl.Series(MOL_ID, mol_ids(split, len(self.labels[split])), dtype=pl.String)
        if self.level is Level.NODE:
            return pl.DataFrame([ids, *(self._lists(split, index) for index in range(len(self.tasks)))])
        labels = np.asarray(self.labels[split], dtype=np.float64)
        if self.is_sparse:
            pair = (
                pl.Series(TASK_IDX, [np.flatnonzero(~np.isnan(row)).tolist() for row in labels], pl.List(pl.Int16)),
                pl.Series(LABEL, [row[~np.isnan(row)].tolist() for row in labels], pl.List(pl.Float32)),
            )
            return pl.DataFrame([ids, *pair])
        columns = [pl.Series(task, labels[:, i]).fill_nan(None) for i, task in enumerate(self.tasks)]
        return pl.DataFrame([ids, *columns])

    def _lists(self, split: Split, index: int) -> pl.Series:
        columns = [np.asarray(molecule, dtype=np.float64)[:, index] for molecule in self.labels[split]]
        lists = [
            [] if np.isnan(column).all() else [None if np.isnan(value) else value for value in column.tolist()]
            for column in columns
        ]
        return pl.Series(self.tasks[index], lists, dtype=pl.List(pl.Float64))

    def facts(self, name: str) -> list[dict[str, Any]]:
        """Returns the rows of `tasks.parquet`, as far as scoring reads them."""
        rows = []
        for index, task in enumerate(self.tasks):
            row: dict[str, Any] = {"dataset": name, "task": task, "index": index}
            row["unit"] = self.units[index] if self.units else None
            for split in Split:
                labels = self.flat(split)[:, index] if len(self.labels.get(split, ())) else np.empty(0)
                row |= {f"{split}_{key}": value for key, value in self._statistics(labels).items()}
            row["test_scorable"] = self.published.get(task, row["test_scorable"])
            rows.append(row)
        return rows

    def _statistics(self, labels: np.ndarray) -> dict[str, Any]:
        values = labels[~np.isnan(labels)]
        distinct = len(set(values.tolist()))
        with np.errstate(invalid="ignore"):  # of a label that is no number
            std = values.std() if len(values) else None
        return {
            "n_labels": len(values),
            "mean": values.mean() if len(values) else None,
            "std": std,
            "min": values.min() if len(values) else None,
            "max": values.max() if len(values) else None,
            "scorable": distinct > 1 and (self.kind is not Kind.REGRESSION or len(values) > 2),
        }


class SmallMix:
    """A mix of small datasets."""

    name = "small"

    def __init__(self, **datasets: SmallDataset) -> None:
        self.datasets = datasets
        self.tasks = pl.DataFrame([row for name, dataset in datasets.items() for row in dataset.facts(name)])

    def scan(self, config: str, split: str) -> pl.LazyFrame:
        """Returns a table, or refuses as `Mix` does."""
        if config not in self.datasets or split not in self.datasets[config].labels:
            raise UsageError("mix small", found=f"no {config}/{split}")
        return self.datasets[config].table(Split(split)).lazy()


def evaluate(
    mix: Any, dataset: str, *, mol_id: Sequence[str], prediction: Any, num_nodes: Any = None, replicates: int = 0
) -> Scores:
    """Returns the scores of predictions for the test split, as those of seed 3."""
    return evaluate_reference(
        read_reference(mix, dataset, "test", replicates=replicates),
        mol_id=pl.Series(MOL_ID, mol_id, dtype=pl.String),
        prediction=np.asarray(prediction),
        num_nodes=num_nodes,
        seed=3,
        where="here",
    )


def mol_ids(split: Split, count: int) -> list[str]:
    """Returns the ids of the first molecules of a split."""
    return [f"{split}-{index}" for index in range(count)]
