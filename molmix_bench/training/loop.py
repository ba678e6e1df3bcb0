"""The training of one network: one seed of a run, epoch by epoch, resumable after each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from tqdm import tqdm

from molmix_bench.errors import RunError
from molmix_bench.graphs.loader import Loader
from molmix_bench.graphs.order import Order
from molmix_bench.graphs.store import GraphStore
from molmix_bench.models.fingerprints import FingerprintTable
from molmix_bench.models.network import Network
from molmix_bench.specs.result import EpochRecord, Target
from molmix_bench.specs.run import RunSpec
from molmix_bench.talk import say
from molmix_bench.training.averaging import MovingAverage
from molmix_bench.training.board import Board, open_board
from molmix_bench.training.checkpoint import Progress, load_checkpoint, save_checkpoint, save_weights
from molmix_bench.training.environment import accelerator_name
from molmix_bench.training.folder import SeedFolder
from molmix_bench.training.journal import append_record, trim_records
from molmix_bench.training.objective import Objective
from molmix_bench.training.predict import predict_split
from molmix_bench.training.randomness import seeded
from molmix_bench.training.schedule import rate_factor
from molmix_bench.training.selection import is_better, selection_value
from molmix_bench.training.step import Step, Sums, add_sums, mean_losses, reduced, weigh
from molmix_bench.training.validation import References, macro_values, score_split
from molmix_bench.vocab import Split

_BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}, {rate_fmt}{postfix}"
"""Of so few signs that 80 have room for the loss and the metric of validation."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all seeds of a run have in common."""

    spec: RunSpec
    targets: tuple[Target, ...]
    store: GraphStore
    validation: References
    fabric: Fabric
    fingerprints: FingerprintTable | None = None
    """Of the store, where the network looks at them."""
    members: NDArray[np.int64] | None = None
    """Places in the train split that are learnt from; None for all."""

    def objectives(self) -> dict[str, Objective]:
        """Returns losses and predictions by dataset."""
        training, device = self.spec.training, self.fabric.device
        return {
            target.dataset: Objective.of(target, device=device, class_loss=training.class_loss, mean=training.loss_mean)
            for target in self.targets
        }

    def train_loader(self, seed: int, epoch: int) -> Loader:
        """Returns the train split's molecules in the order of one epoch."""
        training = self.spec.training
        source = self.store.source(Split.TRAIN, [target.dataset for target in self.targets])
        return Loader(
            source if self.members is None else source.only(self.members),
            batch_size=training.batch_size,
            seed=seed,
            epoch=epoch,
            only_labelled=True,
            order=Order(
                max_nodes=training.max_nodes,
                sampling=training.sampling,
                block_size=training.block_size,
                buffer_blocks=training.buffer_blocks,
                rank=self.fabric.global_rank,
                world_size=self.fabric.world_size,
                even=self.fabric.world_size > 1,
                join_single=True,
            ),
        )


class Trainer:
    """Trains one network to the last epoch, going on after the last complete one.

    Everything random is derived from the seed and the number of the epoch, so an epoch comes out the same whether
    those before it ran in this process or in another.

    Args:
        setting: what the run's seeds have in common.
        network: with the initial weights of this seed; trained in place.
        seed: of this network.
        folder: where checkpoints and the journal go.
    """

    def __init__(self, setting: Setting, network: Network, *, seed: int, folder: SeedFolder) -> None:
        self._setting = setting
        self._spec = setting.spec.training
        self._seed = seed
        self._folder = folder
        self._name = f"{setting.spec.name}, seed {seed}"
        self._network = network
        # One process writes; the others only compute.
        self._writes = setting.fabric.global_rank == 0
        settings = self._spec.optimizer
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        # The wrapped pair knows about devices and processes; the plain one is what checkpoints hold.
        model, optimizer = setting.fabric.setup(network, self._optimizer)
        decay = self._spec.weight_average
        self._average = None if decay is None else MovingAverage(network, decay=decay)
        self._step = Step(
            spec=self._spec,
            fabric=setting.fabric,
            model=model,
            optimizer=optimizer,
            objectives=setting.objectives(),
            failed_batch=folder.failed_batch,
        )

    def train(self) -> Progress:
        """Trains to the last epoch and returns which one was the best.

        Raises:
            RunError: the loss or a prediction is not finite, or the checkpoint cannot be read or written.
        """
        progress = Progress()
        if self._folder.last.is_file():
            progress = load_checkpoint(self._folder.last, self._network, self._optimizer, average=self._average)
            if self._writes:
                say(f"{self._name}: going on after epoch {progress.epoch} of {self._spec.epochs}")
        if self._writes:
            trim_records(self._folder.metrics, progress.epoch)
        # Nobody writes a checkpoint that somebody still has to read.
        self._setting.fabric.barrier()
        size = self._setting.train_loader(self._seed, 1).num_molecules
        with (
            self._board(progress) as board,
            tqdm(
                desc=f"seed {self._seed}",
                bar_format=_BAR,
                total=self._spec.epochs * size,
                initial=progress.epoch * size,
                unit="graph",
                unit_scale=True,
                disable=None if self._writes else True,
            ) as bar,
        ):
            for epoch in range(progress.epoch + 1, self._spec.epochs + 1):
                record = self._run_epoch(epoch, bar)
                bar.set_postfix(loss=f"{record.loss:.4f}", validation=f"{_shown(record.selection)}")
                progress = self._keep(record, progress) if self._writes else progress
                board.add(record)
        return progress

    def _board(self, progress: Progress) -> AbstractContextManager[Board]:
        return open_board(self._folder.board, after=progress.epoch) if self._writes else nullcontext(Board(None))

    def _run_epoch(self, epoch: int, bar: tqdm[Any]) -> EpochRecord:
        loader = self._setting.train_loader(self._seed, epoch)
        began = time.perf_counter()
        fabric = self._setting.fabric
        with seeded(self._seed, epoch, device=fabric.device, rank=fabric.global_rank):
            sums = add_sums(self._train(loader, epoch, bar))
        losses = mean_losses(self._over_processes(sums))
        trained = time.perf_counter()
        validation = self._validate() if self._validates(epoch) else {}
        return EpochRecord(
            epoch=epoch,
            loss=weigh(losses, self._spec.loss_weights).item(),
            losses={name: loss.item() for name, loss in losses.items()},
            validation=validation,
            selection=selection_value(validation, {target.dataset: target.kind for target in self._setting.targets}),
            learning_rate=self._rate(epoch * len(loader) - 1, len(loader)),
            graphs_per_second=fabric.world_size * loader.num_molecules / (trained - began),
            train_seconds=trained - began,
            validation_seconds=time.perf_counter() - trained,
            accelerator=accelerator_name(fabric.device),
        )

    def _train(self, loader: Loader, epoch: int, bar: tqdm[Any]) -> Iterator[Sums]:
        """Yields the losses of each batch of an epoch while it changes the weights.

        Raises:
            RunError: a loss is not finite, or there is no batch.
        """
        if not len(loader):
            raise RunError(
                f"{self._name}, epoch {epoch}",
                found=f"fewer batches than the {self._setting.fabric.world_size} processes that share them",
                fix="lower training.batch_size, or train with fewer devices",
            )
        self._step.model.train()
        for position, batch in enumerate(loader):
            rate = self._rate((epoch - 1) * len(loader) + position, len(loader))
            yield self._step(batch, rate=rate, where=f"epoch {epoch}, batch {position + 1} of {len(loader)}")
            if self._average is not None:
                self._average.update()
            bar.update(batch.num_graphs)
        self._step.finish()

    def _over_processes(self, sums: Sums) -> Sums:
        totals = reduced(self._setting.fabric, [total for total, _ in sums.values()])
        counts = reduced(self._setting.fabric, [count for _, count in sums.values()])
        return dict(zip(sums, zip(totals, counts, strict=True), strict=True))

    def _rate(self, step: int, steps_per_epoch: int) -> float:
        """Returns the learning rate of a step, counted from 0 over the whole training."""
        num_steps = self._spec.epochs * steps_per_epoch
        return self._spec.optimizer.learning_rate * rate_factor(self._spec.schedule, step=step, num_steps=num_steps)

    def _validate(self) -> dict[str, dict[str, float | None]]:
        setting = self._setting
        if not setting.validation or not self._writes:
            return {}
        with self._averaged():
            predictions = predict_split(
                self._network,
                self._step.objectives,
                store=setting.store,
                split=Split.VALIDATION,
                device=setting.fabric.device,
            )
        return macro_values(score_split(predictions, setting.validation, seed=self._seed))

    def _validates(self, epoch: int) -> bool:
        """Whether an epoch is one of those that may be chosen."""
        return epoch % self._spec.validate_every == 0 or epoch == self._spec.epochs

    def _averaged(self) -> AbstractContextManager[None]:
        """Gives the network the weights that are to predict."""
        return nullcontext() if self._average is None else self._average.applied()

    def _keep(self, record: EpochRecord, progress: Progress) -> Progress:
        """Writes what an epoch gave; the checkpoint last, since it is what says that the epoch is complete."""
        best = self._validates(record.epoch) and is_better(record.selection, progress.best_value)
        progress = Progress(
            epoch=record.epoch,
            best_epoch=record.epoch if best else progress.best_epoch,
            best_value=record.selection if best else progress.best_value,
        )
        append_record(self._folder.metrics, record)
        if best:
            with self._averaged():
                save_weights(self._folder.best(record.epoch), self._network)
        save_checkpoint(self._folder.last, self._network, self._optimizer, progress=progress, average=self._average)
        self._folder.remove_other_bests(progress.best_epoch)
        return progress


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
