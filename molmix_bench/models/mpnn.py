"""The MPNN++ layer: the local part of GPS++ (Masters et al., "GPS++", TMLR 2023), without its global attention."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from torch import Tensor, nn

from molmix_bench.graphs.batch import Batch
from molmix_bench.models.blocks import ACTIVATIONS, make_norm
from molmix_bench.models.embeddings import Embeddings
from molmix_bench.models.linear import Linear
from molmix_bench.specs.model import MpnnSpec


class MpnnLayer(nn.Module):
    """Updates bonds, then atoms, then molecules, each from what it touches.

    For the edge u -> v of a molecule g, and the atom i:
    e' = mlp([x_u, x_v, e_uv, g]);
    x' = mlp([x_i, sum of e' into i, sum of e' out of i, sum of x_u over u -> i, g]);
    g' = mlp([g, sum of x', sum of e']).
    Each, normalised and dropped out at random, is added to what it was.

    What stands in the first linear layer of each perceptron for atoms or molecules is multiplied once for each of them,
    not once for each edge: the layer of a concatenation is the sum of one layer for each part.

    Args:
        spec: widths, norm, activation, dropout.
        last: whether no layer follows, so that bonds and molecules are of no more use.
    """

    def __init__(self, spec: MpnnSpec, *, last: bool) -> None:
        super().__init__()
        width, edge_width = spec.width, spec.edge_width
        self.edge_hidden, self.node_hidden = spec.expansion * edge_width, spec.expansion * width
        self.spec = spec
        # From atoms: to edges as source, to edges as target, to themselves.
        self.of_nodes = Linear(width, 2 * self.edge_hidden + self.node_hidden)
        self.of_graphs = Linear(width, self.edge_hidden + self.node_hidden, bias=False)
        self.of_edges = Linear(edge_width, self.edge_hidden, bias=False)
        self.edge_out = _Rest(spec, self.edge_hidden, edge_width)
        self.of_sums = Linear(2 * edge_width + width, self.node_hidden, bias=False)
        self.node_out = _Rest(spec, self.node_hidden, width)
        self.node_norm = make_norm(spec.norm, width)
        self.last = last
        if not last:
            self.edge_norm = make_norm(spec.norm, edge_width)
            self.graph_in = Linear(2 * width + edge_width, self.node_hidden)
            self.graph_out = _Rest(spec, self.node_hidden, width)
            self.graph_norm = make_norm(spec.norm, width)

    def forward(self, state: Embeddings, batch: Batch) -> Embeddings:
        """Returns atoms, bonds and molecules updated; of the last layer atoms alone."""
        x, edges, graphs = state.nodes, state.edges, state.graphs
        if edges is None or graphs is None:
            raise TypeError("there are no bonds or no molecules to update")
        source, target = batch.edge_index
        as_source, as_target, itself = self.of_nodes(x).split([self.edge_hidden, self.edge_hidden, self.node_hidden], 1)
        to_edges, to_nodes = self.of_graphs(graphs).split([self.edge_hidden, self.node_hidden], 1)
        # What a molecule tells its edges comes to each by way of the edge's source.
        as_source = as_source + to_edges.index_select(0, batch.batch)
        hidden = as_source.index_select(0, source) + as_target.index_select(0, target) + self.of_edges(edges)
        new_edges = self.edge_out(hidden)
        gathered = _sums(torch.cat([new_edges, x.to(new_edges.dtype).index_select(0, source)], 1), target, len(x))
        sent = _sums(new_edges, source, len(x))
        hidden = itself + self.of_sums(torch.cat([gathered, sent], 1)) + to_nodes.index_select(0, batch.batch)
        new_nodes = self.node_out(hidden)
        nodes = self._added(x, self.node_norm(new_nodes))
        if self.last:
            return Embeddings(nodes)
        # In float32, as sums over hundreds of atoms lose too much in bfloat16.
        of_nodes = _sums(new_nodes.float(), batch.batch, batch.num_graphs)
        of_edges = _sums(new_edges.float(), batch.batch.index_select(0, source), batch.num_graphs)
        new_graphs = self.graph_out(self.graph_in(torch.cat([graphs, of_nodes, of_edges], 1)))
        return Embeddings(
            nodes,
            self._added(edges, self.edge_norm(new_edges)),
            self._added(graphs, self.graph_norm(new_graphs)),
        )

    def _added(self, before: Tensor, update: Tensor) -> Tensor:
        update = F.dropout(update.to(before.dtype), self.spec.dropout, training=self.training)
        return before + update if self.spec.residual else update


class _Rest(nn.Module):
    """What follows the first linear layer of a perceptron."""

    def __init__(self, spec: MpnnSpec, hidden: int, width: int) -> None:
        super().__init__()
        self.norm = make_norm(spec.norm, hidden)
        self.activation = ACTIVATIONS[spec.activation]()
        self.linear = Linear(hidden, width)

    def forward(self, hidden: Tensor) -> Tensor:
        """Returns (n, width)."""
        result: Tensor = self.linear(self.activation(self.norm(hidden)))
        return result


def _sums(rows: Tensor, index: Tensor, size: int) -> Tensor:
    """Returns the sum of the rows that have each index, (size, width)."""
    return rows.new_zeros(size, rows.shape[1]).index_add(0, index, rows)
