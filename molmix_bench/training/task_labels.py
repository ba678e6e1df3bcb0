"""Train labels task by task, in memory proportional to the labels there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molmix_bench.graphs.label_tables import ABSENT, DenseTable, LabelTable, NodeTable, SparseTable


@dataclass(frozen=True, slots=True)
class TaskLabels:
    """All labels of one dataset in one split, those of each task together.

    Shapes:
        molecules: (num_labels,) int64, rows of the store.
        values: (num_labels,) of the labels' dtype.
        ptr: (num_tasks + 1,) int64, the first label of each task, and their number.
    """

    molecules: NDArray[np.int64]
    values: NDArray[np.generic]
    ptr: NDArray[np.int64]

    @classmethod
    def of(cls, table: LabelTable, molecules: NDArray[np.int64], *, num_tasks: int) -> TaskLabels:
        """Returns the labels of a store's table, by task, and in each by molecule.

        Shapes:
            molecules: rows of the store that the split has, as `GraphStore.molecules` gives them.
        """
        owners, tasks, values = _labels(table)
        # Tables have a row for each molecule with labels; which molecule that is, `row` says the other way round.
        labelled = np.flatnonzero(table.row != ABSENT)
        molecule_of_row = np.empty(len(labelled), np.int64)
        molecule_of_row[table.row[labelled]] = molecules[labelled]
        order = np.argsort(tasks, kind="stable")
        ptr = np.searchsorted(tasks[order], np.arange(num_tasks + 1))
        return cls(molecule_of_row[owners[order]], values[order], ptr)

    def only(self, molecules: NDArray[np.int64]) -> TaskLabels:
        """Returns the labels of some molecules, (n,) rows of the store, alone."""
        kept = np.isin(self.molecules, molecules)
        before = np.concatenate([[0], np.cumsum(kept)])
        return TaskLabels(self.molecules[kept], self.values[kept], before[self.ptr])

    def task(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Returns the molecules that have a label in a task, and their labels."""
        part = slice(self.ptr[index], self.ptr[index + 1])
        return self.molecules[part], self.values[part].astype(np.float64)


def _labels(table: LabelTable) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.generic]]:
    """Returns row of the table, task and value of each label."""
    match table:
        case SparseTable():
            owners = np.repeat(np.arange(len(table.ptr) - 1), np.diff(table.ptr))
            return owners, table.tasks.astype(np.int64), np.asarray(table.values)
        case DenseTable():
            rows, tasks = np.nonzero(~np.isnan(table.values))
            return rows, tasks, table.values[rows, tasks]
        case NodeTable():
            owners = np.repeat(np.arange(len(table.ptr) - 1), np.diff(table.ptr))
            atoms, tasks = np.nonzero(~np.isnan(table.values))
            return owners[atoms], tasks, table.values[atoms, tasks]
    raise TypeError(f"no table of labels: {type(table).__name__}")
