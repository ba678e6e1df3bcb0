"""The labels of one dataset in one split, as a store holds them, in the three forms that a dataset can have.

Every form has `row`, with which a loader finds the labels of any molecule of the split in one step and without a table
in memory; what it finds differs. `gather` returns the labels of some molecules, in two passes in machine code: how many
there are, then the labels themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray

from molmix_bench.graphs.batch_labels import DenseLabels, Labels, NodeLabels, SparseLabels
from molmix_bench.graphs.compiled import compiled
from molmix_bench.graphs.prefetch import AHEAD, prefetch, prefetch_rows, prefetch_slice

ABSENT = -1
"""In `row` arrays: the molecule has no label in the dataset."""

Array = NDArray[Any]


class LabelTable(Protocol):
    """Labels of any form.

    Shapes:
        row: (molecules of the split,) int32, the row of the table that each has, or `ABSENT`.
    """

    @property
    def row(self) -> NDArray[np.int32]:
        """Which row of the table each molecule of the split has."""

    def gather(self, positions: NDArray[np.int64], node_ptr: NDArray[np.int64]) -> Labels:
        """Returns the labels of some molecules, which become the graphs of a batch.

        Shapes:
            positions: (num_graphs,), places in `row`.
            node_ptr: (num_graphs + 1,), the first node of each graph in the batch.
        """

    def only(self, positions: NDArray[np.int64]) -> Self:
        """Returns the table for a split of the molecules at some places, (n,), alone; labels are not copied."""


@dataclass(frozen=True, slots=True)
class DenseTable:
    """Labels of molecules, few tasks.

    Shapes:
        row: as in `LabelTable`.
        values: (n, num_tasks) float32 or float64; NaN is a missing label.
    """

    row: NDArray[np.int32]
    values: NDArray[np.floating]

    def gather(self, positions: NDArray[np.int64], node_ptr: NDArray[np.int64]) -> DenseLabels:  # noqa: ARG002  # see LabelTable
        """Returns the labels of some molecules; see `LabelTable`."""
        graphs, found = _find(self.row, positions)
        values = np.empty((len(found), self.values.shape[1]), self.values.dtype)
        _gather_dense(self.values, found, values)
        return DenseLabels(rows=torch.from_numpy(graphs), values=torch.from_numpy(values))

    def only(self, positions: NDArray[np.int64]) -> Self:
        """Returns the table for some molecules alone; see `LabelTable`."""
        return replace(self, row=self.row[positions])


@dataclass(frozen=True, slots=True)
class SparseTable:
    """Labels of molecules, very many tasks: only those that are there.

    Shapes:
        row: as in `LabelTable`.
        ptr: (n + 1,) int64, the first label of each row, and the number of labels.
        tasks: (num_labels,) int16, increasing within a row.
        values: (num_labels,) int8, float32 or float64, as in the mix.
    """

    row: NDArray[np.int32]
    ptr: NDArray[np.int64]
    tasks: NDArray[np.int16]
    values: NDArray[np.generic]

    def gather(self, positions: NDArray[np.int64], node_ptr: NDArray[np.int64]) -> SparseLabels:  # noqa: ARG002  # see LabelTable
        """Returns the labels of some molecules; see `LabelTable`."""
        graphs, found = _find(self.row, positions)
        num_labels = _count(self.ptr, found)
        owners, tasks = np.empty((2, num_labels), np.int32)
        values = np.empty(num_labels, self.values.dtype)
        _gather_sparse(self.ptr, self.tasks, self.values, found, (owners, tasks, values))
        return SparseLabels(*map(torch.from_numpy, (graphs, owners, tasks, values)))

    def only(self, positions: NDArray[np.int64]) -> Self:
        """Returns the table for some molecules alone; see `LabelTable`."""
        return replace(self, row=self.row[positions])


@dataclass(frozen=True, slots=True)
class NodeTable:
    """Labels of atoms.

    Shapes:
        row: as in `LabelTable`.
        ptr: (n + 1,) int64, the first labelled atom of each row, and the number of labelled atoms.
        atoms: (num_labelled,) uint16, counted along the stored SMILES, increasing within a row.
        values: (num_labelled, num_tasks) float32 or float64; NaN is a missing label.
    """

    row: NDArray[np.int32]
    ptr: NDArray[np.int64]
    atoms: NDArray[np.uint16]
    values: NDArray[np.floating]

    def gather(self, positions: NDArray[np.int64], node_ptr: NDArray[np.int64]) -> NodeLabels:
        """Returns the labels of some molecules; see `LabelTable`."""
        graphs, found = _find(self.row, positions)
        num_labelled = _count(self.ptr, found)
        nodes = np.empty(num_labelled, np.int64)
        values = np.empty((num_labelled, self.values.shape[1]), self.values.dtype)
        _gather_node((self.ptr, self.atoms, self.values), found, node_ptr[graphs], (nodes, values))
        return NodeLabels(*map(torch.from_numpy, (graphs, nodes, values)))

    def only(self, positions: NDArray[np.int64]) -> Self:
        """Returns the table for some molecules alone; see `LabelTable`."""
        return replace(self, row=self.row[positions])


TABLES: dict[str, type[DenseTable | SparseTable | NodeTable]] = {
    "dense": DenseTable,
    "sparse": SparseTable,
    "node": NodeTable,
}
"""The table of each form; its fields are the names of the arrays that a store has of it."""


def _find(row: NDArray[np.int32], positions: NDArray[np.int64]) -> tuple[Array, Array]:
    """Returns which of the molecules have labels, and in which rows of the table."""
    graphs, found = np.empty(len(positions), np.int64), np.empty(len(positions), np.int64)
    count = _find_into(row, positions, graphs, found)
    return graphs[:count], found[:count]


@compiled
def _find_into(row: Array, positions: Array, graphs: Array, found: Array) -> int:
    last = len(positions) - 1
    count = 0
    for graph, position in enumerate(positions):
        prefetch(row, positions[min(graph + AHEAD, last)])
        if row[position] != ABSENT:
            graphs[count] = graph
            found[count] = row[position]
            count += 1
    return count


@compiled
def _count(ptr: Array, rows: Array) -> int:
    count = 0
    for row in rows:
        count += ptr[row + 1] - ptr[row]
    return count


@compiled
def _gather_dense(source: Array, rows: Array, out: Array) -> None:
    numbers, width = source.reshape(-1), source.shape[1]
    for index, row in enumerate(rows):
        ahead = width * rows[min(index + AHEAD, len(rows) - 1)]
        prefetch_slice(numbers, ahead, ahead + width)
        for task in range(width):  # assigning rows takes six times as long
            out[index, task] = source[row, task]


@compiled
def _gather_sparse(
    ptr: Array, source_tasks: Array, source_values: Array, rows: Array, out: tuple[Array, Array, Array]
) -> None:
    owners, tasks, values = out
    begin = 0
    for owner, row in enumerate(rows):
        prefetch_rows(ptr, source_tasks, 1, rows, owner)
        prefetch_rows(ptr, source_values, 1, rows, owner)
        own_tasks, own_values = source_tasks[ptr[row] : ptr[row + 1]], source_values[ptr[row] : ptr[row + 1]]
        end = begin + len(own_tasks)
        owners[begin:end] = owner
        copied_tasks, copied_values = tasks[begin:end], values[begin:end]
        for index in range(len(own_tasks)):
            copied_tasks[index] = own_tasks[index]
            copied_values[index] = own_values[index]
        begin = end


@compiled
def _gather_node(table: tuple[Array, Array, Array], rows: Array, first_nodes: Array, out: tuple[Array, Array]) -> None:
    ptr, atoms, source_values = table
    nodes, values = out
    numbers = source_values.reshape(-1)
    entry = 0
    for index, row in enumerate(rows):
        prefetch_rows(ptr, atoms, 1, rows, index)
        prefetch_rows(ptr, numbers, source_values.shape[1], rows, index)
        for source in range(ptr[row], ptr[row + 1]):
            nodes[entry] = first_nodes[index] + atoms[source]
            for task in range(source_values.shape[1]):
                values[entry, task] = source_values[source, task]
            entry += 1
