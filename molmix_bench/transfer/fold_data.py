"""One fold as methods see it: molecules, labels, what to predict, and what to choose by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from molmix_bench.metrics.cells import FloatArray, IntArray
from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.reference import Reference
from molmix_bench.specs.result import Target
from molmix_bench.training.selection import selection_value
from molmix_bench.training.validation import macro_values
from molmix_bench.transfer.featurized import Featurized
from molmix_bench.transfer.measurements import Measurements
from molmix_bench.transfer.scoring import make_reference
from molmix_bench.transfer.splits import Fold
from molmix_bench.transfer.start import make_target
from molmix_bench.vocab import Split

Predict = Callable[[IntArray], NDArray[np.floating]]
"""From numbers of molecules, (n,), to predictions, (n, num_outputs): in units, or as probabilities."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldData:
    """The molecules of all folds, and what one fold does with them.

    Shapes:
        labels: (n, T) of all molecules; NaN is missing.
    """

    molecules: Featurized
    smiles: tuple[str, ...]
    labels: FloatArray
    fold: Fold
    target: Target
    """With the statistics of this fold's train labels."""
    validation: Reference

    @property
    def train_labels(self) -> FloatArray:
        """Labels of the molecules to train on, (m, T)."""
        return self.labels[self.fold.train]

    def ids(self, places: IntArray) -> pl.Series:
        """Returns the identities of some molecules."""
        return self.molecules.mol_ids.gather(places)

    def selection(self, predictions: NDArray[np.floating]) -> float | None:
        """Returns how good predictions of the validation molecules are, lower being better; None if nobody can say."""
        scores = evaluate_reference(
            self.validation,
            mol_id=self.validation.mol_id,
            prediction=predictions,
            seed=0,
            where=f"predictions of {self.target.dataset}, validation",
        )
        return selection_value(macro_values(scores), {self.target.dataset: self.target.kind})


def fold_data(found: Measurements, molecules: Featurized, fold: Fold) -> FoldData:
    """Returns one fold of some measurements."""
    train = found.labels[fold.train]
    target = make_target(found.name, found.tasks, found.kind, train, found.num_classes)
    validation = make_reference(
        target,
        molecules.mol_ids.gather(fold.validation),
        found.labels[fold.validation],
        train=train,
        split=Split.VALIDATION,
    )
    return FoldData(molecules, tuple(found.smiles), found.labels, fold, target, validation)
