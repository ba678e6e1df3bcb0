"""Tests of the stack of layers."""

from __future__ import annotations

import pytest
import torch

from molmix_bench.models.embeddings import Embeddings
from molmix_bench.models.message_passing import MessagePassing
from molmix_bench.models.virtual_node import tell_atoms
from tests.models.small import ARCHITECTURES, FEATURES, SPEC, make_batch


@pytest.mark.parametrize("residual", [True, False])
def test_layers_by_hand(residual):
    """The stack is what its parts give when they are called one by one, with and without the input added."""
    torch.manual_seed(0)
    body = MessagePassing(SPEC.model_copy(update={"residual": residual, "dropout": 0.5}), features=FEATURES).eval()
    batch = make_batch()
    x = body.encoder(batch)
    for layer in body.layers:
        update = layer.conv(x, batch.edge_index, layer.bonds(batch.bond_table), batch.bond_code)
        update = layer.after.norm(update).relu()
        x = x + update if residual else update
    torch.testing.assert_close(body(batch), x)


def test_virtual_nodes_by_hand():
    """Before each layer atoms are told, after each but the last virtual nodes gather."""
    torch.manual_seed(0)
    body = MessagePassing(SPEC.model_copy(update={"virtual_node": True}), features=FEATURES).eval()
    batch = make_batch()
    state = Embeddings(body.encoder(batch), graphs=body.first_graph.expand(batch.num_graphs, -1))
    state = body.layers[0](tell_atoms(state, batch), batch)
    state = body.virtual_updates[0](state, batch)
    state = body.layers[1](tell_atoms(state, batch), batch)
    assert len(body.virtual_updates) == len(body.layers) - 1 == 1
    torch.testing.assert_close(body(batch), state.nodes)


def test_layers_may_share_an_encoder_of_bonds():
    """With `shared_bonds` there is one table of bonds, otherwise one for each layer."""
    for name in ("gine", "gps"):
        for shared, count in ((True, 1), (False, 2)):
            spec = ARCHITECTURES[name].model_copy(update={"shared_bonds": shared})
            names = [name for name, _ in MessagePassing(spec, features=FEATURES).named_parameters() if "bonds" in name]
            assert len(names) == count


def test_dropout_is_drawn_from_torchs_generator_in_training():
    """With one seed, training gives the same twice; with another, something else."""
    for spec in ARCHITECTURES.values():
        changes = {"dropout": 0.5, "flip_signs": False, "virtual_node": True}
        body = MessagePassing(spec.model_copy(update=changes), features=FEATURES)
        batch = make_batch()
        outputs = []
        for seed in (0, 0, 1):
            torch.manual_seed(seed)
            outputs.append(body(batch))
        assert torch.equal(outputs[0], outputs[1])
        assert not torch.equal(outputs[0], outputs[2])
