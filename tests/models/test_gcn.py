"""Tests of the graph convolution."""

from __future__ import annotations

import torch
from torch_geometric.nn import GCNConv

from molmix_bench.models.gcn import GcnConv


def test_equals_pyg_in_outputs_and_gradients():
    """With the same weights, outputs and all gradients are those of PyG's GCNConv, for lone atoms too."""
    torch.manual_seed(0)
    x, edge_index = torch.randn(30, 6), torch.randint(29, (2, 80))
    # PyG replaces edges from an atom to itself, which molecules do not have.
    edge_index = edge_index[:, edge_index[0] != edge_index[1]]
    ours, theirs = GcnConv(6), GCNConv(6, 6)
    with torch.no_grad():
        theirs.lin.weight.copy_(ours.linear.weight)
        theirs.bias.copy_(ours.linear.bias)
    results = []
    for layer, weights in ((ours, [ours.linear.weight, ours.linear.bias]), (theirs, [theirs.lin.weight, theirs.bias])):
        leaf = x.clone().requires_grad_()
        output = layer(leaf, edge_index)
        results.append((output, *torch.autograd.grad(output.square().sum(), [leaf, *weights])))
    for our, their in zip(*results, strict=True):
        torch.testing.assert_close(our, their)


def test_no_edges_leave_the_atom_alone():
    """Without bonds, an atom is averaged with nothing but itself."""
    conv, x = GcnConv(2), torch.tensor([[1.0, -2.0]])
    torch.testing.assert_close(conv(x, torch.empty(2, 0, dtype=torch.long)), conv.linear(x))
