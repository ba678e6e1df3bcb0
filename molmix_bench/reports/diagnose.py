"""The labelled cells of one dataset and split with every seed's predictions and errors: what a report draws from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from molmix_bench.chem.molecule import count_atoms
from molmix_bench.errors import RunError
from molmix_bench.metrics.align import align
from molmix_bench.metrics.cells import FloatArray, IntArray
from molmix_bench.metrics.predictions import prediction_path
from molmix_bench.metrics.reference import Reference, read_reference
from molmix_bench.mix import Dataset, Mix
from molmix_bench.submissions.format import read_predictions
from molmix_bench.submissions.lists import PredictionShape
from molmix_bench.vocab import MOL_ID, SMILES, Kind, Split

ERROR_WORDS = {
    Kind.REGRESSION: "|label - prediction|, in standard deviations of the task's train labels",
    Kind.BINARY: "|label - predicted probability of 1|",
    Kind.MULTICLASS: "1 - predicted probability of the right class",
}
"""The error of a cell, by kind."""


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """The labelled cells of the scorable tasks of one dataset and split, task after task.

    Shapes:
        tasks: (L,), positions in the dataset's tasks.
        rows: (L,), positions in `mol_id`.
        nodes: (L,), atoms of the stored SMILES; 0 at graph level.
        labels: (L,)
        predictions: (S, L), a row for each seed; multiclass (S, L, C).
        errors: (L,), as in `ERROR_WORDS`, the mean over seeds.
        mol_id, smiles, num_atoms: (n,)
    """

    dataset: Dataset
    split: Split
    reference: Reference
    tasks: IntArray
    rows: IntArray
    nodes: IntArray
    labels: FloatArray
    predictions: FloatArray
    errors: FloatArray
    mol_id: pl.Series
    smiles: pl.Series
    num_atoms: IntArray

    @property
    def num_labels(self) -> IntArray:
        """Labels of each molecule in scorable tasks, (n,)."""
        return np.bincount(self.rows, minlength=len(self.mol_id))

    def molecule_errors(self) -> FloatArray:
        """Returns the mean error over each molecule's cells, (n,); NaN without any."""
        sums = np.bincount(self.rows, weights=self.errors, minlength=len(self.mol_id))
        counts = self.num_labels
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def diagnose(mix: Mix, name: str, split: Split, *, predictions: Path, seeds: tuple[int, ...]) -> Diagnosis:
    """Returns the cells of a dataset and split.

    Args:
        mix: the labels.
        name: the dataset.
        split: of it.
        predictions: the run's folder of them.
        seeds: whose predictions; every file must be there.

    Raises:
        RunError: a file of predictions is missing.
        SubmissionError: one is not what the dataset asks for.
    """
    reference = read_reference(mix, name, split)
    dataset = mix.datasets[name]
    keep = np.repeat(reference.scorable, np.diff(reference.starts))
    values = np.stack([_read_seed(reference, dataset, predictions, seed)[keep] for seed in seeds])
    tasks = np.repeat(np.arange(len(reference.tasks)), np.diff(reference.starts))[keep]
    labels = reference.labels[keep]
    smiles = _smiles(mix, reference)
    num_atoms = reference.num_nodes
    if num_atoms is None:
        num_atoms = np.array([count_atoms(text) for text in smiles], dtype=np.int64)
    return Diagnosis(
        dataset=dataset,
        split=split,
        reference=reference,
        tasks=tasks,
        rows=reference.rows[keep].astype(np.int64),
        nodes=reference.nodes[keep].astype(np.int64),
        labels=labels,
        predictions=values,
        errors=_errors(reference, tasks, labels, values),
        mol_id=reference.mol_id,
        smiles=smiles,
        num_atoms=num_atoms,
    )


def _read_seed(reference: Reference, dataset: Dataset, folder: Path, seed: int) -> FloatArray:
    """Returns one seed's predictions of all labelled cells."""
    path = prediction_path(folder, dataset.name, split=reference.split, seed=seed)
    if not path.is_file():
        fix = "delete result.json and run again, or bring the file back; what was trained is kept"
        raise RunError(str(path), found="no such file", expected=f"the predictions of seed {seed}", fix=fix)
    given = read_predictions(path, PredictionShape(dataset.level, len(dataset.tasks), dataset.num_classes))
    cells = align(reference, mol_id=given.mol_id, prediction=given.values, num_nodes=given.num_nodes, where=str(path))
    return cells.predictions


def _errors(reference: Reference, tasks: IntArray, labels: FloatArray, values: FloatArray) -> FloatArray:
    """Returns the error of each cell, (L,), its mean over seeds."""
    if reference.kind is Kind.MULTICLASS:
        right: NDArray[np.float64] = values[:, np.arange(len(labels)), labels.astype(np.int64)]
        return np.asarray(1 - right.mean(axis=0))
    errors = np.abs(values - labels).mean(axis=0)
    return np.asarray(errors / reference.train_std[tasks] if reference.kind is Kind.REGRESSION else errors)


def _smiles(mix: Mix, reference: Reference) -> pl.Series:
    """Returns the SMILES of the reference's molecules, in its order."""
    table = mix.scan(reference.dataset, reference.split).select(MOL_ID, SMILES).collect()
    wanted = pl.DataFrame({MOL_ID: reference.mol_id})
    return wanted.join(table, on=MOL_ID, how="left", maintain_order="left")[SMILES]
