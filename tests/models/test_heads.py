"""Tests of heads."""

from __future__ import annotations

import torch

from molmix_bench.models.heads import make_head
from molmix_bench.specs.model import HeadSpec
from tests.models.small import ASSAYS, GRADES, PROPS


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


def test_one_output_per_class_of_each_task():
    """A head of 2 tasks of 3 classes has 6 outputs."""
    assert make_head(HeadSpec(), 8, GRADES, activation="relu")(torch.zeros(5, 8)).shape == (5, 6)
