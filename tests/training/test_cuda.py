"""Tests on a GPU: what a CPU gives, but for rounding. They are skipped where there is none."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import polars as pl
import pytest
import torch

from molmix_bench.models.network import make_network
from molmix_bench.training.journal import read_records
from molmix_bench.training.objective import Objective
from molmix_bench.training.run import run
from molmix_bench.training.step import Step, mean_losses, weigh
from molmix_bench.training.trained import predict_run
from molmix_bench.vocab import Split
from tests.models.small import ARCHITECTURES, CHARGES, FEATURES, make_batch
from tests.training.small import read_run, run_spec
from tests.training.test_host import LABELS, TARGETS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that PyTorch can use")


def _gradients(network, device):
    """Returns the loss of one batch and the gradients of all weights, on the host."""
    targets = (*TARGETS, CHARGES)
    network = network.to(device).eval()
    batch = replace(make_batch(), labels={target.dataset: LABELS[target.dataset] for target in targets})
    batch = (batch.pin_memory() if device == "cuda" else batch).to(torch.device(device), non_blocking=True)
    objectives = {target.dataset: Objective.of(target, device=device) for target in targets}
    sums = {name: objectives[name].loss(output, batch.labels[name]) for name, output in network(batch).items()}
    loss = weigh(mean_losses(sums), {})
    loss.backward()
    return loss.detach().cpu(), torch.cat([weight.grad.flatten().cpu() for weight in network.parameters()])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_losses_and_gradients_are_those_of_the_cpu(name):
    """Of every architecture, every form of labels and every kind of task."""
    torch.manual_seed(0)
    network = make_network(ARCHITECTURES[name], features=FEATURES, targets=(*TARGETS, CHARGES))
    loss, gradients = _gradients(deepcopy(network), "cpu")
    there, gradients_there = _gradients(network, "cuda")
    assert there == pytest.approx(loss.item(), rel=1e-4)
    assert (gradients_there - gradients).norm() < 1e-3 * gradients.norm()


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_run_trains_there_and_predicts_the_same_on_a_cpu(chains, tmp_path, precision):
    """The loss falls, and a CPU predicts with the weights what the GPU did, but for rounding."""
    done = run(run_spec(training__precision=precision), chains, tmp_path / "run", accelerator="cuda")
    assert done.result.hardware.accelerator == torch.cuda.get_device_name()
    records = read_records(done.folder.seed(0).metrics)
    assert records[-1].loss < records[0].loss
    here = predict_run(done, chains, tmp_path / "here", splits=[Split.TEST])
    assert here
    for path in here:
        there = done.path / "predictions" / path.relative_to(tmp_path / "here")
        values, expected = (_numbers(pl.read_parquet(file)) for file in (path, there))
        assert (values - expected).abs().max() <= 1e-3 * expected.abs().max()


def _numbers(table):
    """Returns all numbers of a table of predictions, in order."""
    parts = [pl.Series(table[name]) for name in table.columns if table[name].dtype != pl.String]
    while any(part.dtype.is_nested() for part in parts):
        parts = [part.explode() if part.dtype.is_nested() else part for part in parts]
    return pl.concat([part.cast(pl.Float64) for part in parts])


def test_an_interrupted_run_ends_with_the_same_bits(chains, tmp_path):
    """Cut in the middle of its third epoch and begun again."""
    whole = run(run_spec(), chains, tmp_path / "whole", accelerator="cuda")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Step, "__call__", _failing_after(20))
        with pytest.raises(KeyboardInterrupt):
            run(run_spec(), chains, tmp_path / "cut", accelerator="cuda")
    cut = run(run_spec(), chains, tmp_path / "cut", accelerator="cuda")
    assert read_run(cut.path) == read_run(whole.path)


def _failing_after(count):
    """Returns a step that is interrupted once it has been taken so many times."""
    original, calls = Step.__call__, []

    def call(*args, **kwargs):
        calls.append(None)
        if len(calls) > count:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    return call
