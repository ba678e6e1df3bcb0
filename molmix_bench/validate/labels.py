"""Check: labels are possible ones in the form of their tables, and tasks have enough of them to be scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from molmix_bench.chem.molecule import count_atoms
from molmix_bench.mix import Dataset, Mix
from molmix_bench.validate.findings import NUM_EXAMPLES, Finding, Severity
from molmix_bench.vocab import LABEL, SMILES, TASK_IDX, Kind, Level, Split

CHECK = "labels"
OUTLIER_STDS = 20.0
"""Farther from the mean than any value of a sane distribution, near enough to catch a unit mixed up."""


def check_labels(mix: Mix) -> Iterator[Finding]:
    """Yields labels outside their kind's range or in the wrong place, far outliers, and tasks that cannot be scored."""
    for name, dataset in mix.datasets.items():
        for split in dataset.splits:
            yield from _values(mix, dataset, split)
        yield from _scorable(mix, dataset)
        if dataset.kind is Kind.REGRESSION:
            yield from _outliers(mix, name)


def _values(mix: Mix, dataset: Dataset, split: Split) -> Iterator[Finding]:
    layout = dataset.layout
    impossible, misplaced = Counter[str](), 0
    for batch in mix.batches(dataset.name, split):
        table = pa.Table.from_batches([batch])
        labels = table.select(layout.schema.names)
        misplaced += _misplaced(table, dataset)
        if misplaced:
            break  # values of rows that are out of shape cannot be told apart by task
        for task, values in zip(dataset.tasks, layout.task_values(labels), strict=True):
            impossible[task] += int(_impossible(values.astype(np.float64), dataset).sum())
    where = f"{dataset.name}/{split}"
    if misplaced:
        shape = "a list per task as long as the molecule has atoms, or empty"
        expected = shape if dataset.level is Level.NODE else "task_idx increasing, in range, and as long as label"
        yield Finding(CHECK, Severity.ERROR, where, f"rows have labels out of shape; expected {expected}", misplaced)
    expected = "finite numbers" if dataset.kind is Kind.REGRESSION else f"classes 0 to {(dataset.num_classes or 2) - 1}"
    for task, count in impossible.items():
        if count:
            yield Finding(CHECK, Severity.ERROR, f"{where}, task {task}", f"labels are not {expected}", count)


def _impossible(
    values: np.ndarray[tuple[int], np.dtype[np.float64]], dataset: Dataset
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if dataset.kind is Kind.REGRESSION:
        return ~np.isfinite(values)
    return (values < 0) | (values >= (dataset.num_classes or 2))


def _misplaced(table: pa.Table, dataset: Dataset) -> int:
    """Returns the number of rows whose lists do not fit each other or the molecule."""
    if dataset.is_sparse:
        return _misplaced_pairs(table, len(dataset.tasks))
    if dataset.level is not Level.NODE:
        return 0
    atoms = np.array([count_atoms(smiles) for smiles in table[SMILES].to_pylist()])
    wrong = np.zeros(table.num_rows, dtype=bool)
    for task in dataset.tasks:
        lengths = pc.list_value_length(table[task]).to_numpy()
        wrong |= (lengths != 0) & (lengths != atoms)
    return int(wrong.sum())


def _misplaced_pairs(table: pa.Table, num_tasks: int) -> int:
    lengths = pc.list_value_length(table[TASK_IDX]).to_numpy()
    unequal = lengths != pc.list_value_length(table[LABEL]).to_numpy()
    row = np.repeat(np.arange(table.num_rows), lengths)
    task = pc.list_flatten(table[TASK_IDX]).to_numpy(zero_copy_only=False)
    bad = (task < 0) | (task >= num_tasks)
    bad[1:] |= (row[1:] == row[:-1]) & (task[1:] <= task[:-1])
    return len(set(row[bad].tolist()) | set(np.flatnonzero(unequal).tolist()))


def _scorable(mix: Mix, dataset: Dataset) -> Iterator[Finding]:
    tasks = mix.tasks.filter(pl.col("dataset") == dataset.name)
    for split in dataset.splits:
        out = tasks.filter(~pl.col(f"{split}_scorable"))["task"].to_list()
        if out:
            severity = Severity.WARNING if len(out) == len(tasks) else Severity.INFO
            message = f"{len(out)} of {len(tasks)} tasks cannot be scored (too few labels, or all of one class)"
            yield Finding(CHECK, severity, f"{dataset.name}/{split}", message, len(out), tuple(out[:NUM_EXAMPLES]))


def _outliers(mix: Mix, name: str) -> Iterator[Finding]:
    for task in mix.tasks.filter(pl.col("dataset") == name).iter_rows(named=True):
        std = task["train_std"]
        if std:
            ends = (task["train_min"], task["train_max"])
            far = [value for value in ends if abs(value - task["train_mean"]) > OUTLIER_STDS * std]
            if far:
                values = ", ".join(f"{value:g}" for value in far)
                message = f"labels lie over {OUTLIER_STDS:g} standard deviations from the mean: {values}"
                yield Finding(CHECK, Severity.INFO, f"{name}, task {task['task']}", message)
