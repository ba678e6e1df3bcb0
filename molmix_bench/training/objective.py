"""What a head is trained for: from labels to a loss, and from outputs back to predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import assert_never

import torch
from torch import Tensor

from molmix_bench.graphs.batch_labels import Labels, SparseLabels
from molmix_bench.specs.result import Target
from molmix_bench.specs.run import ClassLossSpec, LossMean
from molmix_bench.training.losses import (
    absolute_errors,
    binary_errors,
    class_errors,
    sparse_task_means,
    sum_present,
    task_means,
)
from molmix_bench.training.standardize import Standardizer
from molmix_bench.vocab import DType, Kind


@dataclass(frozen=True, slots=True)
class Objective:
    """One dataset's loss and predictions.

    Regression: mean absolute error on labels standardised by the train split (the paper's), predictions in each task's
    unit. Binary: cross-entropy on logits, predictions are the probability of 1. Multiclass: as the run's spec says, on
    logits; predictions are a probability per class.
    """

    target: Target
    errors: Callable[[Tensor, Tensor], Tensor]
    """The loss of each label, from outputs and targets."""
    standardizer: Standardizer | None
    """Regression only."""
    mean: LossMean = "labels"
    """What the loss is the mean over."""

    @classmethod
    def of(
        cls,
        target: Target,
        *,
        device: torch.device | str,
        class_loss: ClassLossSpec | None = None,
        mean: LossMean = "labels",
    ) -> Objective:
        """Returns the objective of a target, its constants on `device`.

        Args:
            target: what is to be predicted.
            device: where outputs and labels will be.
            class_loss: of multiclass targets; its defaults where None.
            mean: what the loss is the mean over: all labels, or tasks, each the mean over its labels.
        """
        match target.kind:
            case Kind.REGRESSION:
                standardizer = Standardizer.of(target.mean, target.std, device=torch.device(device))
                return cls(target, absolute_errors, standardizer, mean)
            case Kind.BINARY:
                return cls(target, binary_errors, None, mean)
            case Kind.MULTICLASS:
                return cls(target, partial(class_errors, spec=class_loss or ClassLossSpec()), None, mean)
            case _:
                assert_never(target.kind)

    def loss(self, outputs: Tensor, labels: Labels) -> tuple[Tensor, Tensor]:
        """Returns the sum of the losses of all labels present, and their number, both 0-dimensional.

        Where the loss is the mean over tasks, it is the sum of their means, and the number of tasks with labels. The
        cost of sparse labels is that of the labels there are: no table of all tasks is made of them.

        Args:
            outputs: of the molecules `labels.rows` or, for labels of atoms, of the atoms `labels.nodes`.
            labels: as a batch has them.

        Shapes:
            outputs: (n, num_outputs) float32.
        """
        if isinstance(labels, SparseLabels):
            chosen = self._by_task(outputs)[labels.owners, labels.tasks]
            errors = self.errors(chosen, self._targets(labels.values, labels.tasks))
            if self.mean == "tasks":
                return sparse_task_means(errors, labels.tasks, len(self.target.tasks))
            return errors.sum(), torch.full((), len(errors), device=errors.device)
        missing = labels.values.isnan()
        targets = self._targets(labels.values.masked_fill(missing, 0.0))
        errors = self.errors(self._by_task(outputs), targets)
        return task_means(errors, missing) if self.mean == "tasks" else sum_present(errors, missing)

    def predictions(self, outputs: Tensor) -> Tensor:
        """Returns predictions in the form they are written and scored in, (n, num_outputs)."""
        match self.target.kind:
            case Kind.BINARY:
                return outputs.sigmoid()
            case Kind.MULTICLASS:
                return self._by_task(outputs).softmax(dim=-1).flatten(1)
        if self.standardizer is None:
            raise TypeError(f"dataset {self.target.dataset} has no standardizer")
        predictions = self.standardizer.restore(outputs)
        return predictions if self.target.dtype is DType.FLOAT64 else predictions.float()

    def _by_task(self, outputs: Tensor) -> Tensor:
        """Returns (n, num_tasks), or (n, num_tasks, num_classes) for classes."""
        if self.target.num_classes is None:
            return outputs
        return outputs.reshape(len(outputs), len(self.target.tasks), self.target.num_classes)

    def _targets(self, values: Tensor, tasks: Tensor | None = None) -> Tensor:
        """Returns what outputs should be, float32; `tasks` are those of the values, where these are no table."""
        return values.float() if self.standardizer is None else self.standardizer.standardize(values, tasks)
