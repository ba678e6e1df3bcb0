"""Tests of gathering molecules into batches, against lists put together molecule by molecule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.encodings import encode
from molmix_bench.specs.features import FeatureSpec
from tests.graphs import reference
from tests.graphs.reference import of_smiles
from tests.strategies import featurized

SPEC = FeatureSpec(rwse=3, laplacian=2)


def _arrays(batch):
    named = ("atom_code", "bond_code", "batch", "edge_index", "ptr")
    return {name: getattr(batch, name).tolist() for name in named} | {
        name: values.tolist() for name, values in batch.encodings.items()
    }


def test_a_batch_by_hand():
    """Ethanol, an empty graph and carbon monoxide, in another order than stored."""
    graphs = of_smiles("[C-]#[O+]", "CCO", "")
    batch = Collator(graphs, encode(graphs, SPEC))(np.array([1, 2, 0]))
    assert batch.num_graphs == 3
    assert batch.molecules.tolist() == [1, 2, 0]
    assert batch.ptr.tolist() == [0, 3, 3, 5]
    assert batch.batch.tolist() == [0, 0, 0, 2, 2]
    assert batch.edge_index.tolist() == [[0, 1, 1, 2, 3, 4], [1, 0, 2, 1, 4, 3]]
    assert batch.x[:, 0].tolist() == [6, 6, 8, 6, 8]
    assert batch.edge_attr[:, 0].tolist() == [0, 0, 0, 0, 2, 2]
    assert batch.encodings["rwse"].tolist() == [[0, 0.5, 0], [0, 1, 0], [0, 0.5, 0], [0, 1, 0], [0, 1, 0]]
    assert batch.encodings["laplacian_values"].tolist() == [[1, 2]] * 3 + [[2, 0]] * 2


def test_no_molecules():
    """A batch of no molecules has no rows anywhere, and one entry in ptr."""
    graphs = of_smiles("CC")
    batch = Collator(graphs, encode(graphs, SPEC))(np.zeros(0, np.int64))
    assert (batch.num_graphs, batch.num_nodes, batch.num_edges) == (0, 0, 0)
    assert batch.ptr.tolist() == [0]
    assert batch.edge_index.shape == (2, 0)
    assert batch.encodings["rwse"].shape == (0, 3)


def test_encodings_that_are_left_out():
    """Encodings without columns are not in the batch."""
    graphs = of_smiles("CC")
    spec = FeatureSpec(rwse=0, laplacian=0)
    batch = Collator(graphs, encode(graphs, spec))(np.array([0]))
    assert dict(batch.encodings) == {}


@pytest.mark.parametrize("molecule", [-1, 2, 2**40])
def test_molecules_that_do_not_exist(molecule):
    """Rows outside the store are refused before anything is read."""
    graphs = of_smiles("CC", "O")
    collate = Collator(graphs, encode(graphs, SPEC))
    with pytest.raises(IndexError):
        collate(np.array([0, molecule]))


@given(featurized(), st.data())
def test_any_batch_equals_the_reference(graphs, data):
    """Any molecules in any order, some of them twice, give what the reference gives."""
    encodings = encode(graphs, SPEC)
    num_graphs = len(graphs.atom_ptr) - 1
    rows = st.integers(0, max(0, num_graphs - 1))
    molecules = data.draw(st.lists(rows, max_size=8 if num_graphs else 0))
    batch = Collator(graphs, encodings)(np.array(molecules, np.int64))
    assert _arrays(batch) == reference.collate(graphs, encodings, SPEC, molecules)


@given(featurized())
def test_separating_a_batch_gives_its_molecules_back(graphs):
    """Cut at ptr, a batch of all molecules is those molecules again: collating loses and mixes nothing."""
    batch = Collator(graphs, encode(graphs, SPEC))(np.arange(len(graphs.atom_ptr) - 1))
    assert batch.ptr.tolist() == graphs.atom_ptr.tolist()
    assert batch.atom_code.tolist() == graphs.atom_code.tolist()
    one_way = batch.edge_index[:, ::2]
    assert (one_way - batch.ptr[batch.batch[one_way]]).T.tolist() == graphs.bonds[:, :2].tolist()
    assert batch.edge_index[:, 1::2].tolist() == one_way.flip(0).tolist()
    assert batch.bond_code[::2].tolist() == batch.bond_code[1::2].tolist() == graphs.bonds[:, 2].tolist()
