"""Which rows have the same index, so that they can be added up without writing to one place from many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from molmix_bench.graphs.compiled import compiled


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows in groups by their index.

    Shapes:
        index: (n,) integers, each below the number of groups.
        order: (n,) int64, the rows of the first group, then of the second, and so on; increasing in each.
        ptr: (num_groups + 1,) int64, where each group begins in `order`, and n.
    """

    index: Tensor
    order: Tensor
    ptr: Tensor

    @classmethod
    def of(cls, index: Tensor, num_groups: int) -> Self:
        """Returns the groups of an index on the CPU.

        >>> groups = Groups.of(torch.tensor([2, 0, 2]), 3)
        >>> groups.order.tolist(), groups.ptr.tolist()
        ([1, 0, 2], [0, 1, 1, 3])
        """
        order, ptr = np.empty(len(index), np.int64), np.zeros(num_groups + 1, np.int64)
        _group(index.numpy(), order, ptr)
        return cls(index, torch.from_numpy(order), torch.from_numpy(ptr))

    def mirrored(self, index: Tensor) -> Groups:
        """Returns the groups of another index that has at each row what this one has at the row's neighbour.

        Neighbours are rows 0 and 1, 2 and 3, and so on: the two directions of a bond.
        """
        return Groups(index, self.order ^ 1, self.ptr)

    def add_up(self, rows: Tensor) -> Tensor:
        """Returns the sum of the rows of each group, (num_groups, width); without a gradient.

        Shapes:
            rows: (n, width).
        """
        # Sums bags of embeddings, here of rows: in registers, in float32, and several bags at a time.
        return torch.embedding_bag(rows, self.order, self.ptr, mode=0, include_last_offset=True)[0]


@compiled
def _group(index: Any, order: Any, ptr: Any) -> None:
    num_groups = len(ptr) - 1
    for group in index:
        if group < 0 or group >= num_groups:
            raise IndexError("no such group")
        ptr[group + 1] += 1
    for group in range(num_groups):
        ptr[group + 1] += ptr[group]
    places = ptr[:-1].copy()
    for row, group in enumerate(index):
        order[places[group]] = row
        places[group] += 1
