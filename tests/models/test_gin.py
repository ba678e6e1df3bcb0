"""Tests of the GIN layer."""

from __future__ import annotations

import torch
from torch import nn
from torch_geometric.nn import GINConv

from molmix_bench.models.gin import GinConv


def test_equals_pyg_in_outputs_and_gradients():
    """With the same weights, outputs and all gradients are those of PyG's GINConv."""
    torch.manual_seed(0)
    x, edge_index = torch.randn(30, 6), torch.randint(30, (2, 80))
    mlp = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 6))
    ours, theirs = GinConv(mlp, eps=0.3), GINConv(mlp, eps=0.3, train_eps=True)
    results = []
    for layer in (ours, theirs):
        leaf = x.clone().requires_grad_()
        output = layer(leaf, edge_index)
        of_eps, *rest = torch.autograd.grad(output.square().sum(), [layer.eps, leaf, *mlp.parameters()])
        results.append((output, of_eps.reshape(()), *rest))
    for our, their in zip(*results, strict=True):
        torch.testing.assert_close(our, their)


def test_sums_by_hand():
    """A path of three atoms gives (1 + eps) x + sum of neighbours."""
    conv = GinConv(nn.Identity(), eps=0.5)
    x, edge_index = torch.tensor([[1.0], [2.0], [-4.0]]), torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    assert conv(x, edge_index).tolist() == [[3.5], [0.0], [-4.0]]
