"""Tests of gathering labels into batches, against the mix's tables read in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.graphs.batch import DenseLabels, NodeLabels, SparseLabels
from molmix_bench.graphs.label_tables import ABSENT, DenseTable, NodeTable, SparseTable
from tests.graphs.reference import batch_labels, fields_of, label_rows, split_molecules

DTYPES = {
    "wide": torch.float32,
    "assays": torch.float32,
    "energies": torch.float64,
    "grades": torch.float32,
    "panel": torch.int8,
    "profile": torch.float32,
    "few": torch.float32,
    "atoms": torch.float32,
}


@pytest.fixture(scope="module")
def published(tiny_mix):
    """Returns what the tables of the tiny mix say, by split: its molecules, and the rows of each dataset."""
    return {
        split: (
            list(split_molecules(tiny_mix, split).items()),
            {name: label_rows(tiny_mix, name, split) for name in tiny_mix.datasets},
        )
        for split in tiny_mix.splits
    }


@given(data=st.data())
def test_any_molecules_have_their_labels(tiny_mix, tiny_store, published, data):
    """Any molecules of any split, in any order and some of them twice, have the labels that the mix's tables say."""
    split = data.draw(st.sampled_from(list(tiny_mix.splits)))
    molecules, rows = published[split]
    positions = data.draw(st.lists(st.integers(0, len(molecules) - 1), max_size=12))
    chosen = [molecules[position] for position in positions]
    node_ptr = np.cumsum([0, *(num_atoms for _, num_atoms in chosen)])
    for name, dataset in tiny_mix.datasets.items():
        found = tiny_store.labels(name, split).gather(np.array(positions, np.int64), node_ptr)
        assert fields_of(found) == batch_labels(dataset, rows[name], chosen)
        assert found.values.dtype == DTYPES[name]
        for field in set(found.__slots__) - {"values"}:
            assert getattr(found, field).dtype == (torch.int32 if field in {"owners", "tasks"} else torch.int64)


@pytest.mark.parametrize("seed", [None, 3])
def test_every_batch_of_an_epoch(tiny_mix, tiny_store, published, seed):
    """Through the loader too, in batches of the store's order and shuffled ones."""
    for split, (molecules, rows) in published.items():
        seen = 0
        by_id = dict(molecules)
        for batch in tiny_store.loader(split, batch_size=5, seed=seed):
            mol_ids = tiny_store.mol_ids[batch.molecules.numpy()].astype(str).tolist()
            chosen = [(mol_id, by_id[mol_id]) for mol_id in mol_ids]
            for name, dataset in tiny_mix.datasets.items():
                assert fields_of(batch.labels[name]) == batch_labels(dataset, rows[name], chosen)
            seen += batch.num_graphs
        assert seen == len(molecules)


def test_what_the_mix_has_in_it(tiny_mix, published):
    """The comparison above is no empty one: there are molecules of one and of 999 atoms, unlabelled ones, no rows."""
    sizes = {num_atoms for molecules, _ in published.values() for _, num_atoms in molecules}
    assert {1, 999} < sizes
    assert any(
        mol_id not in rows[name] for molecules, rows in published.values() for mol_id, _ in molecules for name in rows
    )
    assert list(tiny_mix.datasets["few"].splits) == ["train"]
    assert all(rows["atoms"] and rows["panel"] and rows["profile"] for _, rows in published.values())


def test_a_split_without_rows(tiny_store):
    """A dataset that has nothing in a split is in its batches with no rows, in the right widths."""
    batch = next(iter(tiny_store.loader("test", batch_size=4)))
    assert tuple(batch.labels["few"].values.shape) == (0, 2)
    assert batch.labels["few"].rows.tolist() == []
    assert tiny_store.loader("test", batch_size=4, datasets=["few"]).num_molecules == 0


ROW = np.array([1, ABSENT, 0, 2], np.int32)


def test_dense_by_hand():
    """The third, second and first molecule: two rows, in the order asked for."""
    table = DenseTable(ROW, np.array([[1, 2], [3, np.nan], [5, 6]], np.float32))
    found = table.gather(np.array([2, 1, 0]), np.array([0, 3, 4, 9]))
    assert isinstance(found, DenseLabels)
    assert fields_of(found) == {"rows": [0, 2], "values": [[1, 2], [3, None]]}


def test_sparse_by_hand():
    """Owners are places in `rows`, not graphs."""
    table = SparseTable(
        ROW,
        np.array([0, 2, 3, 3]),
        np.array([4, 9, 7], np.int16),
        np.array([1, 0, 1], np.int8),
    )
    found = table.gather(np.array([1, 2, 0]), np.array([0, 3, 4, 9]))
    assert isinstance(found, SparseLabels)
    assert fields_of(found) == {"rows": [1, 2], "owners": [0, 0, 1], "tasks": [4, 9, 7], "values": [1, 0, 1]}
    outputs = torch.arange(20).view(2, 10)
    assert outputs[found.owners, found.tasks].tolist() == [4, 9, 17]


def test_node_by_hand():
    """Nodes count along the batch; atoms without labels have no row."""
    table = NodeTable(
        ROW,
        np.array([0, 1, 3, 3]),
        np.array([2, 0, 4], np.uint16),
        np.array([[1, np.nan], [2, 3], [np.nan, 4]], np.float32),
    )
    found = table.gather(np.array([1, 2, 0]), np.array([0, 3, 6, 11]))
    assert isinstance(found, NodeLabels)
    assert fields_of(found) == {"rows": [1, 2], "nodes": [5, 6, 10], "values": [[1, None], [2, 3], [None, 4]]}


def test_no_molecules():
    """No molecules have no labels, in arrays of the right widths."""
    table = DenseTable(ROW, np.ones((3, 2), np.float32))
    found = table.gather(np.zeros(0, np.int64), np.zeros(1, np.int64))
    assert (found.rows.tolist(), tuple(found.values.shape)) == ([], (0, 2))
