"""From the embeddings of a molecule's atoms to one of the molecule."""

from __future__ import annotations

from typing import assert_never

import torch
from torch import Tensor

from molmix_bench.specs.model import Pooling


def pool(x: Tensor, batch: Tensor, *, num_graphs: int, pooling: Pooling) -> Tensor:
    """Returns one embedding per graph; a graph without nodes gets zeros.

    Shapes:
        x: (num_nodes, width).
        batch: (num_nodes,) int64, the graph of each node.
        returns: (num_graphs, width) float32, since sums over hundreds of atoms lose too much in bfloat16.

    >>> x, batch = torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 1])
    >>> [pool(x, batch, num_graphs=2, pooling=kind).flatten().tolist() for kind in ("sum", "mean", "max")]
    [[4.0, 5.0], [2.0, 5.0], [3.0, 5.0]]
    """
    x = x.float()
    zeros = x.new_zeros(num_graphs, x.shape[1])
    match pooling:
        case "sum":
            return zeros.index_add(0, batch, x)
        case "mean":
            sizes = x.new_zeros(num_graphs).index_add(0, batch, torch.ones_like(batch, dtype=x.dtype))
            return zeros.index_add(0, batch, x) / sizes.clamp(min=1)[:, None]
        case "max":
            index = batch[:, None].expand(-1, x.shape[1])
            return zeros.scatter_reduce(0, index, x, reduce="amax", include_self=False)
        case _:
            assert_never(pooling)
