"""Tests of `score` and `compare`: what they print, as tables and as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from molmix_bench.cli.app import app
from molmix_bench.cli.commands import register
from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.predictions import prediction_path, write_predictions
from molmix_bench.submissions import apart
from molmix_bench.submissions.confined import Limits
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source
from tests.submissions.honest import bomb


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Returns a built mix, predictions equal to its labels, and others."""
    folder = tmp_path_factory.mktemp("scored")
    mix = build_tiny(folder, table_source("one", numbered(ALKANES, tasks=2), folder), test=0.5)
    labels = mix.scan("one", "test").collect()
    values = labels.select("t0", "t1").to_numpy()
    rng = np.random.default_rng(0)
    for name, given in (("right", values), ("wrong", rng.permutation(values))):
        write_predictions(prediction_path(folder / name, "one", split="test", seed=0), labels["mol_id"], given)
    return str(mix.path), str(folder / "right"), str(folder / "wrong")


@pytest.fixture(scope="module")
def command():
    """Returns a function that runs the application in this process."""
    register(app)
    return lambda *arguments: CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_score_shows_intervals_and_differences(folders, command):
    """A table with the ends of the interval; against another model, the paired difference and who is better."""
    mix, right, wrong = folders
    shown = command("score", wrong, "--mix", mix, "--against", right)
    assert shown.exit_code == 0
    assert all(word in shown.output for word in ("ci_low", "ci_high", "difference", "better"))
    data = json.loads(command("score", wrong, "--mix", mix, "--against", right, "--json").output)
    macro = [row for row in data["differences"] if row["metric"] == "mae" and row["aggregation"] == "macro"]
    assert [(row["better"], row["other_value"]) for row in macro] == [(right, 0.0)]
    assert macro[0]["ci_low"] > 0


def test_intervals_can_be_left_out(folders, command):
    """`--replicates 0` gives values alone."""
    mix, right, _ = folders
    data = json.loads(command("score", right, "--mix", mix, "--replicates", "0", "--json").output)
    assert {row["ci_low"] for row in data["scores"]} == {None}
    assert "differences" not in data


def test_compare_ranks(folders, command):
    """The right one first, in every metric; as a table and as JSON."""
    mix, right, wrong = folders
    shown = command("compare", wrong, right, "--mix", mix)
    assert shown.exit_code == 0
    data = json.loads(command("compare", wrong, right, "--mix", mix, "--json").output)
    assert {(row["model"], row["rank"]) for row in data["ranks"]} == {(right, 1), (wrong, 2)}


@pytest.mark.parametrize("verb", ["score", "compare"])
def test_predictions_are_read_in_a_process_with_limits(folders, command, monkeypatch, tmp_path, verb):
    """A file that asks for gigabytes is refused by name, whichever command reads it."""
    mix, right, _ = folders
    bad = prediction_path(tmp_path / "bad", "one", split="test", seed=0)
    bad.parent.mkdir(parents=True)
    bad.write_bytes(bomb())
    monkeypatch.setattr(apart, "scoring_limits", lambda *_, **__: Limits(memory_bytes=400 << 20))
    given = [str(tmp_path / "bad"), *([right] if verb == "compare" else [])]
    with pytest.raises(SubmissionError, match="more memory than they may") as caught:
        command(verb, *given, "--mix", mix)
    assert caught.value.where == str(bad)
