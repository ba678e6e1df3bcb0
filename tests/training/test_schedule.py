"""Tests of the learning-rate schedule."""

from __future__ import annotations

import math

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from molmix_bench.specs.run import ScheduleSpec
from molmix_bench.training.schedule import rate_factor


def _factors(num_steps, **spec):
    return [rate_factor(ScheduleSpec(**spec), step=step, num_steps=num_steps) for step in range(num_steps)]


def test_cosine_equals_pytorch():
    """Warm-up and cosine are PyTorch's LinearLR followed by CosineAnnealingLR."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    warmup = LinearLR(optimizer, start_factor=1 / 4, total_iters=3)
    cosine = CosineAnnealingLR(optimizer, T_max=16, eta_min=0.1)
    scheduler = SequentialLR(optimizer, [warmup, cosine], milestones=[3])
    expected = []
    for _ in range(20):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert _factors(20, shape="cosine", warmup=0.2, final=0.1) == pytest.approx(expected)


@pytest.mark.parametrize("shape", ["cosine", "linear"])
@pytest.mark.parametrize("warmup", [0.0, 0.3, 1.0])
def test_rises_to_1_and_falls_to_the_end(shape, warmup):
    """The highest factor is 1, before it the factors rise, after it they fall to `final`."""
    factors = _factors(10, shape=shape, warmup=warmup, final=0.25)
    highest = max(round(warmup * 10) - 1, 0)
    assert factors[highest] == 1.0 == max(factors)
    assert factors[: highest + 1] == sorted(factors[: highest + 1])
    assert factors[highest:] == sorted(factors[highest:], reverse=True)
    assert warmup == 1.0 or factors[-1] == pytest.approx(0.25)


def test_constant():
    """After the warm-up, a constant rate stays at its highest."""
    assert _factors(5, shape="constant", warmup=0.4) == [0.5, 1.0, 1.0, 1.0, 1.0]


def test_a_single_step():
    """A run of one step makes it at the highest rate."""
    assert _factors(1, shape="cosine", warmup=0.1) == [1.0]
    assert math.isfinite(_factors(1, shape="linear", warmup=1.0)[0])
