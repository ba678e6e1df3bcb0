"""The training of one network by several processes, on one machine, each with its share of every batch.

Each process takes a batch of the spec's size, gradients are exchanged, and weights stay the same everywhere: `devices`
processes train as one would with a batch `devices` times as large, but that batch norms normalise by the share that
each process has. The last batches of an epoch are left out where not every process would have one.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, fields
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from molmix_bench.errors import RunError
from molmix_bench.models.network import Network
from molmix_bench.training.checkpoint import Progress
from molmix_bench.training.folder import SeedFolder
from molmix_bench.training.loop import Setting, Trainer
from molmix_bench.training.randomness import deterministic

MakeNetwork = Callable[[Setting, int], Network]
"""Returns a network with the initial weights of a seed; importable by its name."""


def train(setting: Setting, make: MakeNetwork, *, seed: int, folder: SeedFolder, devices: int) -> Progress:
    """Trains one network, in this process or in several others, and returns which epoch was the best.

    Args:
        setting: what the run's seeds have in common; its Fabric is that of this process.
        make: the network.
        seed: of the network.
        folder: where checkpoints and the journal go.
        devices: processes, each with a GPU of its own where the accelerator is one.

    Raises:
        RunError: as `Trainer.train`, or one of the processes ended.
    """
    if devices == 1:
        return Trainer(setting, make(setting, seed), seed=seed, folder=folder).train()
    accelerator = setting.fabric.device.type
    backend = "nccl" if accelerator == "cuda" else "gloo"
    strategy = DDPStrategy(start_method="spawn", process_group_backend=backend)
    fabric = Fabric(accelerator=accelerator, devices=devices, strategy=strategy)
    # A Fabric belongs to its process; each of the others has its own.
    shared = {field.name: getattr(setting, field.name) for field in fields(setting) if field.name != "fabric"}
    errors: SimpleQueue[RunError] = get_context("spawn").SimpleQueue()
    share = _Share(shared, make, seed=seed, folder=folder, threads=torch.get_num_threads(), errors=errors)
    try:
        outcome = fabric.launch(share)
    except (ProcessRaisedException, ProcessExitedException) as error:
        # Where one has stopped for a reason of its own, the others only miss it.
        if not errors.empty():
            raise errors.get() from error
        last = str(error).strip().splitlines()[-1]
        fix = "give the command again; it goes on after the last complete epoch"
        raise RunError(f"training in {devices} processes", found=f"one of them ended ({last})", fix=fix) from error
    if isinstance(outcome, RunError):
        raise outcome
    if not isinstance(outcome, Progress):
        raise TypeError(f"no progress: {outcome!r}")
    return outcome


@dataclass(frozen=True, slots=True)
class _Share:
    """Trains in one of the processes; what all of them raise comes back whole instead of as text."""

    shared: dict[str, Any]
    """Of the setting."""
    make: MakeNetwork
    seed: int
    folder: SeedFolder
    threads: int
    errors: SimpleQueue[RunError]
    """What a process stops for, should others end otherwise for the want of it."""

    def __call__(self, fabric: Fabric) -> Progress | RunError:
        torch.set_num_threads(self.threads)
        own = Setting(**self.shared, fabric=fabric)
        outcome = _outcome(own, self.make, seed=self.seed, folder=self.folder)
        if isinstance(outcome, RunError):
            self.errors.put(outcome)
        _leave_group()
        return outcome


def _outcome(own: Setting, make: MakeNetwork, *, seed: int, folder: SeedFolder) -> Progress | RunError:
    """Trains; an error comes back without its traceback, whose frames would keep the trainer."""
    try:
        with deterministic(own.fabric.device):
            progress = Trainer(own, make(own, seed), seed=seed, folder=folder).train()
    except RunError as error:
        return error.with_traceback(None)
    # No process hangs up while another still takes in the last exchange.
    own.fabric.barrier()
    return progress


def _leave_group() -> None:
    """Ends this process's part in the group while Python can still let go of what the group holds.

    Threads of gloo may still hold tensors of the last exchange; where they let go of them only while Python shuts down,
    the process aborts, and a finished training counts as one that failed. What refers to itself in a circle (the
    trainer's reducer of gradients, through its hooks) holds the group until it is collected.
    """
    gc.collect()
    torch.distributed.destroy_process_group()
