"""Tests of a split as PyG's own dataset, against the batches that loaders give."""

from __future__ import annotations

import pickle

import pytest
import torch
from torch_geometric.data import Data, Dataset
from torch_geometric.loader import DataLoader

from molmix_bench.errors import UsageError
from molmix_bench.graphs.store import GraphStore


def _expect_equal(found, expected):
    """Holds two graphs or batches of PyG against each other: the same names, types and numbers."""
    found, expected = found.to_dict(), expected.to_dict()
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        torch.testing.assert_close(found[name], values, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("datasets", [None, ["assays"], ["atoms", "panel"], []])
def test_items_are_batches_of_one(tiny_store, datasets):
    """Each item is what a batch of one gives: every form of labels, molecules without any, one of 999 atoms."""
    for split in tiny_store.splits:
        dataset = tiny_store.to_pyg(split, datasets=datasets)
        assert isinstance(dataset, Dataset)
        batches = list(tiny_store.loader(split, batch_size=1, datasets=datasets))
        assert len(dataset) == len(batches)
        for graph, batch in zip(dataset, batches, strict=True):
            assert type(graph) is Data
            _expect_equal(graph, batch.to_pyg().to_data_list()[0])


@pytest.mark.parametrize("num_workers", [0, 2])
def test_loads_as_our_loader_does(tiny_store, num_workers):
    """PyG's loader makes of it the batches that ours makes, in worker processes too."""
    sparse = ["y_panel", "y_profile"]
    theirs = DataLoader(tiny_store.to_pyg("train"), batch_size=7, follow_batch=sparse, num_workers=num_workers)
    batches = [batch.to_pyg() for batch in tiny_store.loader("train", batch_size=7)]
    assert len(theirs) == len(batches) > 1
    for found, expected in zip(theirs, batches, strict=True):
        assert set(found.keys()) == set(expected.keys())
        for name in found.keys():  # noqa: SIM118  # iterating a batch gives pairs
            torch.testing.assert_close(found[name], expected[name], rtol=0, atol=0, equal_nan=True)


def test_pickles_as_a_path(tiny_store):
    """Another process opens the store again; the size of what is sent has nothing to do with the store's."""
    dataset = tiny_store.to_pyg("train", datasets=["wide"])
    sent = pickle.dumps(dataset)
    assert tiny_store.path.name.encode() in sent
    assert len(sent) < 1_000
    there = pickle.loads(sent)  # noqa: S301  # made above
    assert isinstance(there.store, GraphStore)
    assert there.store is not tiny_store
    assert len(there) == len(dataset)
    _expect_equal(there[3], dataset[3])


def test_parts_and_transforms(tiny_store):
    """What PyG's datasets offer works: slices, lists of places, a transform; a part stays one when it is sent."""
    dataset = tiny_store.to_pyg("train")
    molecules = tiny_store.molecules("train").tolist()
    for part in (dataset[5:9], dataset[[5, 6, 7, 8]], pickle.loads(pickle.dumps(dataset[5:9]))):  # noqa: S301  # made here
        assert [graph.molecules.item() for graph in part] == molecules[5:9]
    dataset.transform = lambda graph: graph.num_nodes
    assert dataset[-1] == int(tiny_store.collate.num_nodes(tiny_store.molecules("train"))[-1])
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_refuses_unknown_names(tiny_store):
    """An unknown split or dataset is answered as loaders do."""
    with pytest.raises(UsageError, match="no split 'trian'"):
        tiny_store.to_pyg("trian")
    with pytest.raises(UsageError, match="no dataset 'asays'"):
        tiny_store.to_pyg("train", datasets=["asays"])
