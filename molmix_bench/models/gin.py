"""The GIN layer of Xu et al., "How Powerful are Graph Neural Networks?", 2019."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GinConv(nn.Module):
    """Sums each atom with its neighbours and passes the sum through a perceptron.

    x'_i = mlp((1 + eps) x_i + sum over j -> i of x_j), as PyG's `GINConv`.

    Args:
        mlp: from (num_nodes, width) to (num_nodes, width).
        eps: the initial weight of the atom's own embedding beyond 1; learned.
    """

    def __init__(self, mlp: nn.Module, *, eps: float = 0.0) -> None:
        super().__init__()
        self.mlp = mlp
        self.eps = nn.Parameter(torch.tensor(eps))

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Returns the updated atoms.

        Shapes:
            x: (num_nodes, width).
            edge_index: (2, num_edges), source and target.
            returns: (num_nodes, width).
        """
        source, target = edge_index
        total = ((1 + self.eps) * x).to(x.dtype).index_add(0, target, x.index_select(0, source))
        mixed: Tensor = self.mlp(total)
        return mixed
