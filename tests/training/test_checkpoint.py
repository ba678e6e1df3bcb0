"""Tests of checkpoints."""

from __future__ import annotations

import json
import struct

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from molmix_bench.errors import RunError
from molmix_bench.training.checkpoint import (
    Progress,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)


def _pair(width=4):
    network = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Linear(width, 1))
    return network, torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.1, fused=True)


def _step(network, optimizer):
    optimizer.zero_grad()
    network(torch.arange(12.0).reshape(4, 3).sin()).square().sum().backward()
    optimizer.step()


def _state(network, optimizer):
    moments = {
        (position, key): value
        for position, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
    }
    return {**network.state_dict(), **moments}


def test_going_on_from_a_checkpoint_is_going_on(tmp_path):
    """Steps after loading change weights, statistics and moments to the very bits that steps without it do."""
    torch.manual_seed(0)
    network, optimizer = _pair()
    for _ in range(3):
        _step(network, optimizer)
    save_checkpoint(tmp_path / "a", network, optimizer, progress=Progress(epoch=3, best_epoch=2, best_value=0.1))
    other, other_optimizer = _pair()
    progress = load_checkpoint(tmp_path / "a", other, other_optimizer)
    assert progress == Progress(epoch=3, best_epoch=2, best_value=0.1)
    for _ in range(2):
        _step(network, optimizer)
        _step(other, other_optimizer)
    expected, found = _state(network, optimizer), _state(other, other_optimizer)
    assert expected.keys() == found.keys()
    assert all(torch.equal(tensor, found[name]) for name, tensor in expected.items())


def test_weights_alone(tmp_path):
    """Weights are read from a file of weights, and from a whole checkpoint."""
    torch.manual_seed(0)
    network, optimizer = _pair()
    _step(network, optimizer)
    save_weights(tmp_path / "weights", network)
    save_checkpoint(tmp_path / "checkpoint", network, optimizer, progress=Progress())
    for name in ("weights", "checkpoint"):
        other, _ = _pair()
        load_weights(tmp_path / name, other)
        pairs = zip(network.state_dict().values(), other.state_dict().values(), strict=True)
        assert all(torch.equal(one, two) for one, two in pairs)


def test_the_file_is_tensors_and_json(tmp_path):
    """The header is JSON by safetensors' own layout (a length, then text): whatever reads that format reads it."""
    network, optimizer = _pair()
    save_checkpoint(tmp_path / "a", network, optimizer, progress=Progress(epoch=7))
    data = (tmp_path / "a").read_bytes()
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    assert json.loads(header["__metadata__"]["molmix"])["epoch"] == 7
    assert header["model.0.weight"]["shape"] == [4, 3]


@given(st.floats(allow_nan=False, allow_infinity=False) | st.none())
def test_numbers_survive_the_header(value):
    """A best value is read back as the very number that was written."""
    progress = Progress(best_value=value)
    assert Progress.model_validate_json(progress.model_dump_json()) == progress


def test_refuses_weights_of_another_network(tmp_path):
    """The error counts the tensors that differ and names one."""
    network, _ = _pair(width=4)
    save_weights(tmp_path / "a", network)
    with pytest.raises(RunError, match=r"weights of another network \(7 tensors differ, 0\.bias among them\)"):
        load_weights(tmp_path / "a", _pair(width=5)[0])


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda _: b"", lambda data: b"\xff" * 9 + data]
)
def test_refuses_a_damaged_file(damage, tmp_path):
    """A cut, empty or foreign file is named, with what to do."""
    network, optimizer = _pair()
    save_checkpoint(tmp_path / "a", network, optimizer, progress=Progress())
    (tmp_path / "a").write_bytes(damage((tmp_path / "a").read_bytes()))
    with pytest.raises(RunError, match=r"no readable checkpoint .* train it again"):
        load_checkpoint(tmp_path / "a", network, optimizer)
