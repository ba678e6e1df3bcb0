"""Models that are fitted at once, task by task: trees on fingerprints, and the trivial predictor.

Each task's predictions are kept as soon as they are made, in `seed=<k>/tasks/<dataset>/<task>.npz`, so that an
interrupted run fits no task twice. The trees themselves are not kept: there is no safe form of file for them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import joblib
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from molmix_bench.atomic import ARRAYS_DAMAGED, opened_arrays, written_whole
from molmix_bench.errors import RunError
from molmix_bench.graphs.label_tables import ABSENT
from molmix_bench.graphs.store import GraphStore
from molmix_bench.models.fingerprints import FingerprintTable
from molmix_bench.models.trees import fit_trees
from molmix_bench.parallel import map_in_order
from molmix_bench.specs.model import BoostingSpec, FittedSpec, ForestSpec
from molmix_bench.specs.result import Hardware, SeedResult, Target
from molmix_bench.specs.run import RunSpec
from molmix_bench.talk import say
from molmix_bench.training.environment import read_hardware
from molmix_bench.training.folder import RunFolder
from molmix_bench.training.predict import Predictions, allocate
from molmix_bench.training.selection import selection_value
from molmix_bench.training.subset import train_members
from molmix_bench.training.task_labels import TaskLabels
from molmix_bench.training.trivial import predict_trivially, train_labels, trivial_value
from molmix_bench.training.validation import References, macro_values, score_split
from molmix_bench.vocab import DType, Kind, Level, Split

_ROWS = 8_192
"""Molecules whose features are in memory at once when they are predicted."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One task, as it is sent to a worker."""

    model: ForestSpec | BoostingSpec
    target: Target
    task: int
    table: FingerprintTable
    train: tuple[NDArray[np.int64], NDArray[np.float64]]
    """Molecules and their labels."""
    wanted: NDArray[np.int64]
    """Molecules to predict."""
    seed: int
    out: Path


@dataclass(frozen=True, slots=True)
class _Sum:
    """What fitting one task took."""

    num_leaves: int
    seconds: float


class TaskLearner:
    """Trees or the trivial predictor.

    Args:
        spec: the run, whose model is one that is fitted.
        targets: what to predict.
        store: of the mix.
        table: the fingerprints of the store; None for the trivial predictor.
        validation: labels of the validation split.
        folder: of the run.
    """

    def __init__(
        self,
        spec: RunSpec,
        targets: tuple[Target, ...],
        store: GraphStore,
        *,
        table: FingerprintTable | None,
        validation: References,
        folder: RunFolder,
    ) -> None:
        self._spec, self._targets, self._store = spec, targets, store
        self._table, self._validation, self._folder = table, validation, folder
        self._fitted = [target for target in targets if table is not None and target.level is Level.GRAPH]
        self._rest = [target for target in targets if target not in self._fitted]
        self._members = train_members(spec, store, [target.dataset for target in targets])
        self._sums: dict[int, list[_Sum]] = {}

    @property
    def num_parameters(self) -> int:
        """Leaves of the first seed's trees, and constants."""
        leaves = sum(item.num_leaves for item in self._sums[self._spec.training.seeds[0]])
        return leaves + sum(target.num_outputs for target in self._rest)

    @property
    def notes(self) -> tuple[str, ...]:
        """Datasets that trees cannot learn."""
        if self._table is None:
            return ()
        why = (
            "labels of atoms, which have no fingerprint; the trivial predictor, the mean of the train labels, stands in"
        )
        return tuple(f"{target.dataset}: {why}" for target in self._rest)

    def learn(self, seed: int) -> SeedResult:
        """Fits what is not fitted yet.

        Raises:
            RunError: what was kept of a task cannot be read.
        """
        names = ", ".join(target.dataset for target in self._targets)
        count = sum(len(target.tasks) for target in self._fitted)
        say(f"{self._spec.name}, seed {seed}: {self._model.architecture} for {names}, {count:,} tasks to fit")
        pending = (job for target in self._fitted for job in self._jobs(target, seed))
        with tqdm(desc=f"{self._spec.name}, seed {seed}", total=count, unit="task", disable=None) as bar:
            bar.update(sum(self._path(target, task, seed).is_file() for target, task in self._tasks()))
            for _ in map_in_order(_fit_task, pending, workers=joblib.cpu_count()):
                bar.update()
        self._sums[seed] = [_read_task(self._path(target, task, seed))[1] for target, task in self._tasks()]
        return SeedResult(seed=seed, epoch=1, selection=self._select(seed))

    def predict(self, result: SeedResult, split: Split) -> dict[str, Predictions]:
        """Returns what was predicted when the tasks were fitted."""
        found = {target.dataset: self._assemble(target, result.seed, split) for target in self._fitted}
        found = {name: predictions for name, predictions in found.items() if len(predictions.mol_id)}
        return found | predict_trivially(self._rest, self._store, split, members=self._members)

    def seconds(self, seed: int) -> tuple[float, float]:
        """Returns the time of fitting and predicting, the sum over tasks; validation is no part of it."""
        total = sum(item.seconds for item in self._sums[seed])
        return total, total

    def hardware(self) -> Hardware:
        """Returns what computes here: tasks are fitted on the CPU, by as many processes as it has cores."""
        return read_hardware(torch.device("cpu"))

    @property
    def _model(self) -> FittedSpec:
        model = self._spec.model
        if not isinstance(model, FittedSpec):
            raise TypeError("a network is trained in epochs")
        return model

    def _tasks(self) -> Iterator[tuple[Target, int]]:
        for target in self._fitted:
            for task in range(len(target.tasks)):
                yield target, task

    def _path(self, target: Target, task: int, seed: int) -> Path:
        return self._folder.seed(seed).path / "tasks" / target.dataset / f"{task:05d}.npz"

    def _splits(self) -> list[Split]:
        return [split for split in self._store.splits if split is not Split.TRAIN]

    def _wanted(self, target: Target, split: Split) -> NDArray[np.int64]:
        """Returns the molecules that a dataset has in a split, in the order of predictions."""
        wanted: NDArray[np.int64] = self._store.molecules(split)[
            self._store.labels(target.dataset, split).row != ABSENT
        ]
        return wanted

    def _jobs(self, target: Target, seed: int) -> Iterator[_Job]:
        """Yields what is still to be fitted of a dataset."""
        model, table = self._model, self._table
        missing = [task for task in range(len(target.tasks)) if not self._path(target, task, seed).is_file()]
        if not missing or table is None or not isinstance(model, (ForestSpec, BoostingSpec)):
            return
        labels: TaskLabels = train_labels(self._store, target, self._members)
        wanted = np.concatenate([self._wanted(target, split) for split in self._splits()])
        for task in missing:
            yield _Job(
                model=model,
                target=target,
                task=task,
                table=table,
                train=labels.task(task),
                wanted=wanted,
                seed=task_seed(seed, target.dataset, task),
                out=self._path(target, task, seed),
            )

    def _assemble(self, target: Target, seed: int, split: Split) -> Predictions:
        """Returns the predictions of all tasks of a dataset for one split."""
        sizes = {name: len(self._wanted(target, name)) for name in self._splits()}
        first = sum(size for name, size in sizes.items() if self._splits().index(name) < self._splits().index(split))
        predictions = allocate(self._store, split, target)
        width = target.num_classes or 1
        for task in range(len(target.tasks)):
            values, _ = _read_task(self._path(target, task, seed))
            predictions.values[:, task * width : (task + 1) * width] = values[first : first + sizes[split]]
        return predictions

    def _select(self, seed: int) -> float | None:
        """Returns how good the predictions are on validation, by the rule by which epochs are chosen."""
        if not self._validation:
            return None
        found: Mapping[str, Predictions] = self.predict(
            SeedResult(seed=seed, epoch=1, selection=None), Split.VALIDATION
        )
        values = macro_values(score_split(found, self._validation, seed=seed))
        return selection_value(values, {target.dataset: target.kind for target in self._targets})


def task_seed(seed: int, dataset: str, task: int) -> int:
    """Returns the seed of one task's trees: the same whichever other datasets the run has."""
    return int(np.random.SeedSequence((seed, crc32(dataset.encode()), task)).generate_state(1)[0])


def _fit_task(job: _Job) -> None:
    """Fits one task and writes its predictions, (n, 1) or (n, num_classes)."""
    began = time.perf_counter()
    molecules, labels = job.train
    target = job.target
    if len(np.unique(labels)) > 1:
        chunks = (job.table.rows(job.wanted[begin : begin + _ROWS]) for begin in range(0, len(job.wanted), _ROWS))
        num_classes = 2 if target.kind is Kind.BINARY else target.num_classes
        fitted = fit_trees(
            job.model, (job.table.rows(molecules), labels), chunks, num_classes=num_classes, seed=job.seed
        )
        values, num_leaves = fitted.values, fitted.num_leaves
        if target.kind is Kind.BINARY:
            values = values[:, 1]
    else:
        # With labels of one value, or none, there is nothing to fit.
        constant = trivial_value(target, job.task, labels)
        values, num_leaves = np.tile(constant, (len(job.wanted), 1)), len(constant)
    values = values.reshape(len(job.wanted), -1).astype(np.float64 if target.dtype is DType.FLOAT64 else np.float32)
    with written_whole(job.out) as part, part.open("wb") as file:
        np.savez(file, values=values, num_leaves=num_leaves, seconds=time.perf_counter() - began)


def _read_task(path: Path) -> tuple[NDArray[np.floating], _Sum]:
    """Returns what `_fit_task` wrote."""
    try:
        with opened_arrays(path) as file:
            return file["values"], _Sum(int(file["num_leaves"]), float(file["seconds"]))
    except ARRAYS_DAMAGED as error:
        raise RunError(str(path), found=f"no readable predictions ({error})", fix="delete it and run again") from None
