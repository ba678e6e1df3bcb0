"""Step 7, per dataset: statistics of every task and split, as `tasks.parquet` publishes them.

Sums are exact (`math.fsum`), so that they depend neither on the order of rows nor on the machine.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from molmix_bench.build.paths import staged_file
from molmix_bench.build.plan import Plan
from molmix_bench.layout.choose import layout_of
from molmix_bench.layout.protocol import Layout
from molmix_bench.metrics.protocol import LabelStats, why_not_scorable
from molmix_bench.specs.source import DatasetSpec
from molmix_bench.vocab import SPLITS, Kind, Split

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
    layout = layout_of(dataset)
    values = {split: _task_values(plan, layout, files.get(split, ())) for split in SPLITS}
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
            row |= describe_labels(values[split][index], dataset, split)
        described.append(row)
    return described


def _task_values(plan: Plan, layout: Layout, files: tuple[str, ...]) -> list[npt.NDArray[Any]]:
    """Returns the labels of each task in one split."""
    columns = layout.schema.names
    tables = [pq.read_table(staged_file(plan, path), columns=columns, partitioning=None) for path in files]
    return layout.task_values(pa.concat_tables([layout.schema.empty_table(), *tables]).combine_chunks())


def describe_labels(labels: npt.NDArray[Any], dataset: DatasetSpec, split: Split) -> dict[str, Any]:
    """Returns the statistics of one task's labels in one split, keyed by the columns of `tasks.parquet`."""
    values = labels.astype(np.float64)
    mean, std = _moments(values)
    counts: list[int] = []
    if dataset.kind is not Kind.REGRESSION:
        counts = np.bincount(labels.astype(np.int64), minlength=dataset.num_classes or 2).tolist()
    stats = LabelStats(
        num_labels=len(values),
        class_counts=counts,
        minimum=float(values.min()) if len(values) else None,
        maximum=float(values.max()) if len(values) else None,
    )
    fields = {
        "n_labels": len(values),
        "n_pos": counts[1] if dataset.kind is Kind.BINARY else None,
        "mean": mean,
        "std": std,
        "min": stats.minimum,
        "max": stats.maximum,
        "class_counts": counts,
        "scorable": why_not_scorable(dataset.kind, stats) is None,
    }
    return {f"{split}_{name}": value for name, value in fields.items()}


def _moments(values: npt.NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Returns mean and standard deviation (ddof 0), or nothing for no values."""
    if not len(values):
        return None, None
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((values - mean) ** 2) / len(values))
