"""Tests of virtual nodes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from molmix_bench.models.embeddings import Embeddings
from molmix_bench.models.virtual_node import VirtualUpdate, tell_atoms
from tests.models.small import make_batch


def test_atoms_are_told_what_their_molecule_holds():
    """Each atom gets its own molecule's virtual node added."""
    batch = make_batch(("CC", "O"))
    state = Embeddings(torch.tensor([[1.0], [2.0], [3.0]]), graphs=torch.tensor([[10.0], [20.0]]))
    assert tell_atoms(state, batch).nodes.tolist() == [[11.0], [12.0], [23.0]]


@pytest.mark.parametrize(("residual", "expected"), [(True, [[23.0], [43.0]]), (False, [[13.0], [23.0]])])
def test_virtual_nodes_gather_by_hand(residual, expected):
    """With the identity as perceptron, a node becomes its sum with its atoms, plus itself with residuals."""
    batch = make_batch(("CC", "O"))
    update = VirtualUpdate(1, activation="relu", norm="none", dropout=0.0, residual=residual)
    update.mlp = nn.Identity()
    state = Embeddings(torch.tensor([[1.0], [2.0], [3.0]]), graphs=torch.tensor([[10.0], [20.0]]))
    assert update(state, batch).graphs.tolist() == expected
