"""Tests of drawing molecules by dataset."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.errors import UsageError
from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.encodings import encode
from molmix_bench.graphs.label_tables import DenseTable
from molmix_bench.graphs.loader import Loader
from molmix_bench.graphs.order import Order
from molmix_bench.graphs.sampling import by_temperature, quotas
from molmix_bench.graphs.source import LoaderSource
from molmix_bench.specs.features import FeatureSpec
from tests.graphs.reference import of_smiles

GRAPHS = of_smiles(*("C" * (1 + index % 5) for index in range(30)))
COLLATE = Collator(GRAPHS, encode(GRAPHS, FeatureSpec(rwse=0, laplacian=0)))
BIG, SMALL = range(20), range(20, 25)
"""Molecules of the two datasets; the last five are in none."""

weights = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1e300), min_size=1).filter(lambda w: any(w.values()))


def _table(own):
    row = np.full(30, -1, np.int32)
    row[list(own)] = np.arange(len(own))
    return DenseTable(row, np.zeros((len(own), 1), np.float32))


def _molecules(sampling, *, own=None, **settings):
    own = {"big": BIG, "small": SMALL} if own is None else own
    source = LoaderSource(np.arange(30), {name: _table(places) for name, places in own.items()}, COLLATE)
    key = {"seed": settings.pop("seed", 0), "epoch": settings.pop("epoch", 0)}
    order = Order(sampling=sampling, **settings)
    loader = Loader(source, batch_size=4, **key, only_labelled=True, order=order)
    return [batch.molecules.tolist() for batch in loader]


def _counts(batches):
    return Counter(molecule for batch in batches for molecule in batch)


def test_weights_by_hand():
    """Of 25 draws, 15 and 10: fifteen molecules of the large dataset once, the five of the small one twice."""
    batches = _molecules({"big": 0.3, "small": 0.2})
    counts = _counts(batches)
    assert sorted(counts[molecule] for molecule in BIG) == [0] * 5 + [1] * 15
    assert [counts[molecule] for molecule in SMALL] == [2] * 5
    assert [len(batch) for batch in batches] == [4] * 6 + [1]


def test_temperature_by_hand():
    """At 1 each molecule comes once; at infinity the small dataset has 12 of 25 draws, the large one 13."""
    assert _counts(_molecules(1.0)) == Counter(range(25))
    counts = _counts(_molecules(math.inf))
    assert (sum(counts[place] for place in BIG), sorted(counts[place] for place in SMALL)) == (13, [2, 2, 2, 3, 3])
    # The square roots of 20 and 5 are as 2 to 1.
    assert sum(_counts(_molecules(2))[place] for place in BIG) == 17


def test_no_weight_no_draws():
    """A dataset of weight 0 draws nothing; the epoch stays as long."""
    assert _counts(_molecules({"big": 0, "small": 3})) == Counter(dict.fromkeys(SMALL, 5))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.floats(0.1, 50), st.integers(1, 4))
def test_key_decides_draws(seed, epoch, temperature, world_size):
    """The same key draws the same; shares are those of one process, with a limit of atoms too."""
    settings = {"seed": seed, "epoch": epoch, "max_nodes": 9}
    alone = _molecules(temperature, **settings)
    assert _molecules(temperature, **settings) == alone
    for rank in range(world_size):
        share = _molecules(temperature, **settings, rank=rank, world_size=world_size)
        assert share == alone[rank::world_size]


def test_epochs_differ():
    """Another epoch and another seed draw other molecules in another order."""
    found = [_molecules(4.0, seed=seed, epoch=epoch) for seed, epoch in [(0, 0), (0, 1), (1, 0)]]
    assert len({str(batches) for batches in found}) == 3
    assert found[0] != [sorted(batch) for batch in found[0]]


def test_order_of_weights_is_without_effect():
    """A mapping in another order draws the same."""
    assert _molecules({"small": 1, "big": 2}) == _molecules({"big": 2, "small": 1})


@given(weights, st.integers(0, 10_000))
def test_quotas_are_nearest(found, total):
    """Quotas add up exactly and are less than 1 from the exact share, for weights of any size."""
    made = quotas(found, total)
    assert sum(made.values()) == total
    largest = max(found.values())
    whole = math.fsum(weight / largest for weight in found.values())
    for name, weight in found.items():
        assert abs(made[name] - total * (weight / largest / whole)) < 1 + 1e-6
        assert made[name] == 0 or weight > 0


def test_extreme_temperatures():
    """Near 0 only the largest datasets are left; nothing overflows."""
    assert by_temperature({"a": 10**9, "b": 1, "c": 10**9}, 1e-300) == {"a": 1, "b": 0, "c": 1}


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        ({"big": 1}, "found big; expected a weight for each of big, small"),
        ({"big": 1, "small": 1, "other": 1}, "expected a weight for each"),
        ({"big": -1, "small": 1}, "weight -1 of big"),
        ({"big": math.nan, "small": 1}, "weight nan of big"),
        ({"big": math.inf, "small": 1}, "weight inf of big"),
        ({"big": 0, "small": 0}, "no dataset with a weight above 0"),
        (0, "temperature 0"),
        (math.nan, "temperature nan"),
    ],
)
def test_refuses_what_cannot_be(sampling, message):
    """Weights and temperatures that mean nothing are refused."""
    with pytest.raises(UsageError, match=message):
        _molecules(sampling)


def test_refuses_datasets_without_molecules():
    """A weight for a dataset that has no molecules in the split is a mistake; a temperature passes over it."""
    own = {"big": BIG, "nothing": ()}
    with pytest.raises(UsageError, match="no molecules of nothing in this split"):
        _molecules({"big": 1, "nothing": 1}, own=own)
    assert _counts(_molecules(5.0, own=own)) == Counter(BIG)
    assert _molecules(5.0, own={"nothing": ()}) == []


def test_refuses_to_draw_without_a_seed():
    """Draws need a seed."""
    with pytest.raises(UsageError, match="loader, sampling: found no seed"):
        _molecules(1.0, seed=None)


def test_loader_of_a_store(tiny_store):
    """The same through a store: the draws of a loader have the labels of the dataset that they are for."""
    order = Order(sampling={"wide": 0, "panel": 1}, max_nodes=50)
    batches = list(tiny_store.loader("train", batch_size=8, seed=3, datasets=["wide", "panel"], order=order))
    assert sum(batch.num_graphs for batch in batches) == len(tiny_store.source("train", ["wide", "panel"]).labelled())
    for batch in batches:
        assert len(batch.labels["panel"].rows) == batch.num_graphs
        assert batch.num_nodes <= 50
