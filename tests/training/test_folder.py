"""Tests of a run's directory."""

from __future__ import annotations

import json

import pytest

from molmix_bench.atomic import write_text
from molmix_bench.errors import RunError, SpecError
from molmix_bench.training.folder import RunFolder, SeedFolder, refuse_strange_files


def test_weights_that_predict(tmp_path):
    """By the rule `best` they are those of the chosen epoch, by `last` those of the last checkpoint."""
    folder = RunFolder(tmp_path).seed(3)
    assert folder == SeedFolder(tmp_path / "seed=3")
    assert folder.weights(12, "best") == tmp_path / "seed=3" / "checkpoint" / "best-0012.safetensors"
    assert folder.weights(12, "last") == tmp_path / "seed=3" / "checkpoint" / "last.safetensors"


def test_one_best_stays(tmp_path):
    """Weights of epochs that are best no more are deleted, and nothing else is."""
    folder = SeedFolder(tmp_path)
    for path in (folder.best(1), folder.best(10), folder.last):
        write_text(path, "")
    folder.remove_other_bests(10)
    assert sorted(path.name for path in folder.last.parent.iterdir()) == ["best-0010.safetensors", "last.safetensors"]


@pytest.mark.parametrize("text", ["", "{", json.dumps({"mix": 3, "targets": []})])
def test_refuses_a_damaged_record(text, tmp_path):
    """A file of the directory that does not hold what it should is named."""
    (tmp_path / "origin.json").write_text(text)
    with pytest.raises((RunError, SpecError), match=r"origin\.json: "):
        RunFolder(tmp_path).read_origin()


def test_writes_whole_files_or_none(tmp_path, monkeypatch):
    """A write that fails leaves the file as it was."""
    path = tmp_path / "a.json"
    write_text(path, "old")
    monkeypatch.setattr(type(path), "replace", lambda *_: (_ for _ in ()).throw(OSError))
    with pytest.raises(OSError, match=r"^$"):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_what_a_kill_left_is_no_strange_file(tmp_path):
    """Files of one's own, and parts of them, may lie there; anything else is refused by name."""
    for name in ("origin.json.part", "run.yaml", "lock"):
        (tmp_path / name).touch()
    refuse_strange_files(tmp_path, ["origin.json", "run.yaml"], what="run")
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(RunError, match=r"thesis\.txt"):
        refuse_strange_files(tmp_path, ["origin.json", "run.yaml"], what="run")


@pytest.mark.parametrize("name", ["checkpoint/last.safetensors", "tasks/energies/00000.npz", "thesis.txt"])
def test_what_a_failed_start_left_is_told_from_the_rest(name, tmp_path):
    """Saved batches, TensorBoard's files and an empty journal are no training, and alone are deleted."""
    folder = SeedFolder(tmp_path / "seed=0")
    for path in ("failed_batch.safetensors", "failed_batch-1.safetensors", "metrics.jsonl", "tensorboard/events.1"):
        write_text(folder.path / path, "")
    assert not folder.trained()
    write_text(folder.path / name, "")
    assert folder.trained()
    folder.clear()
    assert [path for path in folder.path.rglob("*") if path.is_file()] == [folder.path / name]


def test_a_journal_with_epochs_is_kept(tmp_path):
    """It is the record of a training."""
    folder = SeedFolder(tmp_path / "seed=0")
    write_text(folder.metrics, "{}")
    assert folder.trained()
    folder.clear()
    assert folder.metrics.is_file()
