"""Tests of the commands that build and show data: output, messages, exit statuses."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.build.tiny import ALKANES, build_tiny, mix_spec, numbered, table_source
from tests.command import CLOSED, run_apart, run_here


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    """Returns the path of a small built mix."""
    folder = tmp_path_factory.mktemp("cli")
    return build_tiny(folder, table_source("one", numbered([*ALKANES, "C1CC"], tasks=2), folder)).path


def _run(*arguments, cache):
    """Runs the command with no way to the network."""
    return run_here(*arguments, env=CLOSED | {"MOLMIX_CACHE": str(cache)})


def test_ls(tmp_path):
    """`ls` names the catalog's mixes, as a table and as JSON."""
    assert "toymix" in _run("ls", cache=tmp_path).stdout
    rows = {row["mix"]: row for row in json.loads(_run("ls", "--json", cache=tmp_path).stdout)}
    assert rows["toymix"]["datasets"] == ["qm9", "tox21", "zinc12k"]
    assert rows["toymix"]["tasks"] == 34
    assert rows["toymix"]["built"] is False


def test_info(mix, tmp_path):
    """`info` shows sizes and where every row went."""
    shown = _run("info", mix, "--tasks", cache=tmp_path)
    assert shown.returncode == 0
    assert "1 unparsable" in shown.stdout
    assert "t1 of one" in shown.stdout
    data = json.loads(_run("info", mix, "--json", cache=tmp_path).stdout)
    assert data["datasets"]["one"]["rows"] == {"read": 41, "kept": 40, "merged": 0, "dropped": {"unparsable": 1}}
    assert data["datasets"]["one"]["density"] == 1.0


def test_validate(mix, tmp_path):
    """`validate` exits 0 on warnings and 1 on errors, and speaks JSON."""
    good = _run("validate", mix, "--json", cache=tmp_path)
    assert good.returncode == 0
    assert all(item["severity"] != "error" for item in json.loads(good.stdout))
    bad = _run("validate", tmp_path, cache=tmp_path)
    assert bad.returncode == 1
    assert "no manifest.json" in bad.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "toymax"], "did you mean 'toymix'?"),
        (["build", "toymax"], "did you mean 'toymix'?"),
        (["build", "toymix", "--raw", "nowhere"], "nowhere; check the path"),
        (["build", "toymix", "--set", "split"], "expected KEY=VALUE"),
        (["build", "toymix", "--set", "split.sed=3"], "key 'split.sed' is unknown (did you mean 'seed'?)"),
        (["run", "gine", "--set", "training.epoch=3"], "key 'training.epoch' is unknown (did you mean 'epochs'?)"),
        (["run", "gine", "--set", "training.epochs=[3"], "no readable YAML"),
        (["bild"], "No such command"),
        (["run", "baselines/gin.yaml"], "did you mean 'gine'?"),
        (["build", "minimix", "--workers", "0"], "--workers"),
    ],
)
def test_usage_errors(arguments, message, tmp_path):
    """A wrong name or option exits 2 with a message on stderr, nothing on stdout and no traceback."""
    result = _run(*arguments, cache=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["ls", "--json"], 0), (["info", "."], 1), (["build", "toymix", "--set", "split.sed=3"], 2)],
)
def test_a_process_says_the_same(arguments, status, tmp_path):
    """Status, stdout and stderr of the real command are those that the other tests see without a process."""
    env = CLOSED | {"MOLMIX_CACHE": str(tmp_path)}
    apart, here = (run(*arguments, env=env) for run in (run_apart, run_here))
    assert apart.returncode == here.returncode == status
    assert (apart.stdout, apart.stderr) == (here.stdout, here.stderr)


def test_missing_raw_file_says_what_was_tried(tmp_path):
    """Where neither --raw nor the network has a file, the error names addresses and --raw."""
    (tmp_path / "raw").mkdir()
    result = _run("build", "toymix", "--raw", tmp_path / "raw", "--out", tmp_path / "x", cache=tmp_path)
    assert result.returncode == 1
    assert "qm9.csv.gz: it cannot be downloaded: https://" in result.stderr
    assert "--raw" in result.stderr
    assert not (tmp_path / "x").exists()


def test_refusals_of_the_system(tmp_path):
    """A path that cannot be made is one line that names it, not a traceback; it exits 1."""
    (tmp_path / "file").write_text("x")
    for arguments in (["build", "minimix", "--out", tmp_path / "file" / "x"], ["info", "x" * 5_000]):
        result = _run(*arguments, cache=tmp_path)
        assert result.returncode == 1
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
    assert "ile name too long" in result.stderr


def test_warnings_are_talk(tmp_path):
    """A raw file of another checksum is a line on stderr, without a place in the code."""
    source = table_source("one", numbered(ALKANES), tmp_path)
    source["files"][0]["sha256"] = "0" * 64
    spec = mix_spec(source, method="hash").model_dump(mode="json")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(spec))
    result = _run("build", tmp_path / "mine.yaml", "--workers", "1", cache=tmp_path)
    assert result.returncode == 0
    (line,) = [line for line in result.stderr.splitlines() if "is not upstream's" in line]
    assert line.startswith("warning: ")
    assert "UserWarning" not in result.stderr


def test_featurize_and_verify_a_store(mix, tmp_path):
    """`featurize` prints the folder that it made, the second time at once; `verify` finds every changed byte in it."""
    first = _run("featurize", mix, "--rwse", "4", "--laplacian", "0", "--workers", "1", "--json", cache=tmp_path)
    facts = json.loads(first.stdout)
    assert facts["features"] == {"rwse": 4, "laplacian": 0}
    assert facts["molecules"] == sum(facts["splits"].values()) == 40
    path = tmp_path / "stores" / facts["key"]
    again = _run("featurize", mix, "--rwse", "4", "--laplacian", "0", cache=tmp_path)
    assert (again.returncode, again.stdout.strip()) == (0, str(path)) == (0, facts["path"])
    assert facts["num_bytes"] == sum(file.stat().st_size for file in path.rglob("*.bin"))
    whole = _run("verify", path, cache=tmp_path)
    assert (whole.returncode, whole.stdout) == (0, f"{path}: every file is as in its header\n")
    for name in ("bonds.bin", "atom_code.bin"):
        data = bytearray((path / name).read_bytes())
        data[-1] ^= 4
        (path / name).write_bytes(data)
    damaged = _run("verify", path, "--json", cache=tmp_path)
    assert damaged.returncode == 1
    assert sorted(item["path"] for item in json.loads(damaged.stdout)) == ["atom_code.bin", "bonds.bin"]
    (path / "bonds.bin").write_bytes(b"")
    truncated = _run("verify", path, cache=tmp_path)
    assert truncated.returncode == 1
    assert "bonds.bin: found 0 bytes" in truncated.stderr
