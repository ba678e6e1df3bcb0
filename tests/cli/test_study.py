"""Tests of `molmix-bench study`."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.command import run_here
from tests.studies.small import study
from tests.training.small import build_chains


@pytest.fixture(scope="module")
def chains(tmp_path_factory):
    """The directory of the mix of chains."""
    return build_chains(tmp_path_factory.mktemp("chains")).path


def test_a_study_in_pieces(chains, tmp_path):
    """Two cells, then the rest by the same command, and nothing by the spec that it wrote; JSON on stdout, status 0."""
    path = tmp_path / "mine.yaml"
    spec = study("scale", fractions=[1], widths=[4, 8])
    path.write_text(yaml.safe_dump(spec.model_dump(mode="json")), encoding="utf-8")
    env = {"MOLMIX_CACHE": str(tmp_path / "cache")}
    command = ("study", path, "--mix", chains, "--out", tmp_path / "out", "--accelerator", "cpu")
    first = run_here(*command, "--cells", "2", "--json", env=env)
    assert first.returncode == 0, first.stderr
    found = json.loads(first.stdout)
    assert (found["finished"], len(found["waiting"])) == (2, 2)
    second = run_here(*command, env=env)
    assert second.returncode == 0, second.stderr
    assert "going on: 2 of 4 cells are finished" in second.stderr
    assert second.stdout.strip().endswith("report.html")
    assert "established" in second.stdout
    third = run_here("study", tmp_path / "out" / "spec.yaml", *command[2:], "--json", env=env)
    assert json.loads(third.stdout)["finished"] == 4, third.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diversty"], "no study of that name (did you mean 'diversity'?)"),
        (["scale", "--mix", "other=/nowhere"], "no mix of the study (midmix)"),
        (["scale", "--set", "widths=3"], "with --set widths=3: key 'widths'"),
        (["transfer", "--mix", "/nowhere"], "no mix of the study (midmix, toymix)"),
    ],
)
def test_what_is_a_mistake(arguments, message, tmp_path):
    """Status 2 and a line that says what was found, before anything is done."""
    done = run_here("study", *arguments, "--out", tmp_path / "out", env={"MOLMIX_CACHE": str(tmp_path)})
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()
