"""Tests of the GINE layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric.nn import GINEConv

from molmix_bench.graphs.batch import EdgeGroups
from molmix_bench.graphs.groups import Groups
from molmix_bench.models.gine import GineConv


def _random_graph(num_nodes, num_edges, width):
    torch.manual_seed(0)
    edge_index = torch.randint(num_nodes, (2, num_edges))
    return torch.randn(num_nodes, width), edge_index, torch.randn(5, width), torch.randint(5, (num_edges,))


def test_equals_pyg_in_outputs_and_gradients():
    """With the same weights, outputs and all gradients are those of PyG's GINEConv."""
    x, edge_index, bonds, bond_code = _random_graph(30, 80, 6)
    mlp = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 6))
    ours, theirs = GineConv(mlp, eps=0.3), GINEConv(mlp, eps=0.3, train_eps=True)
    results = []
    for call in (
        lambda x, bonds: ours(x, edge_index, bonds, bond_code),
        lambda x, bonds: theirs(x, edge_index, bonds[bond_code]),
    ):
        leaves = x.clone().requires_grad_(), bonds.clone().requires_grad_()
        output = call(*leaves)
        results.append((output, *torch.autograd.grad(output.square().sum(), [*leaves, *mlp.parameters()])))
    for our, their in zip(*results, strict=True):
        torch.testing.assert_close(our, their)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_grouped_edges_change_nothing(dtype):
    """With edges in groups, outputs and all gradients are those without, up to rounding."""
    torch.manual_seed(0)
    pairs = torch.randint(30, (40, 2))
    edge_index = torch.stack([pairs.flatten(), pairs.flip(1).flatten()])
    bond_code = torch.randint(5, (40,)).repeat_interleave(2)
    target = Groups.of(edge_index[1], 30)
    groups = EdgeGroups(target.mirrored(edge_index[0]), target, Groups.of(bond_code, 5))
    conv = GineConv(nn.Identity(), eps=0.3)
    x, bonds = torch.randn(30, 8).to(dtype), torch.randn(5, 8)
    results = []
    for given in (groups, None):
        leaves = x.clone().requires_grad_(), bonds.clone().requires_grad_(), conv.eps
        output = conv(leaves[0], edge_index, leaves[1], bond_code, groups=given)
        weights = torch.linspace(-1, 1, output.numel()).reshape(output.shape)
        results.append((output, *torch.autograd.grad((output.float() * weights).sum(), leaves)))
    tolerance = {} if dtype is torch.float32 else {"rtol": 0.02, "atol": 0.1}
    for grouped, plain in zip(*results, strict=True):
        assert grouped.dtype is plain.dtype
        torch.testing.assert_close(grouped, plain, **tolerance)


def test_sums_by_hand():
    """A path of three atoms gives the sums one computes by hand: (1 + eps) x + sum of relu(neighbour + bond)."""
    conv = GineConv(nn.Identity(), eps=0.5)
    x = torch.tensor([[1.0], [2.0], [-4.0]])
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    bonds = torch.tensor([[0.0], [1.0]])
    output = conv(x, edge_index, bonds, torch.tensor([0, 0, 1, 1]))
    # Atom 0: 1.5 + relu(2 + 0); atom 1: 3 + relu(1 + 0) + relu(-4 + 1); atom 2: -6 + relu(2 + 1).
    assert output.tolist() == [[3.5], [4.0], [-3.0]]


def test_no_edges_leave_the_atom_alone():
    """Without bonds there are no messages: what remains is (1 + eps) x."""
    conv = GineConv(nn.Identity())
    x = torch.tensor([[1.0, -2.0]])
    nothing = torch.empty(0, dtype=torch.long)
    assert conv(x, nothing.reshape(2, 0), torch.empty(0, 2), nothing).tolist() == [[1.0, -2.0]]
