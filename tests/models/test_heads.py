"""Tests of heads."""

from __future__ import annotations

import pytest
import torch

from molmix_bench.errors import RunError
from molmix_bench.models.heads import make_head
from molmix_bench.specs.run import HeadSpec
from tests.models.small import ASSAYS, PROPS


def test_one_output_per_task():
    """A head has as many outputs as its dataset has tasks, and as many linear layers as its spec says."""
    head = make_head(HeadSpec(depth=3, width=4), 8, ASSAYS, activation="relu")
    assert head(torch.zeros(5, 8)).shape == (5, 3)
    assert [tuple(p.shape) for name, p in head.named_parameters() if "weight" in name] == [(4, 8), (4, 4), (3, 4)]


def test_outputs_are_float32_under_autocast():
    """Losses are taken in float32, whatever the precision of the layers."""
    head = make_head(HeadSpec(), 8, PROPS, activation="relu")
    with torch.autocast("cpu", torch.bfloat16):
        assert head(torch.zeros(1, 8)).dtype is torch.float32


@pytest.mark.parametrize("change", [{"level": "node"}, {"kind": "multiclass", "num_classes": 5, "mean": (), "std": ()}])
def test_refuses_what_it_cannot_learn(change):
    """Node-level and multiclass datasets are refused by name."""
    target = type(PROPS)(**{**PROPS.model_dump(), **change})
    with pytest.raises(RunError, match="dataset props: found"):
        make_head(HeadSpec(), 8, target, activation="relu")
