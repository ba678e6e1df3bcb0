"""A stack of message-passing layers: from a batch to embeddings of its atoms."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from molmix_bench.graphs.batch import Batch
from molmix_bench.graphs.featurize import ATOM_FEATURE_SIZES, BOND_FEATURE_SIZES
from molmix_bench.models.embeddings import Embeddings
from molmix_bench.models.encoders import AtomEncoder, CategoryTable
from molmix_bench.models.layers import make_layers
from molmix_bench.models.virtual_node import VirtualUpdate, tell_atoms
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.model import GatedGcnSpec, GraphNetworkSpec, MpnnSpec


class MessagePassing(nn.Module):
    """Encodes atoms, and bonds where layers keep embeddings of them, then applies layers.

    With virtual nodes, each layer's atoms are first told what theirs holds; between layers, these gather what the atoms
    hold. Layers that know molecules of themselves (MPNN++) share that embedding with them.
    """

    def __init__(self, spec: GraphNetworkSpec, *, features: FeatureSpec) -> None:
        super().__init__()
        self.encoder = AtomEncoder(ATOM_FEATURE_SIZES, spec.width, features=features, flip_signs=spec.flip_signs)
        self.edge_encoder: CategoryTable | None = None
        if isinstance(spec, (GatedGcnSpec, MpnnSpec)):
            edge_width = spec.edge_width if isinstance(spec, MpnnSpec) else spec.width
            self.edge_encoder = CategoryTable(BOND_FEATURE_SIZES, edge_width)
        self.layers = make_layers(spec)
        self.first_graph: nn.Parameter | None = None
        if spec.virtual_node or isinstance(spec, MpnnSpec):
            self.first_graph = nn.Parameter(torch.randn(spec.width) * spec.width**-0.5)
        self.virtual_node = spec.virtual_node
        self.virtual_updates = nn.ModuleList(
            _make_update(spec) for _ in range(spec.depth - 1 if spec.virtual_node else 0)
        )

    def forward(self, batch: Batch) -> Tensor:
        """Returns the atoms' embeddings, (num_nodes, width), in lower precision under autocast."""
        # One at a time: earlier layers' embeddings are not kept.
        return deque(self.each_layer(batch), maxlen=1).pop()

    def each_layer(self, batch: Batch) -> Iterator[Tensor]:
        """Yields the atoms' embeddings as first encoded, then after each layer, (num_nodes, width) each."""
        # By 32-bit indices, torch adds gradients up at half the speed.
        batch = replace(batch, atom_code=batch.atom_code.long(), bond_code=batch.bond_code.long()).group_edges()
        graphs = None if self.first_graph is None else self.first_graph.expand(batch.num_graphs, -1)
        state = Embeddings(self._lowered(self.encoder(batch)), self._edges(batch), graphs)
        yield state.nodes
        for position, layer in enumerate(self.layers):
            if self.virtual_node:
                state = tell_atoms(state, batch)
            state = layer(state, batch)
            yield state.nodes
            if position < len(self.virtual_updates):
                state = self.virtual_updates[position](state, batch)

    def _edges(self, batch: Batch) -> Tensor | None:
        """Returns the first embeddings of edges, made of each distinct bond once."""
        if self.edge_encoder is None:
            return None
        return self._lowered(self.edge_encoder(batch.bond_table)).index_select(0, batch.bond_code)

    @staticmethod
    def _lowered(x: Tensor) -> Tensor:
        # Autocast lowers only what is multiplied; sums of float32 and bfloat16 are slower than either alone.
        if torch.is_autocast_enabled(x.device.type):
            return x.to(torch.get_autocast_dtype(x.device.type))
        return x


def _make_update(spec: GraphNetworkSpec) -> VirtualUpdate:
    return VirtualUpdate(
        spec.width, activation=spec.activation, norm=spec.norm, dropout=spec.dropout, residual=spec.residual
    )
