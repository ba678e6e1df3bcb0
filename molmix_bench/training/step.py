"""One change of a network's weights, from one batch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from molmix_bench.errors import RunError
from molmix_bench.graphs.batch import Batch
from molmix_bench.specs.run import TrainingSpec
from molmix_bench.training.checkpoint import write_tensors
from molmix_bench.training.memory import enough_memory
from molmix_bench.training.objective import Objective

RATE_SHARE = "rate_share"
"""In a group of an optimizer's parameters: their learning rate, as a multiple of that of the step; 1 where absent."""

Sums = Mapping[str, tuple[Tensor, Tensor]]
"""By dataset: the sum of the losses of all labels present, and their number, both 0-dimensional."""


class _OnItsWay:
    """A number that a GPU sends to the host when it gets there, so that asking for it waits for nothing later."""

    def __init__(self, number: Tensor) -> None:
        self._number = number
        self._sent: torch.cuda.Event | None = None
        if number.device.type == "cuda":
            self._number = torch.empty_like(number, device="cpu", pin_memory=True)
            self._number.copy_(number, non_blocking=True)
            self._sent = torch.cuda.Event()  # type: ignore[no-untyped-call]  # PyTorch's
            self._sent.record()

    def item(self) -> float:
        """Returns the number, when it is there."""
        if self._sent is not None:
            self._sent.synchronize()
        return float(self._number.item())


@dataclass(frozen=True, slots=True)
class _Done:
    """A step whose loss has not been looked at yet."""

    batch: Batch
    loss: _OnItsWay
    sums: Sums
    where: str


@dataclass(slots=True)
class Step:
    """Forward, loss, backward, update.

    The loss is the weighted sum over datasets of the mean over all labels of that dataset in the batch: each label of
    a batch counts the same, whichever its task, unless the run's `loss_mean` says that each task does.

    Whether a loss is finite is asked when the next step has been given to the GPU, and after the last one by `finish`:
    so the next batch is made, pinned and sent while a GPU is still at work on this one, which never waits for the host.
    """

    spec: TrainingSpec
    fabric: Fabric
    model: nn.Module
    """As wrapped by Fabric."""
    optimizer: torch.optim.Optimizer
    objectives: Mapping[str, Objective]
    failed_batch: Path
    """Where a batch is put whose loss is not finite."""
    _last: _Done | None = field(default=None, init=False)

    def __call__(self, batch: Batch, *, rate: float, where: str) -> Sums:
        """Updates the weights with one batch and returns what its losses were.

        Args:
            batch: with labels.
            rate: the learning rate.
            where: epoch and batch, for errors.

        Raises:
            RunError: the loss of the batch before is not finite; the weights are of no use any more. Or memory does
                not suffice.
        """
        fix = "lower training.batch_size, or set training.max_nodes, which bounds the atoms of a batch"
        with enough_memory(where, batch, fix=fix):
            return self._take(batch, rate=rate, where=where)

    def _take(self, batch: Batch, *, rate: float, where: str) -> Sums:
        sums = self._forward(self._sent(batch))
        loss = weigh(mean_losses(self._shared(sums)), self.spec.loss_weights)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get(RATE_SHARE, 1.0)
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        if self.spec.optimizer.clip_norm is not None:
            self.fabric.clip_gradients(
                self.model, self.optimizer, max_norm=self.spec.optimizer.clip_norm, error_if_nonfinite=False
            )
        self.optimizer.step()
        sums = {name: (total.detach(), count) for name, (total, count) in sums.items()}
        # Where one process finds a loss that is not finite, all stop.
        done = _Done(batch, _OnItsWay(reduced(self.fabric, [loss.detach()])[0]), sums, where)
        self.finish()
        self._last = done
        return sums

    def finish(self) -> None:
        """Looks at the loss of the last step.

        Raises:
            RunError: it is not finite; the weights are of no use any more.
        """
        last, self._last = self._last, None
        if last is not None and not math.isfinite(last.loss.item()):
            raise self._explain(last)

    def _sent(self, batch: Batch) -> Batch:
        device = self.fabric.device
        return (batch.pin_memory() if device.type == "cuda" else batch).to(device, non_blocking=True)

    def _forward(self, batch: Batch) -> Sums:
        # Fabric's own mixed precision would also round the encodings, and refuses frozen dataclasses.
        with torch.autocast(batch.batch.device.type, torch.bfloat16, enabled=self.spec.precision == "bf16-mixed"):
            outputs = self.model(batch)
        return {name: self.objectives[name].loss(output, batch.labels[name]) for name, output in outputs.items()}

    def _shared(self, sums: Sums) -> Sums:
        """Returns the sums so that the mean of all processes' losses, which gradients are of, is that of one batch."""
        if self.fabric.world_size == 1:
            return sums
        counts = reduced(self.fabric, [count for _, count in sums.values()])
        both = zip(sums.items(), counts, strict=True)
        return {name: (self.fabric.world_size * total, count.to(total.dtype)) for (name, (total, _)), count in both}

    def _explain(self, step: _Done) -> RunError:
        losses = mean_losses(step.sums)
        guilty = [name for name, loss in losses.items() if not math.isfinite(loss.item())]
        rank, path = self.fabric.global_rank, self.failed_batch
        if rank:  # a process has a batch of its own, and may fail at the same instant as another
            path = path.with_stem(f"{path.stem}-{rank}")
        write_tensors(path, _tensors(step.batch))
        return RunError(
            step.where,
            found=f"a loss that is not finite ({', '.join(guilty or losses)}); the batch is in {path}, "
            "and the checkpoint of the last complete epoch, where there is one, is kept",
            fix="look for impossible labels with `molmix-bench validate`, or lower the learning rate, or set "
            "training.optimizer.clip_norm",
        )


def mean_losses(sums: Sums) -> dict[str, Tensor]:
    """Returns each dataset's mean loss; 0 for a dataset without labels."""
    return {name: total / count.clamp(min=1) for name, (total, count) in sums.items()}


def weigh(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Returns the weighted sum of the datasets' losses; those without a weight count once.

    >>> weigh({"qm9": torch.tensor(0.5), "tox21": torch.tensor(0.25)}, {"tox21": 2.0}).item()
    1.0
    """
    return torch.stack([weights.get(name, 1.0) * loss for name, loss in losses.items()]).sum()


def add_sums(parts: Iterable[Sums]) -> Sums:
    """Returns the sums over several batches, losses in float64."""
    added: dict[str, tuple[Tensor, Tensor]] = {}
    for part in parts:
        for name, (total, count) in part.items():
            before, seen = added.get(name, (0.0, 0))
            added[name] = (before + total.double(), seen + count)
    return added


def reduced(fabric: Fabric, values: list[Tensor]) -> list[Tensor]:
    """Returns numbers summed over all processes, float64; as they are where there is one process.

    Shapes:
        values, returns: 0-dimensional.
    """
    if fabric.world_size == 1:
        return values
    summed = fabric.all_reduce(torch.stack([value.detach().double() for value in values]), reduce_op="sum")
    if not isinstance(summed, Tensor):
        raise TypeError("a sum of tensors is a tensor")
    return list(summed.unbind())


def _tensors(batch: Batch) -> dict[str, Tensor]:
    """Returns every tensor of a batch by name."""
    named = {
        "atom_code": batch.atom_code,
        "bond_code": batch.bond_code,
        "atom_table": batch.atom_table,
        "bond_table": batch.bond_table,
        "edge_index": batch.edge_index,
        "ptr": batch.ptr,
        "molecules": batch.molecules,
    }
    named |= {f"encodings.{name}": values for name, values in batch.half_encodings.items()}
    for name, labels in batch.labels.items():
        named |= {f"labels.{name}.{part.name}": getattr(labels, part.name) for part in fields(labels)}
    return named
