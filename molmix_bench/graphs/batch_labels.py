"""The labels of one dataset in a batch, in the three forms that a dataset can have.

In each, `rows` are the molecules of the batch that have any label in the dataset: those that its head looks at. Values
are as the mix has them: floats for regression, and classes as numbers, 0 and 1 where there are two. Missing labels are
NaN where there is a place for them, so classes are floats in dense tables and tables of atoms, and int8 in sparse ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class DenseLabels:
    """Labels of molecules, few tasks: a row for each molecule that has any.

    Shapes:
        rows: (n,) int64, indices of graphs in the batch, increasing.
        values: (n, num_tasks) float32 or float64; NaN is a missing label.
    """

    rows: Tensor
    values: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Returns these labels with `function` applied to every tensor."""
        return replace(self, rows=function(self.rows), values=function(self.values))

    def spread(self, num_graphs: int) -> Tensor:
        """Returns a row for each graph of the batch, (num_graphs, num_tasks), all NaN where it has no label.

        >>> DenseLabels(torch.tensor([1]), torch.tensor([[5.0]])).spread(2).tolist()
        [[nan], [5.0]]
        """
        return _spread(self.values, self.rows, num_graphs)


@dataclass(frozen=True, slots=True)
class SparseLabels:
    """Labels of molecules, very many tasks: one entry for each label that is there.

    Of a head's outputs for `rows`, (n, num_tasks), `outputs[owners, tasks]` are those that `values` are labels for.

    Shapes:
        rows: (n,) int64, indices of graphs in the batch, increasing.
        owners: (num_labels,) int32, the place in `rows` of the molecule that the label belongs to; not decreasing.
        tasks: (num_labels,) int32, increasing within a molecule.
        values: (num_labels,) int8 for classes, else float32 or float64; none is NaN.
    """

    rows: Tensor
    owners: Tensor
    tasks: Tensor
    values: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Returns these labels with `function` applied to every tensor."""
        return replace(
            self,
            rows=function(self.rows),
            owners=function(self.owners),
            tasks=function(self.tasks),
            values=function(self.values),
        )

    def ptr(self, num_graphs: int) -> Tensor:
        """Returns where the labels of each graph of the batch begin, and their number, (num_graphs + 1,) int64.

        >>> rows, owners = torch.tensor([1, 3]), torch.tensor([0, 0, 1])
        >>> SparseLabels(rows, owners, torch.tensor([5, 9, 5]), torch.zeros(3)).ptr(4).tolist()
        [0, 0, 2, 2, 3]
        """
        ptr = self.rows.new_zeros(num_graphs + 1)
        ptr[1:] = torch.bincount(self.rows[self.owners], minlength=num_graphs).cumsum(0)
        return ptr


@dataclass(frozen=True, slots=True)
class NodeLabels:
    """Labels of atoms: a row for each atom that has any.

    Predictions are made for all atoms of `rows`, those without a label too; `Batch.nodes_of(rows)` says which they are.

    Shapes:
        rows: (n,) int64, indices of graphs in the batch, increasing; atoms of theirs have labels, not always all.
        nodes: (m,) int64, indices of nodes in the batch, increasing.
        values: (m, num_tasks) float32 or float64; NaN is a missing label.
    """

    rows: Tensor
    nodes: Tensor
    values: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Returns these labels with `function` applied to every tensor."""
        return replace(self, rows=function(self.rows), nodes=function(self.nodes), values=function(self.values))

    def spread(self, num_nodes: int) -> Tensor:
        """Returns a row for each node of the batch, (num_nodes, num_tasks), all NaN where it has no label."""
        return _spread(self.values, self.nodes, num_nodes)


Labels = DenseLabels | SparseLabels | NodeLabels
"""What a dataset's labels can be in a batch."""


def _spread(values: Tensor, index: Tensor, size: int) -> Tensor:
    return values.new_full((size, values.shape[1]), torch.nan).index_copy(0, index, values)
