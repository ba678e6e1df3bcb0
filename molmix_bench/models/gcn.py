"""The graph convolution of Kipf and Welling, "Semi-Supervised Classification with GCNs", ICLR 2017."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from molmix_bench.models.linear import Linear


class GcnConv(nn.Module):
    """Averages each atom with its neighbours, each weighted by how many neighbours both have.

    x'_i = b + sum over j -> i and i itself of W x_j / sqrt(d_j d_i), where d counts edges into an atom and 1 for the
    atom itself, as PyG's `GCNConv`.

    Args:
        width: of the atoms' embeddings.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = Linear(width, width)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Returns the updated atoms.

        Shapes:
            x: (num_nodes, width).
            edge_index: (2, num_edges), source and target.
            returns: (num_nodes, width).
        """
        source, target = edge_index
        degree = torch.ones(len(x), dtype=torch.float32, device=x.device)
        degree = degree.index_add(0, target, torch.ones_like(target, dtype=torch.float32))
        scale = degree.rsqrt().to(x.dtype)[:, None]
        # Averaging before the multiplication lets the layer's bias stay outside the average.
        scaled = x * scale
        mixed: Tensor = self.linear(scaled.index_add(0, target, scaled.index_select(0, source)) * scale)
        return mixed
