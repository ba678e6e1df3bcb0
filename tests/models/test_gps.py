"""Tests of the GPS layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric.nn import GINEConv, GPSConv

from molmix_bench.models.gine import GineConv
from molmix_bench.models.gps import GpsConv
from molmix_bench.specs.model import GpsSpec
from tests.models.small import make_batch

NORMS = {"batch": "batch_norm", "none": None}


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("training", [True, False])
def test_equals_pyg(norm, training):
    """With the same weights, outputs and gradients of all weights are those of PyG's GPSConv."""
    torch.manual_seed(0)
    batch = make_batch()
    mlp = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 8))
    spec = GpsSpec(width=8, num_heads=2, norm=norm, dropout=0.0)
    ours = GpsConv(spec, GineConv(mlp, eps=0.1)).train(training)
    theirs = GPSConv(8, GINEConv(mlp, eps=0.1, train_eps=True), heads=2, norm=NORMS[norm]).train(training)
    pairs = _same_weights(ours, theirs)
    x, bonds = torch.randn(batch.num_nodes, 8), torch.randn(len(batch.bond_table), 8)
    our = ours(x, batch, bonds)
    their = theirs(x, batch.edge_index, batch=batch.batch, edge_attr=bonds[batch.bond_code.long()])
    torch.testing.assert_close(our, their, atol=1e-5, rtol=1e-4)
    weight = torch.randn_like(our)
    left = torch.autograd.grad((our * weight).sum(), [pair[0] for pair in pairs])
    right = torch.autograd.grad((their * weight).sum(), [pair[1] for pair in pairs])
    for one, other in zip(left, right, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


def _same_weights(ours, theirs):
    """Gives both layers the same weights, and returns the pairs of parameters."""
    pairs = [
        (ours.attention.to_all.weight, theirs.attn.in_proj_weight),
        (ours.attention.to_all.bias, theirs.attn.in_proj_bias),
        (ours.attention.out.weight, theirs.attn.out_proj.weight),
        (ours.attention.out.bias, theirs.attn.out_proj.bias),
        *((ours.mlp[i].weight, theirs.mlp[i].weight) for i in (0, 3)),
        *((ours.mlp[i].bias, theirs.mlp[i].bias) for i in (0, 3)),
    ]
    with torch.no_grad():
        for our, their in pairs:
            their.copy_(our)
    return pairs


def test_refuses_heads_that_do_not_divide_the_width():
    """The error names both numbers."""
    with pytest.raises(ValueError, match="width 10 is no multiple of num_heads 4"):
        GpsSpec(width=10, num_heads=4)
