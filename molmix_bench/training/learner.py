"""What a run asks of a model, whether trained in epochs or fitted task by task; and networks, which are trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch

from molmix_bench.errors import RunError
from molmix_bench.models.network import Network, count_parameters, make_network, set_fingerprints
from molmix_bench.specs.model import FingerprintMlpSpec, FittedSpec, TrainedSpec
from molmix_bench.specs.result import Hardware, SeedResult, Target
from molmix_bench.talk import say
from molmix_bench.training.checkpoint import load_weights
from molmix_bench.training.environment import read_hardware
from molmix_bench.training.folder import RunFolder
from molmix_bench.training.journal import read_records
from molmix_bench.training.loop import Setting
from molmix_bench.training.predict import Predictions, predict_split
from molmix_bench.training.processes import train
from molmix_bench.training.randomness import seeded
from molmix_bench.training.trivial import predict_trivially
from molmix_bench.vocab import Level, Split


class Learner(Protocol):
    """A model of a run, for each of its seeds."""

    @property
    def num_parameters(self) -> int:
        """Of one seed, as `RunResult.num_parameters` says."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the scores has to know."""

    def learn(self, seed: int) -> SeedResult:
        """Learns with one seed, going on where it was interrupted; predicts with what it learnt from then on."""

    def predict(self, result: SeedResult, split: Split) -> Mapping[str, Predictions]:
        """Returns predictions for a split, by dataset that has molecules in it."""

    def seconds(self, seed: int) -> tuple[float, float]:
        """Returns how long it learnt with one seed, over all pieces: without and with validation."""

    def hardware(self) -> Hardware:
        """Returns where it learnt, over all seeds and pieces."""


class NetworkLearner:
    """A network, trained in epochs.

    Args:
        setting: what the run's seeds have in common; its targets are those that the network has heads for.
        others: what it cannot learn, which the trivial predictor predicts.
        folder: of the run.
        devices: processes that train a network together.

    Raises:
        RunError: the network is too large, or cannot be made.
    """

    def __init__(self, setting: Setting, others: tuple[Target, ...], *, folder: RunFolder, devices: int = 1) -> None:
        self._setting = setting
        self._others = others
        self._folder = folder
        self._devices = devices
        self.num_parameters = _announce(setting)
        self.notes = tuple(f"{target.dataset}: {_UNLEARNT}" for target in others)

    def learn(self, seed: int) -> SeedResult:
        """Trains one network, and returns which epoch's weights are to predict."""
        folder = self._folder.seed(seed)
        progress = train(self._setting, _make_network, seed=seed, folder=folder, devices=self._devices)
        epoch = progress.best_epoch if self._setting.spec.training.checkpoint == "best" else progress.epoch
        selections = {record.epoch: record.selection for record in read_records(folder.metrics)}
        return SeedResult(seed=seed, epoch=epoch, selection=selections.get(epoch))

    def predict(self, result: SeedResult, split: Split) -> dict[str, Predictions]:
        """Returns what the network with the chosen epoch's weights predicts."""
        setting = self._setting
        network = _make_network(setting, result.seed)
        load_weights(self._folder.seed(result.seed).weights(result.epoch, setting.spec.training.checkpoint), network)
        device = setting.fabric.device
        network.to(device)
        found = predict_split(network, setting.objectives(), store=setting.store, split=split, device=device)
        return found | predict_trivially(self._others, setting.store, split, members=setting.members)

    def seconds(self, seed: int) -> tuple[float, float]:
        """Returns the time of training, and of training and validation, over all epochs."""
        records = read_records(self._folder.seed(seed).metrics)
        train = sum(record.train_seconds for record in records)
        return train, train + sum(record.validation_seconds for record in records)

    def hardware(self) -> Hardware:
        """Returns where the epochs of all seeds were trained."""
        seeds = self._setting.spec.training.seeds
        records = [record for seed in seeds for record in read_records(self._folder.seed(seed).metrics)]
        accelerators = [record.accelerator for record in records]
        return read_hardware(self._setting.fabric.device, accelerators=accelerators, devices=self._devices)


_UNLEARNT = "labels of atoms, which have no fingerprint; the trivial predictor, the mean of the train labels, stands in"


def learnt_targets(model: TrainedSpec, targets: tuple[Target, ...]) -> tuple[tuple[Target, ...], tuple[Target, ...]]:
    """Returns the targets that a network has heads for, and the others.

    Raises:
        RunError: it has none.
    """
    if not isinstance(model, FingerprintMlpSpec):
        return targets, ()
    learnt = tuple(target for target in targets if target.level is Level.GRAPH)
    if not learnt:
        names = ", ".join(target.dataset for target in targets)
        fix = "take another model, or a dataset of labels of molecules"
        raise RunError(f"datasets {names}", found="labels of atoms alone, which have no fingerprint", fix=fix)
    return learnt, tuple(target for target in targets if target not in learnt)


def _announce(setting: Setting) -> int:
    """Says what will be trained on what, and returns the number of trainable parameters, if the budget allows it."""
    spec, datasets = setting.spec, ", ".join(target.dataset for target in setting.targets)
    found = count_parameters(_make_network(setting, spec.training.seeds[0]))
    if spec.max_parameters is not None and found > spec.max_parameters:
        raise RunError(
            f"run {spec.name}",
            found=f"{found:,} trainable parameters",
            expected=f"at most {spec.max_parameters:,}, as max_parameters says",
            fix="make the network smaller, or raise max_parameters",
        )
    molecules = setting.train_loader(0, 1).num_molecules
    say(f"{spec.name}: {found:,} parameters learn {datasets} from {molecules:,} molecules of {spec.mix}")
    return found


def _make_network(setting: Setting, seed: int) -> Network:
    """Returns a network with the initial weights of a seed."""
    spec = setting.spec
    if isinstance(spec.model, FittedSpec):
        raise TypeError(f"{spec.model.architecture} is no network")
    with seeded(seed, 0, device=torch.device("cpu")):
        network = make_network(spec.model, features=spec.features, targets=setting.targets)
    return set_fingerprints(network, setting.fingerprints)
