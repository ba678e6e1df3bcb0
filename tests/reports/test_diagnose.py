"""Tests of the cells that figures are drawn from: they are those that were scored."""

from __future__ import annotations

import shutil

import numpy as np
import polars as pl
import pytest

from molmix_bench.errors import RunError, SubmissionError
from molmix_bench.metrics.predictions import prediction_path, write_predictions
from molmix_bench.reports.diagnose import diagnose
from molmix_bench.reports.read import read_run
from molmix_bench.vocab import Split


@pytest.mark.parametrize("name", ["energies", "atoms"])
def test_errors_are_those_scored(diagnoses, trained, name):
    """The mean error of a task's cells is its standardised MAE in the run's scores, the mean over seeds."""
    found = diagnoses[name]
    scores = read_run(trained).means().filter(dataset=name, split="test", metric="mae_standardised", aggregation="task")
    expected = dict(scores.select("task", "value").iter_rows())
    assert len(expected) == 2
    for place, task in enumerate(found.dataset.tasks):
        assert found.errors[found.tasks == place].mean() == pytest.approx(expected[task], rel=1e-9)


def test_binary_errors_by_hand(diagnoses, chains, trained):
    """Labels and predictions of one task, joined by polars from the files, give the same errors."""
    found = diagnoses["groups"]
    table = chains.scan("groups", "test").select("mol_id", "oxygen").collect()
    for seed in (0, 4):
        path = prediction_path(trained / "predictions", "groups", split="test", seed=seed)
        given = pl.read_parquet(path).select("mol_id", pl.col("prediction").list.get(0).alias(str(seed)))
        table = table.join(given, on="mol_id")
    table = table.drop_nulls("oxygen").with_columns(
        error=((pl.col("0") - pl.col("oxygen")).abs() + (pl.col("4") - pl.col("oxygen")).abs()) / 2
    )
    at = found.tasks == found.dataset.tasks.index("oxygen")
    ours = pl.DataFrame({"mol_id": found.mol_id.gather(found.rows[at]), "ours": found.errors[at]})
    both = table.join(ours, on="mol_id")
    assert both.height == table.height == at.sum() > 0
    assert np.allclose(both["error"], both["ours"], rtol=0, atol=1e-6)


def test_multiclass_errors(diagnoses):
    """1 - the probability of the right class, which lies between 0 and 1."""
    found = diagnoses["grades"]
    for cell in (0, len(found.labels) - 1):
        right = found.predictions[:, cell, int(found.labels[cell])]
        assert found.errors[cell] == pytest.approx(1 - right.mean())


def test_molecules(diagnoses):
    """SMILES and sizes belong to the molecules; only labels of scorable tasks are counted; atoms are the molecule's."""
    found = diagnoses["panel"]
    assert set(found.tasks) == set(np.flatnonzero(found.reference.scorable))
    assert found.num_labels.sum() == len(found.labels)
    errors = found.molecule_errors()
    assert np.isnan(errors[found.num_labels == 0]).all()
    row = int(found.rows[0])
    assert errors[row] == pytest.approx(found.errors[found.rows == row].mean())
    atoms = diagnoses["atoms"]
    assert (atoms.nodes < atoms.num_atoms[atoms.rows]).all()
    for row, smiles in enumerate(atoms.smiles):
        assert atoms.num_atoms[row] == sum(letter in "CNOF" for letter in smiles)  # the l of Cl is none


def test_refuses_missing_and_foreign_predictions(chains, trained, tmp_path):
    """A file that is not there is named; so is one for other molecules."""
    folder = shutil.copytree(trained / "predictions", tmp_path / "predictions")
    path = prediction_path(folder, "energies", split="test", seed=4)
    path.unlink()
    with pytest.raises(RunError, match=r"energies/test/seed=4\.parquet: found no such file; expected the predictions"):
        diagnose(chains, "energies", Split.TEST, predictions=folder, seeds=(0, 4))
    write_predictions(path, ["A"], np.zeros((1, 2)))
    with pytest.raises(SubmissionError, match=r"seed=4\.parquet: found molecules missing"):
        diagnose(chains, "energies", Split.TEST, predictions=folder, seeds=(0, 4))
