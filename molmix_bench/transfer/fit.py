"""A network trained on the few molecules of a fold, until validation does not get better."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import nn

from molmix_bench.metrics.cells import IntArray
from molmix_bench.models.network import Network, set_fingerprints
from molmix_bench.specs.finetune import TuningSpec
from molmix_bench.specs.result import Target
from molmix_bench.specs.run import ClassLossSpec, TrainingSpec
from molmix_bench.training.objective import Objective
from molmix_bench.training.predict import EVAL_BATCH_SIZE, predict
from molmix_bench.training.randomness import seeded
from molmix_bench.training.schedule import rate_factor
from molmix_bench.training.selection import is_better
from molmix_bench.training.step import RATE_SHARE, Step
from molmix_bench.transfer.featurized import Featurized
from molmix_bench.transfer.fold_data import FoldData


@dataclass(frozen=True, slots=True)
class Fitted:
    """A network with the weights of the epoch that was best on validation, in evaluation mode."""

    network: Network
    epoch: int
    """From 1; of both stages together."""
    selection: float | None
    """On validation; None where it cannot be scored, and the last epoch is taken."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """Some epochs with one choice of what is trained.

    Attributes:
        body_share: the body's learning rate, as a share of the head's; 0 keeps the body as it is, its norms too.
    """

    epochs: int
    body_share: float
    first: int = 0
    """Epochs before it."""


@dataclass(slots=True)
class _Best:
    """The weights that were best so far."""

    epoch: int = 0
    value: float | None = None
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    def offer(self, epoch: int, value: float | None, network: Network) -> None:
        if is_better(value, self.value):
            self.epoch, self.value = epoch, value
            self.weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


class Fitter:
    """Trains networks on one fold.

    Args:
        data: the fold.
        spec: how.
        fabric: where.
        failed_batch: where a batch is put whose loss is not finite.
    """

    def __init__(self, data: FoldData, spec: TuningSpec, *, fabric: Fabric, failed_batch: Path) -> None:
        self._data, self._spec, self._fabric, self._failed = data, spec, fabric, failed_batch
        self._objective = objective_of(data.target, fabric.device)

    def head_first(self, network: Network, *, seed: int) -> Fitted:
        """Trains the head alone, then head and body, the body at a lower rate."""
        spec = self._spec
        stages = (
            _Stage(spec.head_epochs, 0.0),
            _Stage(spec.epochs, spec.body_share, first=spec.head_epochs),
        )
        return self._fit(network, stages, seed=seed)

    def everything(self, network: Network, *, seed: int, body_share: float | None = None) -> Fitted:
        """Trains head and body, the body at a share of the rate: the spec's where None."""
        share = self._spec.body_share if body_share is None else body_share
        return self._fit(network, (_Stage(self._spec.epochs, share),), seed=seed)

    def predict(self, network: Network, places: IntArray) -> NDArray[np.floating]:
        """Returns what a network predicts for some molecules, (n, num_outputs)."""
        return predict_places(network, self._objective, self._data.molecules, places, device=self._fabric.device)

    def _fit(self, network: Network, stages: tuple[_Stage, ...], *, seed: int) -> Fitted:
        set_fingerprints(network, self._data.molecules.fingerprints)
        best = _Best()
        for stage in stages:
            if best.weights:
                network.load_state_dict(best.weights)
            self._run_stage(network, stage, best, seed=seed)
        network.load_state_dict(best.weights)
        return Fitted(network.eval(), best.epoch, best.value)

    def _run_stage(self, network: Network, stage: _Stage, best: _Best, *, seed: int) -> None:
        spec, start = self._spec, max(best.epoch, stage.first)
        with _frozen(network.body, frozen=stage.body_share == 0):
            step = self._step(network, stage)
            for position in range(stage.epochs):
                epoch = stage.first + position + 1
                with seeded(seed, epoch, device=self._fabric.device):
                    self._run_epoch(network, step, stage, seed=seed, epoch=epoch)
                value = self._data.selection(self.predict(network, self._data.fold.validation))
                best.offer(epoch, value, network)
                if value is not None and epoch - max(best.epoch, start) >= spec.patience:
                    break

    def _run_epoch(self, network: Network, step: Step, stage: _Stage, *, seed: int, epoch: int) -> None:
        spec, data = self._spec, self._data
        loader = data.molecules.loader(
            data.fold.train,
            data.labels,
            dataset=data.target.dataset,
            batch_size=spec.batch_size,
            order=(seed, epoch),
        )
        network.train()
        if stage.body_share == 0:
            network.body.eval()
        for position, batch in enumerate(loader):
            done = (epoch - stage.first - 1) * len(loader) + position
            factor = rate_factor(spec.schedule, step=done, num_steps=stage.epochs * len(loader))
            where = f"{data.target.dataset}, epoch {epoch}, batch {position + 1} of {len(loader)}"
            step(batch, rate=spec.optimizer.learning_rate * factor, where=where)
        step.finish()

    def _step(self, network: Network, stage: _Stage) -> Step:
        spec = self._spec
        groups: list[dict[str, Any]] = [{"params": list(network.heads.parameters())}]
        if stage.body_share:
            groups.append({"params": list(network.body.parameters()), RATE_SHARE: stage.body_share})
        optimizer = torch.optim.AdamW(groups, lr=spec.optimizer.learning_rate, weight_decay=spec.optimizer.weight_decay)
        model, wrapped = self._fabric.setup(network, optimizer)
        training = TrainingSpec(epochs=stage.epochs, batch_size=spec.batch_size, optimizer=spec.optimizer)
        return Step(
            spec=training,
            fabric=self._fabric,
            model=model,
            optimizer=wrapped,
            objectives={self._data.target.dataset: self._objective},
            failed_batch=self._failed,
        )


def objective_of(target: Target, device: torch.device) -> Objective:
    """Returns the loss of a target of a user's own, whose classes have no order that anyone knows of."""
    return Objective.of(target, device=device, class_loss=ClassLossSpec(cross_entropy=1.0))


def predict_places(
    network: Network, objective: Objective, molecules: Featurized, places: IntArray, *, device: torch.device
) -> NDArray[np.floating]:
    """Returns what a network predicts for some molecules, (n, num_outputs), in the form that is scored."""
    set_fingerprints(network, molecules.fingerprints)
    name, target = objective.target.dataset, objective.target
    nothing = np.full((len(molecules), len(target.tasks)), np.nan)
    loader = molecules.loader(places, nothing, dataset=name, batch_size=EVAL_BATCH_SIZE, order=None)
    made = [found[name] for found in predict(network, loader, {name: objective}, device=device)]
    return np.concatenate([np.empty((0, target.num_outputs), np.float32), *made])


@contextmanager
def _frozen(body: nn.Module, *, frozen: bool) -> Iterator[None]:
    """Keeps gradients from a body for a while, so that none are computed for nothing."""
    if frozen:
        body.requires_grad_(False)
    try:
        yield
    finally:
        body.requires_grad_(True)
