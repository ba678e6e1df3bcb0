"""Step 7, per dataset: statistics of every task and split, as `tasks.parquet` publishes them.

Sums are exact, so that they depend neither on the order of rows nor on the machine; files are read in pieces, so that
memory does not grow with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from molmix_bench.build.exact import Moments
from molmix_bench.build.paths import staged_file
from molmix_bench.build.plan import Plan
from molmix_bench.layout.choose import layout_of
from molmix_bench.layout.protocol import Layout
from molmix_bench.metrics.protocol import LabelStats, why_not_scorable
from molmix_bench.parquet import open_parquet
from molmix_bench.specs.source import DatasetSpec
from molmix_bench.vocab import SPLITS, Kind, Split

_ROWS_AT_ONCE = 16_384
_SPLIT_FIELDS = (
    ("n_labels", pa.int64()),
    ("n_pos", pa.int64()),
    ("mean", pa.float64()),
    ("std", pa.float64()),
    ("min", pa.float64()),
    ("max", pa.float64()),
    ("class_counts", pa.list_(pa.int64())),
    ("scorable", pa.bool_()),
)
TASKS_SCHEMA = pa.schema(
    [
        pa.field("dataset", pa.string()),
        pa.field("task", pa.string()),
        pa.field("index", pa.int16()),
        pa.field("level", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("num_classes", pa.int16()),
        pa.field("unit", pa.string()),
        pa.field("direction", pa.string()),
        pa.field("description", pa.string()),
        *(pa.field(f"{split}_{name}", dtype) for split in SPLITS for name, dtype in _SPLIT_FIELDS),
    ]
)
"""`std` has ddof 0; `n_pos` is null but for binary tasks; `class_counts` is empty for regression."""


def describe_dataset(plan: Plan, name: str, files: dict[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    """Returns a dataset's rows of `tasks.parquet`, read from its finished files.

    Args:
        plan: the build.
        name: the dataset.
        files: per split that has any, its files within the mix.
    """
    dataset = plan.datasets[name][1]
    stats = {split: _gather(plan, dataset, files.get(split, ())) for split in SPLITS}
    described = []
    for index, task in enumerate(dataset.tasks):
        row: dict[str, Any] = {
            "dataset": name,
            "task": task.name,
            "index": index,
            "level": dataset.level,
            "kind": dataset.kind,
            "num_classes": dataset.num_classes,
            "unit": task.unit,
            "direction": task.direction,
            "description": task.description,
        }
        for split in SPLITS:
            row |= stats[split][index].columns(split)
        described.append(row)
    return described


def _gather(plan: Plan, dataset: DatasetSpec, files: tuple[str, ...]) -> list[TaskLabels]:
    """Returns what is to be said of each task's labels in one split."""
    tasks = [TaskLabels(dataset) for _ in dataset.tasks]
    paths = [staged_file(plan, file) for file in files]
    for labels in _task_labels(paths, layout_of(dataset)):
        for task, values in zip(tasks, labels, strict=True):
            task.add(values)
    for labels in _task_labels(paths, layout_of(dataset)):
        for task, values in zip(tasks, labels, strict=True):
            task.add_again(values)
    return tasks


def _task_labels(paths: list[Path], layout: Layout) -> Iterator[list[npt.NDArray[Any]]]:
    """Yields the labels of every task, a bounded number of rows at a time."""
    names = layout.schema.names
    for path in paths:
        with open_parquet(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=names):
                # Selected again: a name with a dot is, to the reader, a part of a column of another name too.
                yield layout.task_values(pa.Table.from_batches([batch]).select(names))


class TaskLabels:
    """Statistics of one task's labels in one split, gathered in two passes, each piece by piece.

    Args:
        dataset: the dataset of the task.
    """

    def __init__(self, dataset: DatasetSpec) -> None:
        self._dataset = dataset
        self._moments = Moments()
        self._num = 0
        self._minimum = self._maximum = np.nan
        self._class_counts = np.zeros(0 if dataset.kind is Kind.REGRESSION else dataset.num_classes or 2, np.int64)

    def add(self, labels: npt.NDArray[Any]) -> None:
        """Takes labels in the first pass."""
        if not len(labels):
            return
        values = labels.astype(np.float64)
        self._moments.add(values)
        self._num += len(values)
        self._minimum = float(np.fmin(self._minimum, values.min()))
        self._maximum = float(np.fmax(self._maximum, values.max()))
        if len(self._class_counts):
            self._class_counts += np.bincount(labels.astype(np.int64), minlength=len(self._class_counts))

    def add_again(self, labels: npt.NDArray[Any]) -> None:
        """Takes the same labels in the second pass."""
        if len(labels):
            self._moments.add_again(labels.astype(np.float64))

    def columns(self, split: Split) -> dict[str, Any]:
        """Returns the columns of `tasks.parquet` for this split."""
        counts: list[int] = self._class_counts.tolist()
        stats = LabelStats(
            num_labels=self._num,
            class_counts=counts,
            minimum=self._minimum if self._num else None,
            maximum=self._maximum if self._num else None,
        )
        fields = {
            "n_labels": self._num,
            "n_pos": counts[1] if self._dataset.kind is Kind.BINARY else None,
            "mean": self._moments.mean,
            "std": self._moments.std,
            "min": stats.minimum,
            "max": stats.maximum,
            "class_counts": counts,
            "scorable": why_not_scorable(self._dataset.kind, stats) is None,
        }
        return {f"{split}_{name}": value for name, value in fields.items()}
