"""Tests of the stack of layers."""

from __future__ import annotations

import pytest
import torch

from molmix_bench.models.message_passing import MessagePassing
from tests.models.small import FEATURES, SPEC, make_batch


@pytest.mark.parametrize("residual", [True, False])
def test_layers_by_hand(residual):
    """The stack is what its parts give when they are called one by one, with and without the input added."""
    torch.manual_seed(0)
    body = MessagePassing(SPEC.model_copy(update={"residual": residual, "dropout": 0.5}), features=FEATURES).eval()
    batch = make_batch()
    x = body.encoder(batch)
    for layer in range(SPEC.depth):
        bonds = body.bonds[layer](batch.bond_table)
        update = body.norms[layer](body.convs[layer](x, batch.edge_index, bonds, batch.bond_code)).relu()
        x = x + update if residual else update
    torch.testing.assert_close(body(batch), x)


def test_dropout_is_drawn_from_torchs_generator_in_training():
    """With one seed, training gives the same twice; with another, something else."""
    body = MessagePassing(SPEC.model_copy(update={"dropout": 0.5, "flip_signs": False}), features=FEATURES)
    batch = make_batch()
    outputs = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        outputs.append(body(batch))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
