"""Tests of suites: what is read of each dataset, and that one of them loses none of the others."""

from __future__ import annotations

import polars as pl
import pytest

from molmix_bench.errors import SourceError, UsageError
from molmix_bench.specs.baselines import load_run_spec
from molmix_bench.specs.finetune import FinetuneSpec
from molmix_bench.specs.suite import load_suite, suite_tasks
from molmix_bench.transfer.start import Start
from molmix_bench.transfer.suite import read_task, run_suite, usual_spec
from tests.training.small import run_spec
from tests.transfer.small import MOLECULES, write_table

SUITE = load_suite("moleculenet")
TASKS = {task.source: task for task in suite_tasks(SUITE)}


@pytest.fixture
def raw(tmp_path):
    """A folder with a file for FreeSolv that is whole, one for ESOL of other columns, and one for BACE of few rows."""
    folder = tmp_path / "raw"
    folder.mkdir()
    table = pl.read_csv(write_table(tmp_path / "t.csv"))
    table.select("smiles", expt="size").write_csv(folder / "SAMPL.csv")
    table.select("smiles", logs="size").write_csv(folder / "esol.csv")
    table.head(3).select("smiles", Class="aromatic").write_csv(folder / "bace.csv")
    return folder


def test_names_are_the_catalogs(raw):
    """Measurements are called as the catalog calls dataset and tasks, whatever the file does."""
    found = read_task(TASKS["freesolv"], [raw])
    assert (found.measurements.name, found.file) == ("freesolv", "SAMPL.csv")
    assert found.measurements.tasks != ("expt",)
    assert len(found.measurements) == len(MOLECULES)


def test_a_file_of_other_columns(raw):
    """It is a fault of the file and not of what was asked for, and says which source's file was expected."""
    with pytest.raises(SourceError, match=r"esol.csv: found --task .* expected one of .*put the file of source esol"):
        read_task(TASKS["esol"], [raw])
    with pytest.raises(UsageError):
        read_task(TASKS["esol"], [raw / "nowhere"])


def test_one_file_loses_no_other(raw, tmp_path):
    """Files of other columns and of too few rows are named with why; what stands after them is learnt."""
    spec = FinetuneSpec(modes=(), references=("trivial",))
    start = Start(run_spec())
    done = run_suite(start, SUITE, tmp_path / "out", spec=spec, files=([raw], ("esol", "bace", "freesolv")))
    assert set(done.finished) == {"freesolv"}
    assert set(done.missing) == {"esol", "bace"}
    assert "put the file of source esol there" in done.missing["esol"]
    assert "3 molecules with a label" in done.missing["bace"]
    assert done.summary()["dataset"].unique().to_list() == ["freesolv"]
    assert done.to_records()["missing"] == done.missing


def test_too_few_for_the_folds(tmp_path):
    """A dataset whose scaffolds leave nothing to test on is named, too."""
    rows = "\n".join(f"{'C' * length}c1ccccc1,{length}" for length in range(1, 31))
    (tmp_path / "SAMPL.csv").write_text(f"smiles,expt\n{rows}\n")
    spec = FinetuneSpec(modes=(), references=("trivial",))
    done = run_suite(Start(run_spec()), SUITE, tmp_path / "out", spec=spec, files=([tmp_path], ("freesolv",)))
    assert "no molecule to train on" in done.missing["freesolv"]
    assert done.summary().is_empty()


def test_what_a_start_is_fitted_by(pretrained):
    """Networks that have learnt go on, others begin from scratch, trees are the reference, each beside the trivial."""
    assert usual_spec(Start.of(pretrained)) == FinetuneSpec()
    assert usual_spec(Start(run_spec())).methods[0] == "scratch"
    trees = load_run_spec("toymix/ecfp-rf", ())
    assert usual_spec(Start(trees)).trees == (trees.model,)
    assert usual_spec(Start(trees)).methods == ("fingerprints", "trivial")
