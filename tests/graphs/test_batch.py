"""Tests of what a batch offers besides its arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch as PyGBatch

from molmix_bench.graphs.batch import DenseLabels
from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.encodings import encode
from molmix_bench.specs.features import FeatureSpec
from tests.graphs.reference import of_smiles


@pytest.fixture
def batch():
    """Returns ethanol, a lone atom and carbon monoxide; the last two have labels."""
    graphs = of_smiles("CCO", "[He]", "[C-]#[O+]")
    spec = FeatureSpec(rwse=2, laplacian=1)
    found = Collator(graphs, encode(graphs, spec))(np.arange(3))
    labels = DenseLabels(torch.tensor([1, 2]), torch.tensor([[1.0, torch.nan], [2.0, 3.0]]))
    return replace(found, labels={"qm9": labels})


def test_map_reaches_every_tensor(batch):
    """`to`, `pin_memory` and whatever else maps a function reach every tensor and leave the batch itself alone."""
    seen = []
    other = batch.map(lambda tensor: seen.append(tensor.data_ptr()) or tensor + 1)
    assert len(seen) == 8 + 3 + 2
    assert other.ptr.tolist() == (batch.ptr + 1).tolist()
    assert other.labels["qm9"].rows.tolist() == [2, 3]
    assert other.encodings["rwse"].tolist() == (batch.encodings["rwse"] + 1).tolist()
    assert batch.labels["qm9"].rows.tolist() == [1, 2]


def test_to_device(batch):
    """A batch on another device has everything there."""
    there = batch.to("meta")
    assert there.x.device.type == there.edge_attr.device.type == there.encodings["rwse"].device.type == "meta"
    assert there.labels["qm9"].values.device.type == "meta"
    assert (there.num_graphs, there.num_nodes, there.num_edges) == (3, 6, 6)


@pytest.mark.gpu
def test_pinned_batches_copy_without_waiting(batch):
    """A pinned batch reaches the GPU unchanged."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    there = batch.pin_memory().to("cuda", non_blocking=True)
    torch.cuda.synchronize()
    assert there.x.cpu().tolist() == batch.x.tolist()


def test_to_pyg(batch):
    """The PyG batch has the same arrays, and labels spread over all graphs."""
    pyg = batch.to_pyg()
    assert isinstance(pyg, PyGBatch)
    assert (pyg.num_graphs, pyg.num_nodes, pyg.num_edges) == (3, 6, 6)
    for name in ("x", "edge_index", "edge_attr", "batch", "ptr", "molecules"):
        assert pyg[name].tolist() == getattr(batch, name).tolist()
    assert pyg.rwse.tolist() == batch.encodings["rwse"].tolist()
    assert pyg.y_qm9.nan_to_num(-9).tolist() == [[-9, -9], [1, -9], [2, 3]]


def test_pyg_separates_and_collates_it(batch):
    """PyG's own functions take the batch apart and put the same batch together again."""
    graphs = batch.to_pyg().to_data_list()
    assert [graph.num_nodes for graph in graphs] == [3, 1, 2]
    assert graphs[0].edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert graphs[1].edge_index.tolist() == [[], []]
    assert graphs[2].edge_index.tolist() == [[0, 1], [1, 0]]
    assert graphs[2].x[:, 0].tolist() == [6, 8]
    assert graphs[2].y_qm9.tolist() == [[2, 3]]
    again = PyGBatch.from_data_list(graphs)
    for name, values in batch.to_pyg().to_dict().items():
        torch.testing.assert_close(again[name], values, equal_nan=True)


def test_the_host_knows_what_it_sent(batch):
    """Of a batch elsewhere, the largest molecule and the rows of the store are known without asking there."""
    there = batch.to("meta").to("meta", non_blocking=True)
    for side in (there.host_side, batch.host_side):
        assert (side.largest, side.molecules.tolist()) == (3, [0, 1, 2])
    assert batch.to("cpu").known is None, "what can be looked up is not kept: it could be of another batch"
    assert batch.map(lambda tensor: tensor[:0]).host_side.largest == 0
