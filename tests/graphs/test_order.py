"""Tests of where batches end and of who has which."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.errors import UsageError
from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.encodings import encode
from molmix_bench.graphs.loader import Loader
from molmix_bench.graphs.order import Order, _argsort, batch_ends
from molmix_bench.graphs.source import LoaderSource
from molmix_bench.specs.features import FeatureSpec
from tests.graphs.reference import of_smiles

SIZES = [1 + index * 7 % 13 for index in range(60)]
"""Atoms of each molecule."""
GRAPHS = of_smiles(*("C" * size for size in SIZES))
COLLATE = Collator(GRAPHS, encode(GRAPHS, FeatureSpec(rwse=0, laplacian=0)))

num_molecules = st.integers(0, 60)
batch_sizes = st.integers(1, 9)
seeds = st.none() | st.integers(0, 2**64 - 1)
budgets = st.none() | st.integers(1, 40)
world_sizes = st.integers(1, 5)


def _loader(count=60, *, batch_size=4, seed=None, epoch=0, **order):
    source = LoaderSource(np.arange(count), {}, COLLATE)
    made = Order(**order) if order else None
    return Loader(source, batch_size=batch_size, seed=seed, epoch=epoch, only_labelled=False, order=made)


def _batches(loader):
    return [batch.molecules.tolist() for batch in loader]


def _reference_cut(molecules, batch_size, max_nodes):
    """Returns the batches of molecules in an order, filled one by one."""
    batches = []
    for molecule in molecules:
        last = batches[-1] if batches else None
        if last is None or len(last) == batch_size or sum(SIZES[other] for other in [*last, molecule]) > max_nodes:
            batches.append([molecule])
        else:
            last.append(molecule)
    return batches


@given(num_molecules, batch_sizes, seeds)
def test_nothing_set_changes_nothing(count, batch_size, seed):
    """Without options batches are the documented order cut into equal pieces, here in plain Python."""
    numbers = (
        range(count)
        if seed is None
        else np.random.Philox(key=np.array([seed, 3], np.uint64)).random_raw(count).tolist()
    )
    order = sorted(range(count), key=lambda place: numbers[place])
    expected = [order[begin : begin + batch_size] for begin in range(0, count, batch_size)]
    assert _batches(_loader(count, batch_size=batch_size, seed=seed, epoch=3)) == expected
    assert _batches(_loader(count, batch_size=batch_size, seed=seed, epoch=3, world_size=1)) == expected


@given(num_molecules, batch_sizes, seeds, st.integers(1, 40))
def test_batches_by_atoms(count, batch_size, seed, max_nodes):
    """Molecules keep their order; batches are as full as one by one fills them, and only a lone one exceeds."""
    order = list(chain(*_batches(_loader(count, batch_size=7, seed=seed))))
    loader = _loader(count, batch_size=batch_size, seed=seed, max_nodes=max_nodes)
    assert _batches(loader) == _reference_cut(order, batch_size, max_nodes)
    for batch in loader:
        assert batch.num_nodes <= max_nodes or batch.num_graphs == 1
        assert batch.num_graphs <= batch_size


def test_large_limits():
    """Limits that no machine integer holds are no limits."""
    assert _batches(_loader(20, batch_size=2**64 - 1, max_nodes=2**64 - 1)) == [list(range(20))]
    assert _batches(_loader(20, batch_size=2**64 - 1)) == [list(range(20))]
    assert batch_ends(np.array([9, 9]), batch_size=1, max_nodes=1).tolist() == [0, 1, 2]
    assert batch_ends(np.array([], np.int64), batch_size=1, max_nodes=1).tolist() == [0]


@given(num_molecules, batch_sizes, seeds, budgets, world_sizes)
def test_shares_partition_the_split(count, batch_size, seed, max_nodes, world_size):
    """All ranks together have the batches of one process, each once; none has more than one batch more than another."""
    alone = _batches(_loader(count, batch_size=batch_size, seed=seed, max_nodes=max_nodes))
    loaders = [
        _loader(count, batch_size=batch_size, seed=seed, max_nodes=max_nodes, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    shares = [_batches(loader) for loader in loaders]
    assert sorted(chain(*shares)) == sorted(alone)
    assert sorted(chain(*chain(*shares))) == list(range(count))
    assert [len(loader) for loader in loaders] == [len(share) for share in shares]
    assert [loader.num_molecules for loader in loaders] == [sum(map(len, share)) for share in shares]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [_batches(loader) for loader in loaders] == shares, "iterating again should give the same"


@given(num_molecules, batch_sizes, budgets, world_sizes)
def test_even_shares(count, batch_size, max_nodes, world_size):
    """Shares of one length leave out less than one batch for each rank, the last ones, and have nothing twice."""
    settings = {"batch_size": batch_size, "seed": 1, "max_nodes": max_nodes}
    alone = _batches(_loader(count, **settings))
    shares = [
        _batches(_loader(count, **settings, rank=rank, world_size=world_size, even=True)) for rank in range(world_size)
    ]
    assert {len(share) for share in shares} == {len(alone) // world_size}
    assert list(chain(*zip(*shares, strict=True))) == alone[: len(alone) // world_size * world_size]


def test_key_decides_shares():
    """Seed, epoch and rank decide a share, and each of them matters."""
    found = {
        (seed, epoch, rank): str(_batches(_loader(seed=seed, epoch=epoch, max_nodes=20, rank=rank, world_size=2)))
        for seed in (0, 1)
        for epoch in (0, 1)
        for rank in (0, 1)
    }
    assert len(set(found.values())) == 8


@pytest.mark.parametrize(
    "bad",
    [
        *({"max_nodes": 0}, {"world_size": 0}, {"rank": -1}, {"world_size": 2, "rank": 2}, {"rank": 1}),
        *({"max_nodes": 2.5}, {"block_size": 4.0}, {"buffer_blocks": "9"}, {"world_size": 2.0}),
    ],
)
def test_numbers_out_of_range(bad):
    """Limits and shares that mean nothing, and what is no integer, are refused by name."""
    with pytest.raises(UsageError, match=f"loader, {list(bad)[-1]}"):
        Order(**bad)


@given(st.lists(st.integers(0, 5), max_size=30))
def test_equal_numbers_keep_their_order(numbers):
    """Of equal random numbers, which two 64-bit ones hardly ever are, the earlier place comes first."""
    expected = sorted(range(len(numbers)), key=lambda place: numbers[place])
    assert _argsort(np.array(numbers, np.uint64)).tolist() == expected


@pytest.mark.parametrize(("count", "sizes"), [(13, [4, 4, 5]), (14, [4, 4, 4, 2]), (5, [5]), (1, [1]), (12, [4, 4, 4])])
def test_a_single_molecule_joins_the_batch_before(count, sizes):
    """Where it is asked for, and where there is one; batches by atoms keep their bound."""
    source = LoaderSource(np.arange(count), {}, COLLATE)
    order = Order(join_single=True)
    loader = Loader(source, batch_size=4, seed=1, epoch=1, only_labelled=False, order=order)
    assert [batch.num_graphs for batch in loader] == sizes
    bounded = Order(join_single=True, max_nodes=1)
    loader = Loader(source, batch_size=4, seed=1, epoch=1, only_labelled=False, order=bounded)
    assert [batch.num_graphs for batch in loader] == [1] * count
