"""Tests of predictions with a finished run."""

from __future__ import annotations

import shutil

import pytest

from molmix_bench.errors import RunError, UsageError
from molmix_bench.training.run import run
from molmix_bench.training.trained import open_run, predict_run
from molmix_bench.vocab import Split
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source
from tests.training.small import DATASETS, run_spec


@pytest.fixture(scope="module")
def finished(chains, cache_folder, tmp_path_factory):
    """A run of two seeds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLMIX_CACHE", str(cache_folder))
        return run(run_spec(training__epochs=2, training__seeds=[0, 1]), chains, tmp_path_factory.mktemp("run"))


def test_predicts_what_the_run_predicted(finished, chains, tmp_path):
    """For the run's own mix, the files are those in the run's directory, byte for byte."""
    files = predict_run(open_run(finished.path), chains, tmp_path / "out")
    assert len(files) == 2 * 2 * len(DATASETS)
    for file in files:
        own = finished.path / "predictions" / file.relative_to(tmp_path / "out")
        assert file.read_bytes() == own.read_bytes()


def test_predicts_other_molecules_of_a_dataset(finished, tmp_path):
    """Another mix with a dataset of the same name and tasks is predicted, in the splits asked for."""
    text = "smiles,size,energy\n" + "".join(f"{smiles},{len(smiles)},-40\n" for smiles in ALKANES)
    other = build_tiny(tmp_path, table_source("energies", text, tmp_path))
    files = predict_run(finished, other, tmp_path / "out", splits=[Split.TRAIN])
    expected = [f"energies/train/seed={seed}.parquet" for seed in (0, 1)]
    assert [file.relative_to(tmp_path / "out").as_posix() for file in files] == expected


def test_refuses_other_tasks(finished, tmp_path):
    """A dataset of the same name but other tasks is not the one that was learnt."""
    other = build_tiny(tmp_path, table_source("energies", numbered(ALKANES), tmp_path))
    with pytest.raises(RunError, match="found tasks t0; expected those the run was trained on, size, energy"):
        predict_run(finished, other, tmp_path / "out")


def test_refuses_a_mix_without_its_datasets(finished, tmp_path):
    """A mix with none of the run's datasets cannot be predicted."""
    other = build_tiny(tmp_path, table_source("a", numbered(ALKANES), tmp_path))
    with pytest.raises(UsageError, match="none of the run's datasets; expected one of energies, groups"):
        predict_run(finished, other, tmp_path / "out")


def test_refuses_what_is_no_finished_run(finished, tmp_path):
    """A directory without a run, one with an unfinished run, and an unknown seed are named as such."""
    with pytest.raises(UsageError, match=r"run\.yaml: no such file"):
        open_run(tmp_path)
    with pytest.raises(UsageError, match="found no seed 2; expected one of 0, 1"):
        finished.network(2)
    unfinished = shutil.copytree(finished.path, tmp_path / "run")
    (unfinished / finished.folder.result.name).unlink()
    with pytest.raises(RunError, match="a run that is not finished"):
        open_run(unfinished)
