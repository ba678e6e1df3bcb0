"""Tests of the moving average of weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from molmix_bench.training import loop
from molmix_bench.training.averaging import MovingAverage
from molmix_bench.training.run import run
from tests.training.small import read_run, run_spec


def _network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def _move(network):
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter))
    network.train()(torch.randn(5, 3))


def test_follows_its_equation():
    """After each step the average is what a loop over the equation gives, weights and running statistics alike."""
    network = _network()
    average = MovingAverage(network, decay=0.5)
    expected = {name: tensor.double().clone() for name, tensor in network.state_dict().items()}
    for step in range(1, 20):
        _move(network)
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        for name, tensor in network.state_dict().items():
            expected[name] = decay * expected[name] + (1 - decay) * tensor.double()
    found = average.state()
    for name in ("0.weight", "0.bias", "1.weight", "1.running_mean", "1.running_var"):
        assert torch.allclose(found[name].double(), expected[name], rtol=1e-5)


def test_applied_for_a_while():
    """Inside, the network has its averages, and its own number of batches; afterwards its own weights, bit for bit."""
    network = _network()
    average = MovingAverage(network, decay=0.9)
    _move(network)
    average.update()
    own = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with average.applied():
        assert torch.equal(network[0].weight, average.state()["0.weight"])
        assert not torch.equal(network[0].weight, own["0.weight"])
        assert network[1].num_batches_tracked == 1
    assert all(torch.equal(tensor, own[name]) for name, tensor in network.state_dict().items())


def test_goes_on_from_its_state():
    """An average that is loaded goes on to the very bits of one that was never interrupted."""
    one, other = _network(), _network()
    first, second = MovingAverage(one, decay=0.99), MovingAverage(other, decay=0.99)
    _move(one)
    first.update()
    second.load({name: tensor.clone() for name, tensor in first.state().items()})
    other.load_state_dict(one.state_dict())
    torch.manual_seed(1)
    _move(one)
    torch.manual_seed(1)
    _move(other)
    first.update()
    second.update()
    assert all(torch.equal(tensor, second.state()[name]) for name, tensor in first.state().items())
    with pytest.raises(KeyError):
        second.load({})


def test_a_run_predicts_with_averages_and_resumes_to_the_bit(chains, tmp_path, monkeypatch):
    """The averages predict, whichever epoch is chosen, and an interruption leaves no trace in them."""
    for checkpoint in ("best", "last"):
        settings = {"training__weight_average": 0.9, "training__checkpoint": checkpoint}
        whole, parts = tmp_path / f"{checkpoint}-whole", tmp_path / f"{checkpoint}-parts"
        averaged = run(run_spec(**settings), chains, whole)
        original, calls = loop.append_record, []

        def interrupted(*args, original=original, calls=calls):
            calls.append(args)
            if len(calls) == 3:
                raise KeyboardInterrupt
            original(*args)

        monkeypatch.setattr(loop, "append_record", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(run_spec(**settings), chains, parts)
        run(run_spec(**settings), chains, parts)
        monkeypatch.undo()
        assert read_run(whole) == read_run(parts)
        plain = run(run_spec(training__checkpoint=checkpoint), chains, tmp_path / f"{checkpoint}-plain")
        assert plain.result.scores != averaged.result.scores
