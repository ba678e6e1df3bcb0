"""Tests of the order and completeness of an epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.errors import UsageError
from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.encodings import encode
from molmix_bench.graphs.label_tables import DenseTable
from molmix_bench.graphs.loader import Loader
from molmix_bench.graphs.source import LoaderSource
from molmix_bench.specs.features import FeatureSpec
from tests.graphs.reference import of_smiles

GRAPHS = of_smiles(*("C" * (1 + index % 5) for index in range(40)))
SPEC = FeatureSpec(rwse=2, laplacian=0)
COLLATE = Collator(GRAPHS, encode(GRAPHS, SPEC))
NAN = float("nan")


def _source(molecules, **labels):
    tables = {
        name: DenseTable(np.array(row, np.int32), np.asarray(values, np.float32))
        for name, (row, values) in labels.items()
    }
    return LoaderSource(np.array(molecules, np.int64), tables, COLLATE)


def _loader(source, *, batch_size=4, seed=None, epoch=0, only_labelled=False):
    return Loader(source, batch_size=batch_size, seed=seed, epoch=epoch, only_labelled=only_labelled)


def _molecules(loader):
    return [batch.molecules.tolist() for batch in loader]


def test_store_order():
    """Without a seed molecules come as stored, the rest of them in a smaller last batch."""
    loader = _loader(_source([3, 5, 8, 13, 21]), batch_size=2, epoch=7)
    assert _molecules(loader) == [[3, 5], [8, 13], [21]]
    assert (len(loader), loader.num_molecules) == (3, 5)


def test_labels_by_hand():
    """Rows point at graphs of the batch; a dataset without labels in a batch is there with no rows."""
    qm9 = ([0, -1, 1, -1], [[1, NAN], [2, 3]])
    tox21 = ([-1, -1, -1, 0], [[5]])
    nothing = ([-1, -1, -1, -1], np.empty((0, 3)))
    source = _source([1, 2, 4, 6], qm9=qm9, tox21=tox21, nothing=nothing)
    first, second = _loader(source, batch_size=2)
    assert first.labels["qm9"].rows.tolist() == [0]
    assert first.labels["qm9"].values.nan_to_num(-9).tolist() == [[1, -9]]
    assert (first.labels["tox21"].rows.tolist(), tuple(first.labels["tox21"].values.shape)) == ([], (0, 1))
    assert (second.labels["qm9"].rows.tolist(), second.labels["qm9"].values.tolist()) == ([0], [[2, 3]])
    assert (second.labels["tox21"].rows.tolist(), second.labels["tox21"].values.tolist()) == ([1], [[5]])
    assert tuple(second.labels["nothing"].values.shape) == (0, 3)


def test_only_labelled_molecules():
    """Molecules without a label in any of the datasets are left out when asked."""
    source = _source([1, 2, 4, 6], qm9=([0, -1, 1, -1], [[1], [2]]), tox21=([-1, -1, 0, 1], [[5], [6]]))
    assert _molecules(_loader(source, only_labelled=True)) == [[1, 4, 6]]


def test_documented_order():
    """The order is that of Philox's raw numbers under the key (seed, epoch), here taken by plain Python."""
    numbers = np.random.Philox(key=[5, 2]).random_raw(10).tolist()
    expected = sorted(range(10), key=lambda position: numbers[position])
    assert _molecules(_loader(_source(range(10)), batch_size=10, seed=5, epoch=2)) == [expected]
    # Written down once, so that another version of NumPy cannot change it unnoticed.
    assert expected == [3, 5, 9, 2, 7, 1, 8, 0, 6, 4]


@given(st.integers(0, 40), st.integers(1, 9), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_every_molecule_once(num_molecules, batch_size, seed, epoch):
    """Whatever the sizes and keys, an epoch has every molecule once, with its own label."""
    labels = range(num_molecules)
    source = _source(range(num_molecules), own=(range(num_molecules), np.reshape(labels, (-1, 1))))
    loader = _loader(source, batch_size=batch_size, seed=seed, epoch=epoch)
    seen = []
    for batch in loader:
        assert batch.labels["own"].values[:, 0].tolist() == batch.molecules[batch.labels["own"].rows].tolist()
        seen += batch.molecules.tolist()
    assert sorted(seen) == list(range(num_molecules))
    assert len(_molecules(loader)) == len(loader)


def test_same_key_same_order():
    """Seed and epoch alone decide the order, which differs between seeds and between epochs."""
    source = _source(range(40))
    orders = {key: _molecules(_loader(source, seed=key[0], epoch=key[1])) for key in [(0, 0), (0, 1), (1, 0)]}
    assert _molecules(_loader(source, seed=0, epoch=1)) == orders[0, 1]
    assert len({str(order) for order in orders.values()}) == 3


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_keys_may_be_numpy_s(kind):
    """Seeds and epochs of `np.arange` give the orders of Python's integers: no epoch falls out of the key."""
    source = _source(range(40))
    orders = [_molecules(_loader(source, seed=3, epoch=epoch)) for epoch in range(3)]
    assert [_molecules(_loader(source, seed=kind(3), epoch=kind(epoch))) for epoch in range(3)] == orders


@pytest.mark.parametrize(
    "bad",
    [
        *({"batch_size": 0}, {"seed": -1}, {"seed": 2**64}, {"seed": 0, "epoch": -1}),
        *({"batch_size": 2.0}, {"batch_size": "8"}, {"batch_size": None}, {"batch_size": True}),
        *({"seed": 1.5}, {"seed": "a"}, {"seed": False}, {"seed": 0, "epoch": 1.0}, {"seed": 0, "epoch": None}),
    ],
)
def test_numbers_out_of_range(bad):
    """Sizes and keys that mean nothing, and what is no integer, are refused by name."""
    with pytest.raises(UsageError, match=f"loader, {list(bad)[-1]}"):
        _loader(_source([0]), **bad)
