"""The loss of many sparse tasks, forward and backward: ours on the labels there are, against a dense one with NaN."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it

from molmix_bench.graphs.batch_labels import SparseLabels
from molmix_bench.specs.result import Target
from molmix_bench.training.objective import Objective
from molmix_bench.vocab import DType, Kind, Level
from tests.benchmarks.graphs import one_thread
from tests.benchmarks.turns import Record, median_speeds, record

NUM_MOLECULES, NUM_TASKS, LABELLED = 512, 1_328, 0.11
"""A batch shaped like those of PCBA."""
TURNS, REPEATS = 15, 5


def losses() -> list[Record]:
    """Returns labels per second, and the bytes that autograd keeps of a step."""
    torch.manual_seed(0)
    present = torch.rand(NUM_MOLECULES, NUM_TASKS) < LABELLED
    classes = torch.randint(2, present.shape)
    owners, tasks = present.nonzero(as_tuple=True)
    rows = torch.arange(NUM_MOLECULES)
    labels = SparseLabels(rows, owners.int(), tasks.int(), classes[present].to(torch.int8))
    dense = classes.float().masked_fill(~present, torch.nan)
    objective = Objective.of(_target(), device="cpu")
    logits = torch.randn(NUM_MOLECULES, NUM_TASKS, requires_grad=True)

    def ours() -> torch.Tensor:
        total, count = objective.loss(logits, labels)
        return total / count

    def peer() -> torch.Tensor:
        there = ~dense.isnan()
        errors = F.binary_cross_entropy_with_logits(logits, dense.nan_to_num(), reduction="none")
        return (errors * there).sum() / there.sum()

    torch.testing.assert_close(ours(), peer())
    ways = {"ours": ours, "peer": peer}
    with one_thread():
        speeds = median_speeds({name: _step(way, logits, len(owners)) for name, way in ways.items()}, turns=TURNS)
    kept = {name: _kept_bytes(way) for name, way in ways.items()}
    return [
        record("loss of 1,328 tasks, 11 % labelled, against dense", speeds["ours"], speeds["peer"], unit="labels/s"),
        record("the same, kept for the gradient", kept["ours"], kept["peer"], unit="bytes", less_is_better=True),
    ]


def _target() -> Target:
    names = tuple(f"t{task}" for task in range(NUM_TASKS))
    return Target(dataset="pcba", level=Level.GRAPH, kind=Kind.BINARY, dtype=DType.INT8, tasks=names)


def _step(way, logits: torch.Tensor, num_labels: int):
    def turn(_: int) -> int:  # every turn is the same
        for _ in range(REPEATS):
            logits.grad = None
            way().backward()
        return REPEATS * num_labels

    return turn


def _kept_bytes(way) -> int:
    """Returns the bytes of all distinct tensors that the forward pass saves for the backward pass, logits apart."""
    kept = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.requires_grad or not tensor.is_leaf:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        way()
    return sum(kept.values())
