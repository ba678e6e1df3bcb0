"""The GINE layer: an isomorphism network that also sees bonds (Hu et al., "Strategies for Pre-training GNNs", 2020)."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from torch import Tensor, nn


class GineConv(nn.Module):
    """Sums each atom with its neighbours' messages and passes the sum through a perceptron.

    x'_i = mlp((1 + eps) x_i + sum over j -> i of relu(x_j + e_ji)), as PyG's `GINEConv`. Bonds come as rows of a table
    of distinct bonds, so that only these are embedded.

    Args:
        mlp: from (num_nodes, width) to (num_nodes, width).
        eps: the initial weight of the atom's own embedding beyond 1; learned.
    """

    def __init__(self, mlp: nn.Module, *, eps: float = 0.0) -> None:
        super().__init__()
        self.mlp = mlp
        self.eps = nn.Parameter(torch.tensor(eps))

    def forward(self, x: Tensor, edge_index: Tensor, bonds: Tensor, bond_code: Tensor) -> Tensor:
        """Returns the updated atoms.

        Shapes:
            x: (num_nodes, width).
            edge_index: (2, num_edges), source and target.
            bonds: (num_distinct_bonds, width).
            bond_code: (num_edges,), rows of `bonds`.
            returns: (num_nodes, width).
        """
        source, target = edge_index
        messages = F.relu(x.index_select(0, source) + bonds.to(x.dtype).index_select(0, bond_code))
        total = ((1 + self.eps) * x).to(messages.dtype).index_add(0, target, messages)
        mixed: Tensor = self.mlp(total)
        return mixed
