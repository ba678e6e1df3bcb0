"""Tests of the MPNN++ layer."""

from __future__ import annotations

import pytest
import torch

from molmix_bench.models.embeddings import Embeddings
from molmix_bench.models.mpnn import MpnnLayer
from molmix_bench.specs.model import MpnnSpec
from tests.models.small import make_batch

SPEC = MpnnSpec(width=6, edge_width=4, expansion=2)


def _slow(layer, state, batch):
    """Returns what the equations of the docstring give, each perceptron on one concatenation after the other."""
    spec, owner = layer.spec, batch.batch.tolist()
    edge_hidden = spec.expansion * spec.edge_width
    of_source, of_target, of_node = layer.of_nodes.weight.split([edge_hidden, edge_hidden, spec.expansion * spec.width])
    # The bias stands once in each sum.
    bias = layer.of_nodes.bias.split([edge_hidden, edge_hidden, spec.expansion * spec.width])
    edge_graph, node_graph = layer.of_graphs.weight.split([edge_hidden, spec.expansion * spec.width])
    edge_weight = torch.cat([of_source, of_target, layer.of_edges.weight, edge_graph], 1)
    node_weight = torch.cat([of_node, layer.of_sums.weight, node_graph], 1)
    x, e, g = state.nodes, state.edges, state.graphs
    ends = batch.edge_index.T.tolist()
    edges = torch.stack([torch.cat([x[u], x[v], e[i], g[owner[u]]]) for i, (u, v) in enumerate(ends)])
    edges = layer.edge_out(edges @ edge_weight.T + bias[0] + bias[1])
    nodes = []
    for node in range(len(x)):
        into = sum((edges[i] for i, (_, v) in enumerate(ends) if v == node), torch.zeros(spec.edge_width))
        out = sum((edges[i] for i, (u, _) in enumerate(ends) if u == node), torch.zeros(spec.edge_width))
        neighbours = sum((x[u] for u, v in ends if v == node), torch.zeros(spec.width))
        nodes.append(torch.cat([x[node], into, neighbours, out, g[owner[node]]]))
    nodes = layer.node_out(torch.stack(nodes) @ node_weight.T + bias[2])
    graphs = []
    for graph in range(batch.num_graphs):
        of_nodes = sum(nodes[i] for i in range(len(x)) if owner[i] == graph)
        of_edges = sum((edges[i] for i, (u, _) in enumerate(ends) if owner[u] == graph), torch.zeros(spec.edge_width))
        graphs.append(torch.cat([g[graph], of_nodes, of_edges]))
    graphs = layer.graph_out(layer.graph_in(torch.stack(graphs)))
    return x + layer.node_norm(nodes), e + layer.edge_norm(edges), g + layer.graph_norm(graphs)


def _state(batch):
    torch.manual_seed(0)
    shapes = ((batch.num_nodes, 6), (batch.num_edges, 4), (batch.num_graphs, 6))
    return Embeddings(*(torch.randn(shape) for shape in shapes))


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_equals_the_equations(norm):
    """Bonds, atoms and molecules are those of loops that follow the equations."""
    batch = make_batch()
    state = _state(batch)
    layer = MpnnLayer(SPEC.model_copy(update={"norm": norm}), last=False).eval()
    found = layer(state, batch)
    for ours, theirs in zip((found.nodes, found.edges, found.graphs), _slow(layer, state, batch), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_the_last_layer_gives_atoms_alone():
    """Nothing follows it that looks at bonds or molecules."""
    batch = make_batch()
    found = MpnnLayer(SPEC, last=True)(_state(batch), batch)
    assert found.nodes.shape == (batch.num_nodes, 6)
    assert found.edges is None
    assert found.graphs is None
