"""Tests of `submit`: a run becomes a submission, and a submission is checked."""

from __future__ import annotations

import json

import pytest
import yaml
from typer.testing import CliRunner

from molmix_bench.cli.app import app
from molmix_bench.cli.commands import register
from molmix_bench.errors import RunError, UsageError
from molmix_bench.specs.model import GineSpec
from molmix_bench.specs.result import Hardware, Origin, RunResult, SeedResult, Target, TrainedMix
from molmix_bench.specs.run import RunSpec, TrainingSpec
from molmix_bench.submissions.from_run import submission_from_run
from molmix_bench.vocab import DType, Kind, Level
from tests.submissions.honest import build_mix, write_submission


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    """The mix that is predicted."""
    return build_mix(tmp_path_factory.mktemp("mix"))


@pytest.fixture
def run(mix, tmp_path):
    """The directory of a run that has ended, as far as a submission reads it."""
    folder = write_submission(tmp_path / "run", mix)
    (folder / "submission.yaml").unlink()
    trained = TrainedMix(name=mix.name, version=mix.version, build_key=mix.manifest.build_key)
    size = Target(
        dataset="size",
        level=Level.GRAPH,
        kind=Kind.REGRESSION,
        dtype=DType.FLOAT32,
        tasks=("t0", "t1"),
        mean=(0, 0),
        std=(1, 1),
    )
    assay = Target(dataset="assay", level=Level.GRAPH, kind=Kind.BINARY, dtype=DType.INT8, tasks=("active",))
    training = TrainingSpec(epochs=1, batch_size=2, seeds=(0, 1))
    spec = RunSpec(name="small", description="a small run", mix="tiny", model=GineSpec(), training=training)
    result = RunResult(
        name="small",
        spec_digest="0" * 64,
        mix=trained,
        num_parameters=123,
        seeds=tuple(SeedResult(seed=seed, epoch=1, selection=None) for seed in (0, 1)),
        scores=(),
        train_seconds=7_200,
        wall_seconds=8_000,
        hardware=Hardware(cpu="Some CPU", threads=2, accelerator="cpu"),
    )
    (folder / "run.yaml").write_text(yaml.safe_dump(spec.model_dump(mode="json")), encoding="utf-8")
    (folder / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
    (folder / "origin.json").write_text(Origin(mix=trained, targets=(size, assay)).model_dump_json(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def command():
    """Returns a function that runs the application in this process."""
    register(app)
    return lambda *arguments: CliRunner().invoke(app, [str(item) for item in arguments], catch_exceptions=False)


def test_a_run_becomes_a_submission_that_lacks_what_only_a_person_knows(run, mix, command, tmp_path):
    """Each placeholder is a problem, and there is no other; filled in, none is left."""
    out = tmp_path / "mine"
    made = command("submit", "--init", run, "--out", out)
    assert (made.exit_code, made.stdout.strip()) == (0, str(out))
    checked = command("submit", "--check", out, "--mix", mix.path, "--json")
    assert checked.exit_code == 1
    assert [problem["where"] for problem in json.loads(checked.stdout)] == [
        f"submission.yaml {key}"
        for key in (
            "version",
            "authors.0.name",
            "contact",
            "licence.code",
            "licence.weights",
            "code.url",
            "code.commit",
        )
    ]
    path = out / "submission.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert (data["parameters"], data["seeds"], data["hours"], data["model"]) == (123, [0, 1], 2.0, "small")
    assert data["predicts"]["splits"] == ["validation", "test"]
    data |= {"version": "1", "contact": "a@example.org", "licence": {"code": "MIT", "weights": "MIT"}}
    data |= {"authors": [{"name": "A"}], "code": {"url": "https://example.org", "commit": "a" * 40}}
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    checked = command("submit", "--check", out, "--mix", mix.path)
    assert (checked.exit_code, checked.stdout.strip()) == (0, f"0 problems in {out}")


def test_a_submission_says_how_many_processes_trained(run, tmp_path):
    """The command makes the same run again, and the hardware is that of all of them."""
    result = run / "result.json"
    whole = json.loads(result.read_text())
    result.write_text(json.dumps(whole | {"hardware": whole["hardware"] | {"devices": 4}}))
    data = yaml.safe_load((submission_from_run(run, tmp_path / "mine") / "submission.yaml").read_text(encoding="utf-8"))
    result.write_text(json.dumps(whole))
    assert data["command"].endswith(" --devices 4")
    assert data["hardware"].endswith(f"4 x {whole['hardware']['accelerator']}")


def test_predictions_are_linked_where_they_can_be(run, tmp_path, monkeypatch):
    """One file under two names; else a copy of the same bytes."""
    name = "predictions/size/test/seed=0.parquet"
    linked = submission_from_run(run, tmp_path / "linked")
    assert (linked / name).stat().st_ino == (run / name).stat().st_ino

    def _refuse(*_):
        raise OSError("another disk")

    monkeypatch.setattr("os.link", _refuse)
    copied = submission_from_run(run, tmp_path / "copied")
    assert (copied / name).stat().st_ino != (run / name).stat().st_ino
    assert (copied / name).read_bytes() == (run / name).read_bytes()
    assert sorted(path.name for path in copied.iterdir()) == ["predictions", "run.yaml", "submission.yaml"]


def test_what_is_there_is_left_alone(run, tmp_path):
    """A folder of that name is not written to; a run without a test split, or not finished, makes none."""
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match="something there already"):
        submission_from_run(run, tmp_path / "mine")
    for dataset in ("size", "assay"):
        (run / "predictions" / dataset / "test").rename(run / dataset)
    with pytest.raises(RunError, match="no predictions of a test split"):
        submission_from_run(run, tmp_path / "other")
    (run / "result.json").unlink()
    with pytest.raises(UsageError, match=r"result.json: found no such file"):
        submission_from_run(run, tmp_path / "other")
    assert not list(tmp_path.glob("other*"))


def test_problems_are_lines(run, mix, command, tmp_path):
    """One each, and their number."""
    out = submission_from_run(run, tmp_path / "mine")
    lines = command("submit", "--check", out, "--mix", mix.path).stdout.splitlines()
    assert lines[-1] == f"7 problems in {out}"
    assert len(lines) == 8
    assert lines[0].startswith("submission.yaml version: found key 'version': still to be filled in")


def test_the_schema_is_printed(command):
    """As JSON."""
    assert json.loads(command("submit", "--schema").stdout)["title"] == "SubmissionSpec"


@pytest.mark.parametrize("arguments", [(), ("--init", "a", "--check", "b"), ("--check", "b")])
def test_one_thing_is_asked_at_a_time(command, arguments):
    """A check needs a mix."""
    with pytest.raises(UsageError):
        command("submit", *arguments)
