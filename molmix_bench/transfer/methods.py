"""What is fitted on a fold: a pre-trained network in one of three modes, and the references beside it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray

from molmix_bench.metrics.cells import FloatArray, IntArray
from molmix_bench.models.fingerprints import FingerprintArray
from molmix_bench.models.network import Network
from molmix_bench.models.trees import fit_trees
from molmix_bench.specs.finetune import MODES, FinetuneSpec, Method
from molmix_bench.specs.model import BoostingSpec, FingerprintSpec, ForestSpec
from molmix_bench.specs.result import Target
from molmix_bench.training.selection import is_better
from molmix_bench.training.trivial import trivial_value
from molmix_bench.transfer.fit import Fitted, Fitter, objective_of
from molmix_bench.transfer.fold_data import FoldData
from molmix_bench.transfer.probe import Probe, fit_probe
from molmix_bench.transfer.start import LINEAR, Start
from molmix_bench.vocab import Kind


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What a method has learnt on a fold.

    Shapes:
        test: (n, num_outputs), predictions of the molecules tested.
    """

    test: NDArray[np.floating]
    epoch: int
    selection: float | None
    network: Network | None = None
    seconds: float = 0.0


class Methods:
    """Fits every method on any fold; keeps what folds have in common.

    Args:
        start: what networks begin with.
        spec: of the fine-tuning.
        fabric: where networks are trained.
        failed_batch: where a batch is put whose loss is not finite.
    """

    def __init__(self, start: Start, spec: FinetuneSpec, *, fabric: Fabric, failed_batch: Path) -> None:
        self._start, self._spec, self._fabric, self._failed = start, spec, fabric, failed_batch
        self._embeddings: dict[int, FloatArray] = {}
        self._fingerprints: dict[FingerprintSpec, FingerprintArray] = {}

    def seeds(self, method: Method) -> tuple[int, ...]:
        """Returns the seeds with which a method gives different results: one where nothing about it is random."""
        seeds = self._spec.seeds
        # Boosted trees draw nothing without early stopping; forests do.
        fixed = not any(isinstance(item, ForestSpec) for item in self._spec.trees)
        if method == "trivial" or (method == "fingerprints" and fixed):
            return seeds[:1]
        if method == "probe":
            return seeds[: len(self._start.origin.networks)]
        return seeds

    def learn(self, method: Method, data: FoldData, *, seed: int) -> Learnt:
        """Fits one method on one fold.

        Raises:
            RunError: a loss is not finite, or the run's weights cannot be read.
        """
        began = time.perf_counter()
        match method:
            case "probe":
                learnt = self._probe(data, seed)
            case "trivial":
                learnt = _trivial(data)
            case "fingerprints":
                learnt = self._grow(data, seed)
            case _:
                learnt = self._tune(method, data, seed)
        return replace(learnt, seconds=time.perf_counter() - began)

    def _tune(self, method: Method, data: FoldData, seed: int) -> Learnt:
        fitter = Fitter(data, self._spec.tuning, fabric=self._fabric, failed_batch=self._failed)
        network = self._start.network(data.target, seed, pretrained=method in MODES, head=self._spec.tuning.head)
        if method == "head_first":
            found = fitter.head_first(network, seed=seed)
        else:
            found = fitter.everything(network, seed=seed, body_share=1.0 if method == "scratch" else None)
        return _learnt(found, fitter.predict(found.network, data.fold.test))

    def _probe(self, data: FoldData, seed: int) -> Learnt:
        networks = self._start.origin.networks
        place = seed % max(len(networks), 1)
        if place not in self._embeddings:
            self._embeddings[place] = self._start.embed(data.molecules, seed, device=self._fabric.device)
        embeddings, objective = self._embeddings[place], objective_of(data.target, torch.device("cpu"))

        def _predict(probe: Probe, places: IntArray) -> NDArray[np.floating]:
            outputs = torch.from_numpy(probe.outputs(embeddings[places])).float()
            predictions: NDArray[np.floating] = objective.predictions(outputs).numpy()
            return predictions

        probe = fit_probe(
            embeddings,
            data.labels,
            data.fold.train,
            target=data.target,
            select=lambda probe: data.selection(_predict(probe, data.fold.validation)),
        )
        network = self._start.network(data.target, seed, pretrained=True, head=LINEAR)
        probe.write_into(network)
        return Learnt(_predict(probe, data.fold.test), 0, probe.selection, network.eval())

    def _grow(self, data: FoldData, seed: int) -> Learnt:
        """Fits trees of each setting, and takes that which is best on validation."""
        best: Learnt | None = None
        num_validation = len(data.fold.validation)
        wanted = np.concatenate([data.fold.validation, data.fold.test])
        for setting in self._spec.trees:
            if setting.fingerprint not in self._fingerprints:
                self._fingerprints[setting.fingerprint] = FingerprintArray.of(data.smiles, setting.fingerprint)
            found = _grown(setting, self._fingerprints[setting.fingerprint], data, wanted, seed=seed)
            value = data.selection(found[:num_validation])
            if best is None or (value is not None and is_better(value, best.selection)):
                best = Learnt(found[num_validation:], 0, value)
        if best is None:
            raise TypeError("there is a setting at least")
        return best


def _learnt(found: Fitted, test: NDArray[np.floating]) -> Learnt:
    return Learnt(test, found.epoch, found.selection, found.network)


def _trivial(data: FoldData) -> Learnt:
    constant = np.concatenate([_constant(data.target, task, data.train_labels[:, task]) for task in _tasks(data)])

    def _of(places: IntArray) -> NDArray[np.floating]:
        return np.tile(constant, (len(places), 1))

    return Learnt(_of(data.fold.test), 0, data.selection(_of(data.fold.validation)))


def _grown(
    setting: BoostingSpec | ForestSpec, table: FingerprintArray, data: FoldData, wanted: IntArray, *, seed: int
) -> NDArray[np.floating]:
    """Returns the predictions of one setting for some molecules, (n, num_outputs), each task by trees of its own."""
    target, columns = data.target, []
    for task in _tasks(data):
        labels = data.train_labels[:, task]
        present = ~np.isnan(labels)
        if len(np.unique(labels[present])) < 2:  # noqa: PLR2004  # with labels of one value there is nothing to fit
            columns.append(np.tile(_constant(target, task, labels), (len(wanted), 1)))
            continue
        train = (table.rows(data.fold.train[present]), labels[present])
        num_classes = 2 if target.kind is Kind.BINARY else target.num_classes
        values = fit_trees(setting, train, [table.rows(wanted)], num_classes=num_classes, seed=seed).values
        columns.append(values[:, 1:] if target.kind is Kind.BINARY else values.reshape(len(wanted), -1))
    return np.hstack(columns)


def _constant(target: Target, task: int, labels: FloatArray) -> FloatArray:
    return trivial_value(target, task, labels[~np.isnan(labels)])


def _tasks(data: FoldData) -> range:
    return range(len(data.target.tasks))
