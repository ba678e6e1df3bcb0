"""Tests of the gated graph convolution."""

from __future__ import annotations

import torch

from molmix_bench.models.gated_gcn import EPSILON, GatedGcnConv


def _slow(conv, x, edges, edge_index):
    """Returns what the published equations give, one edge after the other."""
    own, to_target, to_edge, message = conv.of_nodes(x).chunk(4, dim=1)
    updated, nodes = [], []
    for position, (source, target) in enumerate(edge_index.T.tolist()):
        updated.append(to_target[target] + to_edge[source] + conv.of_edges(edges[position]))
    for node in range(len(x)):
        into = [position for position, target in enumerate(edge_index[1].tolist()) if target == node]
        total = sum((updated[position].sigmoid() for position in into), torch.zeros(x.shape[1])) + EPSILON
        weighted = sum((updated[p].sigmoid() * message[edge_index[0, p]] for p in into), torch.zeros(x.shape[1]))
        nodes.append(own[node] + weighted / total)
    return torch.stack(nodes), torch.stack(updated)


def test_equals_the_published_equations():
    """Atoms, bonds and all gradients are those of a loop over edges that follows Dwivedi et al., equations 16 to 18."""
    torch.manual_seed(0)
    x, edges, edge_index = torch.randn(9, 5), torch.randn(20, 5), torch.randint(8, (2, 20))
    conv, results = GatedGcnConv(5), []
    for call in (conv, lambda *arguments: _slow(conv, *arguments)):
        leaves = x.clone().requires_grad_(), edges.clone().requires_grad_()
        nodes, updated = call(*leaves, edge_index)
        loss = nodes.square().sum() + updated.square().sum()
        results.append((nodes, updated, *torch.autograd.grad(loss, [*leaves, *conv.parameters()])))
    for our, their in zip(*results, strict=True):
        torch.testing.assert_close(our, their, atol=1e-5, rtol=1e-4)


def test_an_atom_without_bonds_keeps_its_own_part():
    """Without edges, what remains is U x."""
    conv, x = GatedGcnConv(3), torch.randn(1, 3)
    nodes, edges = conv(x, torch.empty(0, 3), torch.empty(2, 0, dtype=torch.long))
    torch.testing.assert_close(nodes, conv.of_nodes(x)[:, :3])
    assert edges.shape == (0, 3)
