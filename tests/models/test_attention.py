"""Tests of attention among the atoms of a molecule."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from molmix_bench.models.attention import GraphAttention
from tests.models.small import make_batch


@pytest.mark.parametrize("num_heads", [1, 2, 4])
def test_equals_pytorchs_one_molecule_at_a_time(num_heads):
    """With the same weights, outputs and gradients are those of `nn.MultiheadAttention` on each molecule alone."""
    torch.manual_seed(0)
    batch = make_batch()
    ours, theirs = GraphAttention(8, num_heads), nn.MultiheadAttention(8, num_heads, batch_first=True)
    with torch.no_grad():
        for bias in (ours.to_all.bias, ours.out.bias):
            bias.normal_()
        theirs.in_proj_weight.copy_(ours.to_all.weight)
        theirs.in_proj_bias.copy_(ours.to_all.bias)
        theirs.out_proj.load_state_dict(ours.out.state_dict())
    x, ptr = torch.randn(batch.num_nodes, 8), batch.ptr.tolist()

    def one_by_one(rows):
        parts = [rows[begin:end][None] for begin, end in itertools.pairwise(ptr)]
        return torch.cat([theirs(part, part, part, need_weights=False)[0][0] for part in parts])

    results = []
    weights = (
        [ours.to_all.weight, ours.to_all.bias, *ours.out.parameters()],
        [theirs.in_proj_weight, theirs.in_proj_bias, *theirs.out_proj.parameters()],
    )
    for call, parameters in zip((lambda rows: ours(rows, batch), one_by_one), weights, strict=True):
        leaf = x.clone().requires_grad_()
        output = call(leaf)
        results.append((output, *torch.autograd.grad(output.square().sum(), [leaf, *parameters])))
    for our, their in zip(*results, strict=True):
        torch.testing.assert_close(our, their, atol=1e-5, rtol=1e-4)


def test_a_lone_atom_sees_itself():
    """Among one, the weight is 1: what remains are values and the last layer."""
    batch, x = make_batch(("C",)), torch.randn(1, 8)
    attention = GraphAttention(8, 2)
    torch.testing.assert_close(attention(x, batch), attention.out(attention.to_all(x)[:, 16:]))


def test_dropout_is_for_training():
    """Weights are dropped in training alone."""
    batch = make_batch()
    attention, x = GraphAttention(8, 2, dropout=0.5), torch.randn(batch.num_nodes, 8)
    assert not torch.equal(attention(x, batch), attention(x, batch))
    attention.eval()
    assert torch.equal(attention(x, batch), attention(x, batch))
