"""Tests of labels in batches: devices, pinned memory, spreading, and finding all atoms of labelled molecules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from molmix_bench.graphs.batch import DenseLabels, NodeLabels, SparseLabels
from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.encodings import encode
from molmix_bench.specs.features import FeatureSpec
from tests.graphs.reference import fields_of, of_smiles

NAN = float("nan")
LABELS = {
    "dense": DenseLabels(torch.tensor([1]), torch.tensor([[1.0, NAN]])),
    "sparse": SparseLabels(
        torch.tensor([0, 2]),
        torch.tensor([0, 0, 1]),
        torch.tensor([3, 7, 3]),
        torch.tensor([1, 0, 1], dtype=torch.int8),
    ),
    "node": NodeLabels(torch.tensor([0, 2]), torch.tensor([1, 5]), torch.tensor([[2.0, NAN], [NAN, 3.0]])),
}


@pytest.fixture
def batch():
    """Returns ethanol, a lone atom and carbon monoxide, with labels of every form."""
    graphs = of_smiles("CCO", "[He]", "[C-]#[O+]")
    found = Collator(graphs, encode(graphs, FeatureSpec(rwse=2, laplacian=1)))(np.arange(3))
    return replace(found, labels=LABELS)


def _tensors(labels):
    return [getattr(labels, field) for field in labels.__slots__]


@pytest.mark.parametrize("name", LABELS)
def test_map_reaches_every_field(name):
    """A function mapped over labels reaches each field once, in its place, and leaves the labels alone."""
    labels = LABELS[name]
    before = fields_of(labels)
    moved = labels.map(lambda tensor: tensor + 1)
    for field in labels.__slots__:
        torch.testing.assert_close(getattr(moved, field), getattr(labels, field) + 1, equal_nan=True)
    assert type(moved) is type(labels)
    assert fields_of(labels) == before


def test_to_another_device(batch):
    """Every field of every form goes along."""
    there = batch.to("meta", non_blocking=True)
    for labels in there.labels.values():
        assert {tensor.device.type for tensor in _tensors(labels)} == {"meta"}
    assert {tensor.device.type for labels in batch.labels.values() for tensor in _tensors(labels)} == {"cpu"}


def test_pinning_reaches_every_field(batch, monkeypatch):
    """Pinning pins each tensor of the batch and of its labels, 8 + 3 + 2 + 4 + 3 of them; here without a GPU."""
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: pinned.append(tensor) or tensor.clone())
    other = batch.pin_memory()
    assert len(pinned) == 8 + 3 + 2 + 4 + 3
    assert all(tensor.is_contiguous() for tensor in pinned), "a copy of rows with gaps waits for the GPU"
    assert {name: fields_of(labels) for name, labels in other.labels.items()} == {
        name: fields_of(labels) for name, labels in batch.labels.items()
    }


@pytest.mark.gpu
def test_a_gpu_and_back(batch):
    """Pinned, sent to a GPU and fetched again, labels are the same."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    pinned = batch.pin_memory()
    assert all(tensor.is_pinned() for labels in pinned.labels.values() for tensor in _tensors(labels))
    back = pinned.to("cuda", non_blocking=True).to("cpu")
    for name, labels in batch.labels.items():
        assert fields_of(back.labels[name]) == fields_of(labels)


@pytest.mark.parametrize(
    ("rows", "nodes"),
    [([], []), ([1], [3]), ([0, 2], [0, 1, 2, 4, 5]), ([0, 1, 2], [0, 1, 2, 3, 4, 5])],
)
def test_all_nodes_of_some_graphs(batch, rows, nodes):
    """Predictions are made for all atoms of labelled molecules, also for those atoms that have no label."""
    wanted = torch.tensor(rows, dtype=torch.int64)
    assert batch.nodes_of(wanted).tolist() == nodes
    ranges = [torch.arange(batch.ptr[row], batch.ptr[row + 1]) for row in rows]
    assert batch.nodes_of(wanted).tolist() == torch.cat([*ranges, wanted[:0]]).tolist()


def test_spreading_over_all_atoms():
    """Atoms without labels get a row of NaN."""
    spread = LABELS["node"].spread(6).nan_to_num(-9)
    assert spread.tolist() == [[-9, -9], [2, -9], [-9, -9], [-9, -9], [-9, -9], [-9, 3]]


def test_to_pyg_with_every_form(batch):
    """In a PyG batch and in its graphs, labels of atoms lie along the atoms, sparse ones beside their tasks."""
    pyg = batch.to_pyg()
    assert pyg.y_node[:, 0].nan_to_num(-9).tolist() == [-9, 2, -9, -9, -9, -9]
    assert pyg.y_sparse_batch.tolist() == [0, 0, 2]
    assert pyg.y_sparse_task.tolist() == [3, 7, 3]
    graphs = pyg.to_data_list()
    assert [graph.y_sparse_task.tolist() for graph in graphs] == [[3, 7], [], [3]]
    assert [graph.y_sparse.tolist() for graph in graphs] == [[1, 0], [], [1]]
    assert [len(graph.y_node) for graph in graphs] == [3, 1, 2]
    assert [graph.y_dense.nan_to_num(-9).tolist() for graph in graphs] == [[[-9, -9]], [[1, -9]], [[-9, -9]]]
