"""Tests of `report`: where it writes, and exit statuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from molmix_bench.training.run import run
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source
from tests.training.small import fitted_spec


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A mix and the trivial run on it."""
    folder = tmp_path_factory.mktemp("reported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLMIX_CACHE", str(folder / "cache"))
        mix = build_tiny(folder, table_source("one", numbered(ALKANES, tasks=2), folder), test=0.3)
        return mix.path, run(fitted_spec("trivial"), mix, folder / "run").path


def _report(*arguments):
    command = [sys.executable, "-c", "from molmix_bench.cli import main; main()", "report", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_writes_a_page(made, tmp_path):
    """Into the run's directory or where it is told, and prints where; the same bytes."""
    mix, path = made
    shown = _report(path, "--mix", mix)
    assert (shown.returncode, shown.stdout.strip()) == (0, str(path / "report.html"))
    told = _report(path, "--mix", mix, "--out", tmp_path / "page.html", "--json")
    assert json.loads(told.stdout) == {"html": str(tmp_path / "page.html")}
    assert (tmp_path / "page.html").read_bytes() == (path / "report.html").read_bytes()


@pytest.mark.slow
def test_bad_input(made, tmp_path):
    """No run and an unknown mix exit with 2, unfinished runs and missing predictions with 1; nothing is written."""
    mix, path = made
    copy = shutil.copytree(path, tmp_path / "run")
    (copy / "report.html").unlink(missing_ok=True)
    for arguments, status, words in (
        ([tmp_path / "nothing", "--mix", mix], 2, "run.yaml: no such file"),
        ([copy], 2, "name the directory of the mix with --mix"),
        ([copy, "--mix", "toymx"], 2, "no such directory, and no such mix in the catalog"),
    ):
        refused = _report(*arguments)
        assert (refused.returncode, words in refused.stderr) == (status, True), refused.stderr
    next((copy / "predictions").rglob("test/*.parquet")).unlink()
    refused = _report(copy, "--mix", mix)
    assert (refused.returncode, "expected the predictions of seed 0" in refused.stderr) == (1, True)
    (copy / "result.json").unlink()
    refused = _report(copy, "--mix", mix)
    assert (refused.returncode, "not finished" in refused.stderr) == (1, True)
    assert not list(copy.glob("report.html*"))
