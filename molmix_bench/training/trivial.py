"""The trivial predictor: the mean of each task's train labels, or the share of each class in them, for everything."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from molmix_bench.graphs.store import GraphStore
from molmix_bench.specs.result import Target
from molmix_bench.training.predict import Predictions, allocate
from molmix_bench.training.task_labels import TaskLabels
from molmix_bench.vocab import Split


def predict_trivially(
    targets: Iterable[Target], store: GraphStore, split: Split, *, members: NDArray[np.int64] | None = None
) -> dict[str, Predictions]:
    """Returns predictions for the molecules that each dataset has in a split, by dataset that has any.

    Args:
        targets: the datasets.
        store: of the mix.
        split: whose molecules are predicted.
        members: as in `train_labels`.
    """
    found = {}
    for target in targets:
        predictions = allocate(store, split, target)
        if len(predictions.mol_id):
            predictions.values[:] = trivial_values(target, train_labels(store, target, members))
            found[target.dataset] = predictions
    return found


def train_labels(store: GraphStore, target: Target, members: NDArray[np.int64] | None = None) -> TaskLabels:
    """Returns the train labels of a dataset, task by task.

    Args:
        store: of the mix.
        target: the dataset.
        members: places in the train split that are learnt from; None for all.
    """
    molecules = store.molecules(Split.TRAIN)
    found = TaskLabels.of(store.labels(target.dataset, Split.TRAIN), molecules, num_tasks=len(target.tasks))
    return found if members is None else found.only(molecules[members])


def trivial_values(target: Target, labels: TaskLabels) -> NDArray[np.float64]:
    """Returns what is predicted for every molecule or atom without looking at it, (num_outputs,).

    Regression: the mean of each task's train labels, of all of them even where a run learns from a subset. Binary: the
    share of 1 among them. Multiclass: the share of each class. A task without train labels gets the mean 0, or equal
    probabilities.
    """
    found = []
    for task in range(len(target.tasks)):
        _, values = labels.task(task)
        found.append(trivial_value(target, task, values))
    return np.concatenate(found)


def trivial_value(target: Target, task: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns what `trivial_values` has for one task, given its train labels: one number, or one for each class."""
    if target.mean:
        return np.array([target.mean[task]])
    if target.num_classes is None:
        return np.array([values.mean() if len(values) else 0.5])
    counts = np.bincount(values.astype(np.int64), minlength=target.num_classes)
    return counts / counts.sum() if len(values) else np.full(target.num_classes, 1 / target.num_classes)
