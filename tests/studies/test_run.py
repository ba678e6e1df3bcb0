"""Tests of whole studies, of seconds each, on the mix of chains."""

from __future__ import annotations

import polars as pl
import pytest
import yaml

import molmix_bench as mb
from molmix_bench.errors import RunError, UsageError
from molmix_bench.specs.answer import StudyAnswer
from molmix_bench.studies.run import run_study
from molmix_bench.training import run as training
from tests.studies.small import NETWORK, build_long_chains, study


def _run(spec, chains, out, **options):
    return run_study(spec, out, mixes={"chains": chains}, accelerator="cpu", **options)


def _check(done, *, labels):
    """Every cell is finished; table, claims, page and figures say so."""
    assert done.is_finished, done.outcome.failed
    table = pl.read_parquet(done.path / "results.parquet")
    assert set(labels) <= set(table.columns)
    assert set(table["seed"]) == {0, 1}
    assert table["cpu_seconds"].null_count() == 0
    assert StudyAnswer.model_validate_json((done.path / "answer.json").read_text()) == done.answer
    page = (done.path / "report.html").read_text()
    assert "What is established" in page
    assert "<script" not in page
    assert page.count("<img") == len(list((done.path / "figures").glob("*-light.png"))) > 0
    for claim in done.answer.claims:
        assert (claim.verdict != "open") == (claim.low is not None and (claim.low > 0 or claim.high < 0))
    return table


def test_diversity(chains, table, tmp_path):
    """Bodies of one size and more datasets, then a task; a new size adds its cells, and nothing is done twice."""
    done = _run(study("diversity", table), chains, tmp_path)
    found = _check(done, labels=["num_datasets", "num_molecules", "body"])
    tuned = found.filter("primary", body="pre-trained")
    assert sorted(tuned.select("num_datasets", "num_molecules", "seed").rows()) == sorted(
        (count, size, seed) for count in (1, 2) for size in (8, 16) for seed in (0, 1)
    )
    assert set(found["body"]) == {"pre-trained", "scratch", "fingerprints"}
    assert {claim.question for claim in done.answer.claims} >= {
        "whether more datasets help at one size",
        "whether more molecules help",
        "which of both does more",
    }
    specs = [item.cell.spec for item in done.outcome.done if item.cell.key.startswith("train")]
    assert all(spec.subset.balanced and spec.subset.draw == spec.training.seeds[0] for spec in specs)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").rglob("measured.npz")}
    more = _run(study("diversity", table, num_molecules=[8, 16, 18]), chains, tmp_path)
    assert len(more.outcome.done) == len(done.outcome.done) + 8
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_cell_that_fails_loses_no_other(chains, tmp_path, monkeypatch):
    """One network cannot be trained: the others are, the page names it, and the same call tries it again."""
    real = training.run
    asked = []

    def _breaks(spec, *rest, **options):
        asked.append(spec)
        if spec.model.width == 8 and spec.subset is not None:
            raise RunError("the machine", found="bad luck")
        return real(spec, *rest, **options)

    monkeypatch.setattr("molmix_bench.studies.train_cell.run", _breaks)
    done = _run(study("scale"), chains, tmp_path)
    assert list(done.outcome.failed) == [f"train width=8 fraction=0.5 seed={seed}" for seed in (0, 1)]
    assert len(done.outcome.done) == 6
    assert "bad luck" in (tmp_path / "report.html").read_text()
    monkeypatch.undo()
    _check(_run(study("scale"), chains, tmp_path), labels=["width", "fraction"])
    assert len(asked) == 8


def test_scale_gives_small_shares_more_epochs(chains, tmp_path):
    """Half of the molecules are trained on for twice the epochs, up to the most that there may be."""
    for most, epochs in ((2, {0.5: 2, 1: 1}), (None, {0.5: 1, 1: 1})):
        done = _run(study("scale", max_epochs=most), chains, tmp_path / str(most), most=0)
        assert done.outcome.waiting
        from molmix_bench.studies.scale import scaled

        spec = done.spec
        assert {share: scaled(spec, share, 4).training.epochs for share in spec.fractions} == epochs


def test_efficiency(chains, tmp_path):
    """Baselines that are files: costs, parameters, and energy that nobody measured is no number."""
    names = []
    for name, model in (("trivial", {"architecture": "trivial"}), ("gine", NETWORK["model"])):
        data = {"name": name, "description": name, "mix": "elsewhere", "model": model, "max_parameters": None}
        training = {"epochs": 3, "batch_size": 16} if name == "gine" else {}
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**data, "features": NETWORK["features"], "training": training}))
        names.append(str(path))
    spec = study("efficiency", baselines=names, epochs=1, subset={"molecules": 20})
    done = _run(spec, chains, tmp_path / "out")
    found = _check(done, labels=["baseline", "num_parameters", "energy_joules"])
    assert set(found["baseline"]) == set(names)
    trained = {item.cell.spec.training.epochs for item in done.outcome.done if "gine" in str(item.cell.factors)}
    assert trained == {1}
    if found["energy_joules"].null_count() == len(found):
        assert "not measurable" in (done.path / "report.html").read_text()


def test_representation(tmp_path):
    """Probes of every layer from every network and an untrained one; likeness of pairs, and of two seeds."""
    mix = build_long_chains(tmp_path / "mix")
    done = _run(study("representation", probe_molecules=100), mix, tmp_path / "out")
    found = _check(done, labels=["body", "layer", "first", "second"])
    probes = found.filter(pl.col("primary") & (pl.col("metric") != "cka"))
    assert set(probes["body"]) == {"energies", "groups", "atoms", "untrained"}
    assert set(probes["dataset"]) == {"energies", "groups"}
    assert set(probes["layer"]) == {0, 1, 2}
    likeness = found.filter(metric="cka")
    assert likeness["value"].max() <= 1.0 + 1e-9
    assert set(likeness.filter(pl.col("first") == pl.col("second"))["first"]) == {"energies", "groups", "atoms"}
    assert "atoms has labels of atoms, of which there are no probes" in (done.path / "report.html").read_text()
    rare = study("representation", datasets=["energies", "rare"], probe_molecules=100)
    failed = _run(rare, mix, tmp_path / "out").outcome.failed
    assert set(failed) == {
        f"probe rare body={name} seed={seed}" for name in (*rare.datasets, "untrained") for seed in (0, 1)
    }
    assert all("rare: found no reliable task among" in reason for reason in failed.values())


def test_transfer(chains, table, tmp_path):
    """Learning curves from two bodies and both references; a number of labels that a task has not is left out, said."""
    done = _run(study("transfer", table), chains, tmp_path)
    found = _check(done, labels=["body", "num_labels"])
    curves = found.filter("primary")
    assert set(curves["num_labels"]) == {16, 20}
    assert set(curves["body"]) == {"all", "groups", "scratch", "fingerprints"}
    assert "so none of 1,000" in (tmp_path / "report.html").read_text()


def test_what_a_study_is_refused_for(chains, table, tmp_path):
    """More datasets than there are, more labels than there are, a folder of something else."""
    with pytest.raises(UsageError, match=r"num_datasets: found 9; expected at most 3"):
        _run(study("diversity", table, num_datasets=[1, 9]), chains, tmp_path / "a")
    with pytest.raises(UsageError, match=r"task mine: found \d+ molecules to train and validate on; expected at least"):
        _run(study("diversity", table, num_labels=5_000), chains, tmp_path / "b")
    with pytest.raises(UsageError, match="dataset 'energie' \\(did you mean 'energies'\\?\\)"):
        _run(study("scale", datasets=["energie"]), chains, tmp_path / "c")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match=r"files that no study left there \(thesis\.tex\)"):
        _run(study("scale"), chains, tmp_path / "d")
    with pytest.raises(UsageError, match=r"no dataset 'esoll' \(did you mean 'esol'\?\)"):
        _run(study("transfer", table, tasks=[{"source": "esoll"}]), chains, tmp_path / "e")


def test_in_python(chains, tmp_path):
    """`mb.study` takes a YAML file and settings, does so many cells, and goes on when called again."""
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(study("scale").model_dump(mode="json")))
    options = {
        "mixes": {"chains": chains},
        "out": str(tmp_path / "out"),
        "raw": [str(tmp_path)],
        "settings": ["seeds=[3]", "widths=[4]"],
    }
    begun = mb.study(path, **options, most=1)
    assert (len(begun.outcome.done), len(begun.outcome.waiting)) == (1, 1)
    done = mb.study(path, **options)
    assert done.is_finished
    assert done.spec.seeds == (3,)
