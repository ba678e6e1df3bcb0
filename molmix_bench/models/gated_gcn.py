"""The gated graph convolution of Bresson and Laurent, "Residual Gated Graph ConvNets", 2017, with bonds as features.

The form with normalised gates is that of Dwivedi et al., "Benchmarking Graph Neural Networks", JMLR 2023, which GPS and
the paper of these datasets use.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from molmix_bench.models.linear import Linear

EPSILON = 1e-6
"""Keeps the sum of the gates away from 0."""


class GatedGcnConv(nn.Module):
    """Updates bonds from their two atoms, and atoms by an average of their neighbours gated by the updated bonds.

    e'_ji = A x_i + B x_j + C e_ji, for the edge from j to i;
    x'_i = U x_i + sum over j -> i of s(e'_ji) * V x_j / (sum over j -> i of s(e'_ji) + 1e-6), s the logistic function.

    Args:
        width: of the embeddings of atoms and of bonds.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.of_nodes = Linear(width, 4 * width)
        """U, A, B and V in one multiplication."""
        self.of_edges = Linear(width, width)

    def forward(self, x: Tensor, edges: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the updated atoms and bonds.

        Shapes:
            x: (num_nodes, width).
            edges: (num_edges, width).
            edge_index: (2, num_edges), source and target.
            returns: (num_nodes, width) and (num_edges, width).
        """
        source, target = edge_index
        own, to_target, from_source = self.of_nodes(x).split([self.width, self.width, 2 * self.width], dim=1)
        to_edge, message = from_source.index_select(0, source).chunk(2, dim=1)
        updated = to_target.index_select(0, target) + to_edge + self.of_edges(edges)
        gates = updated.sigmoid()
        sums = torch.zeros(len(x), 2 * self.width, dtype=gates.dtype, device=x.device)
        sums = sums.index_add(0, target, torch.cat([gates * message, gates], dim=1))
        weighted, total = sums.chunk(2, dim=1)
        return own + weighted / (total + EPSILON), updated
