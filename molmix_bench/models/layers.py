"""The layers of a stack: each takes and gives `Embeddings`, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from torch import Tensor, nn

from molmix_bench.graphs.batch import Batch
from molmix_bench.graphs.featurize import BOND_FEATURE_SIZES
from molmix_bench.models.blocks import ACTIVATIONS, make_mlp, make_norm
from molmix_bench.models.embeddings import Embeddings
from molmix_bench.models.encoders import CategoryTable
from molmix_bench.models.gated_gcn import GatedGcnConv
from molmix_bench.models.gcn import GcnConv
from molmix_bench.models.gin import GinConv
from molmix_bench.models.gine import GineConv
from molmix_bench.models.gps import GpsConv
from molmix_bench.models.mpnn import MpnnLayer
from molmix_bench.specs.model import GatedGcnSpec, GcnSpec, GineSpec, GinSpec, GpsSpec, GraphNetworkSpec, MpnnSpec


class PlainLayer(nn.Module):
    """x <- x + dropout(activation(norm(conv(x)))), for layers that do not see the kinds of bonds."""

    def __init__(self, spec: GraphNetworkSpec, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv
        self.after = _After(spec)

    def forward(self, state: Embeddings, batch: Batch) -> Embeddings:
        """Returns the atoms updated."""
        update = self.conv(state.nodes, batch.edge_index)
        return Embeddings(self.after(state.nodes, update), state.edges, state.graphs)


class BondLayer(nn.Module):
    """x <- x + dropout(activation(norm(conv(x, bonds)))), for layers that see the kinds of bonds."""

    def __init__(self, spec: GraphNetworkSpec, conv: nn.Module, bonds: CategoryTable) -> None:
        super().__init__()
        self.bonds = bonds
        self.conv = conv
        self.after = _After(spec)

    def forward(self, state: Embeddings, batch: Batch) -> Embeddings:
        """Returns the atoms updated."""
        bonds = self.bonds(batch.bond_table)
        update = self.conv(state.nodes, batch.edge_index, bonds, batch.bond_code, groups=batch.edge_groups)
        return Embeddings(self.after(state.nodes, update), state.edges, state.graphs)


class GatedLayer(nn.Module):
    """As `PlainLayer`, for atoms and for bonds."""

    def __init__(self, spec: GatedGcnSpec, *, last: bool) -> None:
        super().__init__()
        self.conv = GatedGcnConv(spec.width)
        self.after = _After(spec)
        # After the last layer, nobody looks at bonds.
        self.after_edges = None if last else _After(spec)

    def forward(self, state: Embeddings, batch: Batch) -> Embeddings:
        """Returns atoms and bonds updated; of the last layer atoms alone."""
        nodes, edges = self.conv(state.nodes, state.edges, batch.edge_index)
        kept = None if self.after_edges is None else self.after_edges(state.edges, edges)
        return Embeddings(self.after(state.nodes, nodes), kept, state.graphs)


class GpsLayer(nn.Module):
    """A GPS layer, whose norms and residuals are its own."""

    def __init__(self, spec: GpsSpec, bonds: CategoryTable) -> None:
        super().__init__()
        self.bonds = bonds
        self.conv = GpsConv(spec, GineConv(_perceptron(spec)))

    def forward(self, state: Embeddings, batch: Batch) -> Embeddings:
        """Returns the atoms updated."""
        return Embeddings(self.conv(state.nodes, batch, self.bonds(batch.bond_table)), state.edges, state.graphs)


class _After(nn.Module):
    """What follows a convolution: norm, activation, dropout, and the input added."""

    def __init__(self, spec: GraphNetworkSpec) -> None:
        super().__init__()
        self.norm = make_norm(spec.norm, spec.width)
        self.activation = ACTIVATIONS[spec.activation]()
        self.dropout = spec.dropout
        self.residual = spec.residual

    def forward(self, before: Tensor, update: Tensor) -> Tensor:
        update = F.dropout(self.activation(self.norm(update)), self.dropout, training=self.training)
        return before + update if self.residual else update


def make_layers(spec: GraphNetworkSpec) -> nn.ModuleList:
    """Returns the layers of a stack, with fresh weights."""
    last = spec.depth - 1
    match spec:
        case GcnSpec():
            return _repeat(spec, lambda _: PlainLayer(spec, GcnConv(spec.width)))
        case GinSpec():
            return _repeat(spec, lambda _: PlainLayer(spec, GinConv(_perceptron(spec))))
        case GatedGcnSpec():
            return _repeat(spec, lambda position: GatedLayer(spec, last=position == last))
        case MpnnSpec():
            return _repeat(spec, lambda position: MpnnLayer(spec, last=position == last))
        case GineSpec():
            tables = _bond_tables(spec)
            return _repeat(spec, lambda i: BondLayer(spec, GineConv(_perceptron(spec)), tables[i]))
        case GpsSpec():
            tables = _bond_tables(spec)
            return _repeat(spec, lambda position: GpsLayer(spec, tables[position]))


def _repeat(spec: GraphNetworkSpec, make: Callable[[int], nn.Module]) -> nn.ModuleList:
    return nn.ModuleList(make(position) for position in range(spec.depth))


def _bond_tables(spec: GineSpec | GpsSpec) -> list[CategoryTable]:
    """Returns the encoder of bonds of each layer: one of its own, or the same for all."""
    if spec.shared_bonds:
        return [CategoryTable(BOND_FEATURE_SIZES, spec.width)] * spec.depth
    return [CategoryTable(BOND_FEATURE_SIZES, spec.width) for _ in range(spec.depth)]


def _perceptron(spec: GinSpec | GineSpec | GpsSpec) -> nn.Sequential:
    widths = [spec.width, spec.expansion * spec.width, spec.width]
    return make_mlp(widths, activation=spec.activation, norm=spec.norm)
