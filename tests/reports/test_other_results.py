"""Tests of the suites and studies that are kept, and of their part of the page of tables."""

from __future__ import annotations

import shutil

import polars as pl
import pytest

from molmix_bench.cards.markdown import render_markdown
from molmix_bench.errors import RunError, UsageError
from molmix_bench.reports.kept_others import KeptSuite, keep, read_kept_studies, read_kept_suites
from molmix_bench.reports.other_results import studies_section, suite_section
from molmix_bench.specs.answer import Verdict
from molmix_bench.specs.finetune import FinetuneSpec
from molmix_bench.specs.suite import SuiteSpec
from molmix_bench.studies.run import run_study
from molmix_bench.transfer.start import Start
from molmix_bench.transfer.suite import run_suite
from tests.studies.small import study
from tests.training.small import build_chains, run_spec
from tests.transfer.small import QUICK, write_table


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A suite of one dataset, learnt by a network from scratch; and a small study."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLMIX_CACHE", str(folder / "cache"))
        table = pl.read_csv(write_table(folder / "t.csv"))
        (folder / "raw").mkdir()
        table.select("smiles", expt="size").write_csv(folder / "raw" / "SAMPL.csv")
        suite = SuiteSpec(name="mine", title="-", description="-", datasets=("freesolv",), folds={"folds": 1})
        spec = FinetuneSpec(modes=()).changed([*QUICK, "seeds=[0,1]"])
        learnt = run_suite(Start(run_spec()), suite, folder / "mine", spec=spec, files=([folder / "raw"], None))
        mix = build_chains(folder / "mix")
        return learnt, run_study(study("scale"), folder / "wider", mixes={"chains": mix}, accelerator="cpu")


def test_a_suite_is_kept_and_shown(made, tmp_path):
    """The result of each dataset; a row for each method, with its score, interval and what the first is against it."""
    learnt, _ = made
    assert keep(learnt.path, tmp_path) == tmp_path / "mine"
    (kept,) = read_kept_suites(tmp_path)
    result = learnt.finished["freesolv"].result
    assert (kept.name, kept.results) == ("mine", {"freesolv": result})
    page = render_markdown(suite_section(kept, ["A remark."]))
    assert "A remark." in page
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if "mae" in line]
    assert [row[4] for row in rows] == ["from scratch", "fingerprints and descriptors, boosting", "trivial"]
    assert rows[0][:4] == ["freesolv", "50", str(sum(fold.test for fold in result.folds)), "-"]
    (score,) = [
        row
        for row in result.scores
        if (row["method"], row["metric"], row["aggregation"]) == ("scratch", "mae_standardised", "macro")
    ]
    assert rows[0][6].startswith(f"{score['value']:.4g} ± ")
    assert rows[0][8:] == ["-", ""]
    assert all(row[9] in {"better", "worse", "no difference"} for row in rows[1:])


def test_new_molecules_stand_apart(made):
    """Where some of those tested were seen in training, the score of the others has a column."""
    result = made[0].finished["freesolv"].result
    folds = tuple(fold.model_copy(update={"seen": 2}) for fold in result.folds)
    new = [{**row, "part": "new", "value": 0.125, "std": None} for row in result.scores]
    seen = result.model_copy(update={"folds": folds, "scores": (*result.scores, *new)})
    page = render_markdown(suite_section(KeptSuite("mine", {"freesolv": seen}), []))
    assert page.count("| 0.125 |") == 3


def test_a_study_is_kept_and_shown(made, tmp_path):
    """Its answer and spec; on the page the sentences that say something, and what it cannot say."""
    _, wider = made
    keep(wider.path, tmp_path)
    assert read_kept_studies(tmp_path) == (wider.answer,)
    assert (tmp_path / "wider" / "spec.yaml").read_bytes() == (wider.path / "spec.yaml").read_bytes()
    claim = wider.answer.claims[0].model_copy(update={"verdict": Verdict.SUGGESTED, "sentence": "so it seems"})
    page = render_markdown(studies_section([wider.answer.model_copy(update={"claims": (claim,)})]))
    assert "- so it seems" in page
    assert "Established: nothing." in page
    many = studies_section([wider.answer.model_copy(update={"claims": (claim,) * 30})])
    assert render_markdown(many).count("- so it seems") == 12
    assert "- and 18 more in `small-scale/answer.json`." in render_markdown(many)
    assert f"{wider.answer.finished} runs" in page


def test_what_is_not_finished_is_not_kept(made, tmp_path):
    """A suite of which a dataset is not, a study with cells to do, and results kept where they lie."""
    learnt, wider = made
    copy = tmp_path / "mine"
    shutil.copytree(learnt.path, copy)
    (copy / "freesolv" / "result.json").unlink()
    with pytest.raises(RunError, match="not finished"):
        keep(copy, tmp_path / "results")
    waiting = wider.answer.model_copy(update={"waiting": ("one",)})
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "answer.json").write_text(waiting.model_dump_json())
    with pytest.raises(RunError, match="1 not begun"):
        keep(tmp_path / "study", tmp_path / "results")
    with pytest.raises(UsageError, match="a folder of their own"):
        keep(learnt.path, learnt.path.parent)
    assert not (tmp_path / "results").exists()
