"""Tests of the linear layer that pads its rows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from molmix_bench.models.linear import Linear, padded_size


@pytest.mark.parametrize("num_rows", [0, 1, 17, 100])
def test_equals_pytorchs_under_autocast(num_rows):
    """In bfloat16, outputs and all gradients are those of PyTorch's layer, to bfloat16's 8 bits."""
    torch.manual_seed(0)
    ours, theirs = Linear(6, 5), nn.Linear(6, 5)
    theirs.load_state_dict(ours.state_dict())
    rows, results = torch.randn(num_rows, 6), []
    for layer in (ours, theirs):
        leaf = rows.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            output = layer(leaf)
        assert output.dtype is torch.bfloat16
        results.append((output, *torch.autograd.grad(output.float().square().sum(), [leaf, *layer.parameters()])))
    for our, their in zip(*results, strict=True):
        assert our.dtype is their.dtype
        torch.testing.assert_close(our.float(), their.float(), atol=0.05, rtol=0.02)


def test_is_pytorchs_in_float32():
    """Without autocast nothing is padded: outputs are PyTorch's, bit by bit."""
    torch.manual_seed(0)
    layer, rows = Linear(6, 5), torch.randn(17, 6)
    assert torch.equal(layer(rows), nn.functional.linear(rows, layer.weight, layer.bias))


def test_few_sizes():
    """The 1,000 numbers of rows from 3,000 on become 5 sizes, none too small and none an eighth too large."""
    sizes = {rows: padded_size(rows) for rows in range(3_000, 4_000)}
    assert sorted(set(sizes.values())) == [3_072, 3_328, 3_584, 3_840, 4_096]
    assert all(rows <= size < rows * 9 / 8 for rows, size in sizes.items())
