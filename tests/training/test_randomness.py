"""Tests of seeding."""

from __future__ import annotations

from itertools import product

import torch

from molmix_bench.training.randomness import deterministic, seeded

CPU = torch.device("cpu")


def _draw(seed, epoch):
    with seeded(seed, epoch, device=CPU):
        return torch.rand(3).tolist()


def test_depends_on_seed_and_epoch_alone():
    """The same pair draws the same numbers whatever was drawn before; no two pairs draw alike."""
    drawn = {}
    for pair in product(range(5), range(5)):
        torch.rand(pair[1])
        drawn[pair] = tuple(_draw(*pair))
    assert all(tuple(_draw(*pair)) == numbers for pair, numbers in drawn.items())
    assert len(set(drawn.values())) == 25


def test_gives_the_callers_state_back():
    """What the caller draws next is what it would have drawn."""
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    _draw(0, 1)
    assert torch.equal(torch.rand(2), expected)


def test_sums_in_one_order_only_where_a_gpu_adds_up():
    """A CPU's setting stays; a GPU's is on inside, and off again outside."""
    with deterministic(CPU):
        assert not torch.are_deterministic_algorithms_enabled()
    with deterministic(torch.device("cuda")):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
