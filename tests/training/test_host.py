"""Tests that nothing in a step asks the device for a number: on the device `meta`, which has none to give.

Whatever makes the host wait for a GPU (`item`, `nonzero`, `bincount`, a boolean index, a copy back) raises there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from molmix_bench.graphs.batch import DenseLabels, NodeLabels, SparseLabels
from molmix_bench.models.network import make_network
from molmix_bench.specs.model import FingerprintMlpSpec
from molmix_bench.specs.result import Target
from molmix_bench.training.objective import Objective
from molmix_bench.training.step import mean_losses, weigh
from tests.models.small import ARCHITECTURES, ASSAYS, CHARGES, FEATURES, GRADES, PROPS, make_batch

PANEL = Target(dataset="panel", level="graph", kind="binary", dtype="int8", tasks=tuple(map(str, range(120))))
SCREEN = PROPS.model_copy(update={"dataset": "screen"})
TARGETS = (PROPS, ASSAYS, GRADES, PANEL, SCREEN)
LABELS = {
    "props": DenseLabels(torch.tensor([0, 2]), torch.tensor([[1.0, float("nan")], [2.0, 3.0]])),
    "assays": DenseLabels(torch.tensor([1]), torch.tensor([[1.0, 0.0, float("nan")]])),
    "grades": DenseLabels(torch.tensor([3]), torch.tensor([[1.0, 2.0]])),
    "charges": NodeLabels(torch.tensor([0, 4]), torch.tensor([1, 15]), torch.tensor([[0.5], [-1.0]])),
    "panel": SparseLabels(
        torch.tensor([1, 4]),
        torch.tensor([0, 0, 1], dtype=torch.int32),
        torch.tensor([3, 99, 3], dtype=torch.int32),
        torch.tensor([0, 1, 1], dtype=torch.int8),
    ),
    "screen": SparseLabels(
        torch.tensor([2]), torch.zeros(2, dtype=torch.int32), torch.tensor([0, 1], dtype=torch.int32), torch.ones(2)
    ),
}


@pytest.fixture(autouse=True)
def _no_autocast(monkeypatch):
    """`meta` knows no autocast, and PyTorch raises where it is asked about it."""
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda _: False)


def _take_step(network, targets, mean):
    """Does what `Step` does between a batch's arrival and the look at its loss."""
    labels = {target.dataset: LABELS[target.dataset] for target in targets}
    batch = replace(make_batch(), labels=labels).to("meta", non_blocking=True)
    network = network.to("meta").train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1.0, foreach=True)
    objectives = {target.dataset: Objective.of(target, device="meta", mean=mean) for target in targets}
    outputs = network(batch)
    assert list(outputs) == [target.dataset for target in targets]
    sums = {name: objectives[name].loss(output, batch.labels[name]) for name, output in outputs.items()}
    loss = weigh(mean_losses(sums), {"props": 2.0})
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return loss


@pytest.mark.parametrize("mean", ["labels", "tasks"])
@pytest.mark.parametrize("virtual_node", [False, True])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_step_asks_the_device_for_nothing(name, virtual_node, mean):
    """Encoders, layers, heads and losses of every form of labels, forth and back."""
    spec = ARCHITECTURES[name]
    if name != "mpnn":
        spec = spec.model_copy(update={"virtual_node": virtual_node})
    targets = (*TARGETS, CHARGES)
    network = make_network(spec, features=FEATURES, targets=targets)
    assert _take_step(network, targets, mean).device.type == "meta"


def test_fingerprints_are_looked_up_by_what_the_host_knows():
    """The table lies on the host, and so do the rows to be looked up."""
    spec = FingerprintMlpSpec(architecture="fingerprint_mlp", width=8, depth=2)
    network = make_network(spec, features=FEATURES, targets=TARGETS)
    seen = []
    width = network.body.mlp[0].in_features

    class Table:
        def rows(self, molecules):
            seen.extend(molecules.tolist())
            return np.zeros((len(molecules), width), np.float32)

    network.body.table = Table()
    _take_step(network, TARGETS, "labels")
    assert seen == list(range(6))


@pytest.mark.parametrize(
    "ask",
    [
        lambda x: x.max().item(),
        lambda x: x.nonzero(),
        torch.bincount,
        lambda x: x[x > 0],
        torch.Tensor.cpu,
    ],
)
def test_asking_would_raise(ask):
    """These tests can fail: whatever asks does raise."""
    with pytest.raises((RuntimeError, NotImplementedError)):
        ask(torch.zeros(3, dtype=torch.int64, device="meta"))
