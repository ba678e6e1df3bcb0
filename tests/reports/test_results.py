"""Tests of the results that are kept, and of the page of tables made from them."""

from __future__ import annotations

import re
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from molmix_bench.errors import RunError, UsageError
from molmix_bench.reports.kept import keep_run, read_kept
from molmix_bench.reports.results import results_page
from molmix_bench.training.run import run
from tests.training.small import build_chains, fitted_spec, run_spec

BASELINES = Path(__file__).parents[2] / "baselines"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two finished runs on a small mix: a network of two seeds on one dataset, and the trivial predictor on all."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLMIX_CACHE", str(folder / "cache"))
        mix = build_chains(folder / "mix")
        spec = run_spec(training__seeds=[0, 1], datasets=["energies"])
        return run(spec, mix, folder / "gine-energies"), run(fitted_spec("trivial"), mix, folder / "trivial")


def _row(page, *beginning):
    """Returns the cells of the first table row that begins with these."""
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[: len(beginning)] == list(beginning):
            return cells
    raise AssertionError(f"no row {beginning} in\n{page}")


def test_keeps_what_tables_need(runs, tmp_path):
    """Result, spec, a digest of each file of predictions, and those of the test split where they are small."""
    for finished in runs:
        keep_run(finished.path, tmp_path)
    network, trivial = read_kept(tmp_path)
    assert (network.name, trivial.name) == ("gine-energies", "trivial")
    assert (network.spec, network.result) == (runs[0].spec, runs[0].result)
    for line in (tmp_path / "trivial/predictions.sha256").read_text().splitlines():
        digest, name = line.split("  ")
        assert digest == sha256((runs[1].path / name).read_bytes()).hexdigest()
        kept = tmp_path / "trivial" / name
        assert kept.is_file() == ("/test/" in name)
        assert not kept.is_file() or kept.read_bytes() == (runs[1].path / name).read_bytes()


def test_large_predictions_are_kept_as_digests_alone(runs, tmp_path, monkeypatch):
    """The limit is of all files of the test split together."""
    monkeypatch.setattr("molmix_bench.reports.kept.MAX_BYTES", 100)
    folder = keep_run(runs[1].path, tmp_path)
    assert not list(folder.rglob("*.parquet"))
    assert (folder / "predictions.sha256").read_text().count("\n") == len(list(runs[1].path.rglob("*.parquet")))


def test_the_page_has_the_scores_of_the_runs(runs, tmp_path):
    """Mean, spread and interval of the test split, as the runs have them; the better model first."""
    for finished in runs:
        keep_run(finished.path, tmp_path)
    page = results_page(tmp_path)
    network = _row(page, "GINE", "it alone")
    table = runs[0].scores().table.filter(split="test", aggregation="macro", metric="mae_standardised")
    value, std, low, high = table.filter(table["seed"].is_null()).select("value", "std", "ci_low", "ci_high").row(0)
    assert network[2] == f"{value:.4g} ± {std:.4g}"
    assert network[3] == f"{low:.4g} to {high:.4g}"
    trivial = _row(page, "trivial: train mean or prior", "5 datasets")
    network_first = page.index("| GINE | it alone |") < page.index("| trivial: train mean or prior | 5 datasets |")
    assert network_first == (float(network[2].split()[0]) < float(trivial[2]))
    assert _row(page, "`gine-energies`")[1:4] == [f"{runs[0].result.num_parameters:,}", "2", "4"]
    assert _row(page, "`trivial`")[3:5] == ["-", "-"]


def test_the_page_sets_ours_beside_what_is_published(runs, tmp_path):
    """The same model, trained on the same datasets: the difference; below ours the published rows, as printed."""
    folder = keep_run(runs[0].path, tmp_path)
    for name in ("result.json", "run.yaml"):
        path = folder / name
        path.write_text(path.read_text().replace("energies", "zinc12k").replace('"tiny"', '"toymix"'))
    (tmp_path / "notes.yaml").write_text("mixes: {toymix: [Only a sample of QM9.]}\n")
    page = results_page(tmp_path)
    ours = _row(page, "GINE", "it alone")
    value = float(ours[2].split()[0])
    beside = dict(part.split() for part in ours[-1].split(", "))
    assert float(beside["mae\\_standardised"]) == pytest.approx(value - 0.266, abs=6e-4)
    assert set(beside) == {"mae\\_standardised", "pearson", "r2"}
    assert _row(page, "published: GINE", "one dataset")[2] == "0.266 ± 0.02"
    assert "* Only a sample of QM9." in page or "- Only a sample of QM9." in page


def test_runs_of_one_model_are_told_apart(runs, tmp_path):
    """Two that read alike have their names; one on a part says of how much, and stands beside nothing published."""
    first = keep_run(runs[0].path, tmp_path)
    for name, subset in (("again", None), ("part", {"fraction": 0.25})):
        shutil.copytree(first, tmp_path / name)
        spec = yaml.safe_load((first / "run.yaml").read_text())
        (tmp_path / name / "run.yaml").write_text(yaml.safe_dump(spec | {"subset": subset}))
    page = results_page(tmp_path)
    assert _row(page, "GINE (gine-energies)", "it alone")[2:] == _row(page, "GINE (again)", "it alone")[2:]
    assert _row(page, "GINE", "25 % of it alone")[-1] == "-"


def test_a_run_is_not_overwritten_by_its_own_result(runs):
    """Results kept in the folder of the runs would replace the run, checkpoints and all."""
    path = runs[1].path
    before = sorted(path.rglob("*"))
    with pytest.raises(UsageError, match="a folder of their own"):
        keep_run(path, path.parent)
    assert sorted(path.rglob("*")) == before


def test_refuses_what_is_no_finished_run(tmp_path):
    """An empty folder, a run without a result."""
    with pytest.raises(UsageError, match=r"no folder with result\.json"):
        read_kept(tmp_path)
    with pytest.raises((UsageError, RunError)):
        keep_run(tmp_path, tmp_path / "results")


def test_the_page_of_our_baselines_is_the_one_that_its_results_make():
    """`molmix-bench results baselines/results --out baselines/README.md` has been run, and predictions are intact."""
    assert (BASELINES / "README.md").read_text(encoding="utf-8") == results_page(BASELINES / "results")
    for digests in (BASELINES / "results").glob("*/predictions.sha256"):
        for digest, name in re.findall(r"(\w+)  (\S+)\n", digests.read_text()):
            kept = digests.parent / name
            assert not kept.is_file() or sha256(kept.read_bytes()).hexdigest() == digest
