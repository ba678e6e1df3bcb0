"""Tests of `molmix-bench run` over several files, and of its options."""

from __future__ import annotations

import json

import pytest
import yaml

from molmix_bench.specs.baselines import baseline_names, find_baselines
from tests.command import CLOSED, run_here
from tests.training.small import build_chains


def molmix(*arguments):
    """Runs the command without a network."""
    return run_here(*arguments, env=CLOSED)


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    """No test writes into the user's cache."""
    monkeypatch.setenv("MOLMIX_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def chains_folder(tmp_path_factory):
    """The folder of a small mix."""
    return build_chains(tmp_path_factory.mktemp("chains")).path


def _spec(path, name, **training):
    data = {
        "name": name,
        "description": "a small run",
        "mix": "tiny",
        "features": {"rwse": 3, "laplacian": 0},
        "model": {"architecture": "gin", "width": 8, "depth": 1, "head": {"width": 8}},
        "training": {"epochs": 1, "batch_size": 8, **training},
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(data))


def test_a_folder_is_a_run_for_each_file(chains_folder, tmp_path):
    """Each in a directory of its own below --out; one that fails is named, and the others are complete."""
    _spec(tmp_path / "specs/a.yaml", "a")
    _spec(tmp_path / "specs/b.yaml", "b", optimizer={"learning_rate": 1e30})
    _spec(tmp_path / "specs/c.yaml", "c")
    options = ["--mix", chains_folder, "--datasets", "energies,groups", "--seeds", "0,1", "--accelerator", "cpu"]
    result = molmix("run", tmp_path / "specs", *options, "--out", tmp_path / "runs", "--json")
    assert result.returncode == 1
    assert "error: b: 1 of 3 runs failed" in result.stderr
    assert "b failed: epoch 1" in result.stderr
    found = json.loads(result.stdout)
    assert [item["name"] for item in found] == ["a", "c"]
    assert all([seed["seed"] for seed in item["seeds"]] == [0, 1] for item in found)
    assert all({score["dataset"] for score in item["scores"]} == {"energies", "groups"} for item in found)
    assert (tmp_path / "runs/a/result.json").is_file()
    assert not (tmp_path / "runs/b/result.json").exists()


def test_refuses_two_runs_of_one_name(tmp_path):
    """They would be one directory."""
    _spec(tmp_path / "a.yaml", "same")
    _spec(tmp_path / "b.yaml", "same")
    result = molmix("run", tmp_path / "a.yaml", tmp_path / "b.yaml")
    assert result.returncode == 2
    assert "several runs named same" in result.stderr


def test_refuses_a_folder_without_files(tmp_path):
    """An empty folder is no run."""
    result = molmix("run", tmp_path)
    assert result.returncode == 2
    assert "a folder without YAML files" in result.stderr


def test_a_folder_of_baselines_is_found_by_its_name():
    """As in `molmix-bench run toymix`."""
    names = [path.stem for path in find_baselines("toymix")]
    assert names == [name.removeprefix("toymix/") for name in baseline_names() if name.startswith("toymix/")]
    assert [path.stem for path in find_baselines("baselines/toymix")] == names
