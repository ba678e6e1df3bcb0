"""Tests of what a fine-tuning begins with."""

from __future__ import annotations

import pytest
import torch

from molmix_bench.errors import UsageError
from molmix_bench.models.heads import NormedHead
from molmix_bench.specs.result import Target
from molmix_bench.transfer.start import LINEAR, Start
from tests.training.small import fitted_spec, run_spec

TARGET = Target(
    dataset="mine",
    level="graph",
    kind="regression",
    num_classes=None,
    dtype="float64",
    tasks=("size",),
    mean=(0.0,),
    std=(1.0,),
)


def _same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_seeds_begin_with_the_networks_of_the_run(pretrained):
    """The k-th seed with the k-th network, from the first again; a new head each, the same for the same seed."""
    start = Start.of(pretrained)
    bodies = [start.network(TARGET, seed, pretrained=True).body.state_dict() for seed in (0, 1, 2)]
    assert _same(bodies[0], pretrained.network(0).body.state_dict())
    assert _same(bodies[1], pretrained.network(1).body.state_dict())
    assert not _same(bodies[0], bodies[1])
    assert _same(bodies[0], bodies[2])
    heads = [start.network(TARGET, seed, pretrained=True).heads.state_dict() for seed in (0, 2, 0)]
    assert _same(heads[0], heads[2])
    assert not _same(heads[0], heads[1])
    assert start.origin.networks == (0, 1)
    assert start.origin.mix == pretrained.result.mix


def test_from_scratch_nothing_is_taken_over(pretrained):
    """The body of a seed is the same each time, and not the run's."""
    start = Start.of(pretrained)
    bodies = [start.network(TARGET, 0, pretrained=False).body.state_dict() for _ in range(2)]
    assert _same(*bodies)
    assert not _same(bodies[0], pretrained.network(0).body.state_dict())


def test_a_linear_head_sees_embeddings_as_they_are(pretrained):
    """Other heads have a norm before them."""
    start = Start.of(pretrained)
    (linear,) = start.network(TARGET, 0, pretrained=True, head=LINEAR).heads.values()
    (other,) = start.network(TARGET, 0, pretrained=True).heads.values()
    assert not isinstance(linear, NormedHead)
    assert isinstance(other, NormedHead)


def test_a_spec_has_no_networks():
    """Nothing was trained, or what is fitted cannot go on."""
    start = Start(run_spec())
    assert (start.origin.mix, start.origin.networks) == (None, ())
    with pytest.raises(UsageError, match="a finished run, whose networks go on"):
        start.pretrained(0)
    with pytest.raises(UsageError, match="a model that is fitted, trivial"):
        Start(fitted_spec("trivial")).network(TARGET, 0, pretrained=False)
