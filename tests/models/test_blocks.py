"""Tests of norms and perceptrons."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from molmix_bench.models.blocks import BatchNorm, make_mlp, make_norm
from molmix_bench.models.linear import Linear


def test_batch_norm_equals_pytorch():
    """From two rows on, it is PyTorch's, running statistics included."""
    torch.manual_seed(0)
    ours, theirs = BatchNorm(4), nn.BatchNorm1d(4)
    x = torch.randn(5, 4)
    assert torch.equal(ours(x), theirs(x))
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))


@pytest.mark.parametrize("num_rows", [0, 1])
def test_batch_norm_takes_fewer_rows_than_a_variance_needs(num_rows):
    """In training, no row or one is normalised by the running statistics and leaves them as they are."""
    norm = BatchNorm(2)
    norm.running_mean += 1
    output = norm(torch.full((num_rows, 2), 3.0))
    torch.testing.assert_close(output, torch.full((num_rows, 2), 2.0))
    assert norm.running_mean.tolist() == [1.0, 1.0]
    assert norm.num_batches_tracked == 0


@pytest.mark.parametrize(("norm", "kind"), [("batch", BatchNorm), ("layer", nn.LayerNorm), ("none", nn.Identity)])
def test_make_norm(norm, kind):
    """Each name gives its norm."""
    assert isinstance(make_norm(norm, 3), kind)


def test_mlp_has_nothing_after_its_last_layer():
    """Norm, activation and dropout follow each linear layer but the last; one layer has none."""
    kinds = [type(layer) for layer in make_mlp([2, 3, 3, 1], activation="silu", norm="layer", dropout=0.1)]
    block = [Linear, nn.LayerNorm, nn.SiLU, nn.Dropout]
    assert kinds == [*block, *block, Linear]
    assert [type(layer) for layer in make_mlp([2, 1], activation="relu", norm="batch", dropout=0.1)] == [Linear]
