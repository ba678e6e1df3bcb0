"""The GPS layer of Rampášek et al., "Recipe for a General, Powerful, Scalable Graph Transformer", 2022."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from torch import Tensor, nn

from molmix_bench.graphs.batch import Batch
from molmix_bench.models.attention import GraphAttention
from molmix_bench.models.blocks import ACTIVATIONS, make_norm
from molmix_bench.models.linear import Linear
from molmix_bench.specs.model import GpsSpec


class GpsConv(nn.Module):
    """Adds what a message-passing layer and what attention among all atoms give, then a perceptron; as PyG's `GPSConv`.

    l = norm(x + dropout(local(x))); a = norm(x + dropout(attention(x))); h = l + a; x' = norm(h + dropout(mlp(h))).
    Without residuals, x and h are not added.

    Args:
        spec: widths, norm, activation, dropout.
        local: from atoms, `edge_index`, bonds and codes of bonds to atoms, as `GineConv`.
    """

    def __init__(self, spec: GpsSpec, local: nn.Module) -> None:
        super().__init__()
        self.local = local
        self.attention = GraphAttention(spec.width, spec.num_heads, dropout=spec.attention_dropout)
        self.mlp = nn.Sequential(
            Linear(spec.width, 2 * spec.width),
            ACTIVATIONS[spec.activation](),
            nn.Dropout(spec.dropout),
            Linear(2 * spec.width, spec.width),
        )
        self.norms = nn.ModuleList(make_norm(spec.norm, spec.width) for _ in range(3))
        self.dropout = spec.dropout
        self.residual = spec.residual

    def forward(self, x: Tensor, batch: Batch, bonds: Tensor) -> Tensor:
        """Returns the updated atoms.

        Shapes:
            x: (num_nodes, width), the atoms of each molecule one after the other.
            bonds: (num_distinct_bonds, width).
            returns: (num_nodes, width).
        """
        of_local, of_attention, of_mlp = self.norms
        received = self.local(x, batch.edge_index, bonds, batch.bond_code, groups=batch.edge_groups)
        local = of_local(self._added(x, received))
        both = local + of_attention(self._added(x, self.attention(x, batch)))
        mixed: Tensor = of_mlp(self._added(both, self.mlp(both)))
        return mixed

    def _added(self, before: Tensor, update: Tensor) -> Tensor:
        update = F.dropout(update, self.dropout, training=self.training)
        return before + update.to(before.dtype) if self.residual else update
