"""A stack of message-passing layers: from a batch to embeddings of its atoms."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from torch import Tensor, nn

from molmix_bench.graphs.batch import Batch
from molmix_bench.graphs.featurize import ATOM_FEATURE_SIZES, BOND_FEATURE_SIZES
from molmix_bench.models.blocks import ACTIVATIONS, make_mlp, make_norm
from molmix_bench.models.encoders import AtomEncoder, CategoryTable
from molmix_bench.models.gine import GineConv
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.run import GineSpec


class MessagePassing(nn.Module):
    """Encodes atoms, then applies layers: x <- x + dropout(activation(norm(conv(x, bonds)))).

    Each layer embeds the distinct bonds anew, with weights of its own.
    """

    def __init__(self, spec: GineSpec, *, features: FeatureSpec) -> None:
        super().__init__()
        self.encoder = AtomEncoder(ATOM_FEATURE_SIZES, spec.width, features=features, flip_signs=spec.flip_signs)
        self.bonds = nn.ModuleList(CategoryTable(BOND_FEATURE_SIZES, spec.width) for _ in range(spec.depth))
        self.convs = nn.ModuleList(_make_conv(spec) for _ in range(spec.depth))
        self.norms = nn.ModuleList(make_norm(spec.norm, spec.width) for _ in range(spec.depth))
        self.activation = ACTIVATIONS[spec.activation]()
        self.dropout = spec.dropout
        self.residual = spec.residual

    def forward(self, batch: Batch) -> Tensor:
        """Returns the atoms' embeddings, (num_nodes, width), in lower precision under autocast."""
        x: Tensor = self.encoder(batch)
        if torch.is_autocast_enabled(x.device.type):
            # Autocast lowers only what is multiplied; sums of float32 and bfloat16 are slower than either alone.
            x = x.to(torch.get_autocast_dtype(x.device.type))
        for bonds, conv, norm in zip(self.bonds, self.convs, self.norms, strict=True):
            update = conv(x, batch.edge_index, bonds(batch.bond_table), batch.bond_code)
            update = F.dropout(self.activation(norm(update)), self.dropout, training=self.training)
            x = x + update if self.residual else update
        return x


def _make_conv(spec: GineSpec) -> GineConv:
    widths = [spec.width, spec.expansion * spec.width, spec.width]
    return GineConv(make_mlp(widths, activation=spec.activation, norm=spec.norm))
