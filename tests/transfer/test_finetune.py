"""Tests of whole fine-tunings: what they leave, that they repeat and go on, and what they refuse."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import mean_absolute_error, roc_auc_score

from molmix_bench.errors import RunError, UsageError
from molmix_bench.metrics.protocol import MIN_VALUES
from molmix_bench.transfer.finetune import finetune
from molmix_bench.transfer.outcome import open_finetuned
from molmix_bench.transfer.start import Start
from tests.transfer.small import left_in, own_data, quick_spec

EVERY_MODE = 'modes=["head_first", "all", "probe"]'


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Measurements of fifty molecules."""
    return own_data(tmp_path_factory.mktemp("data"), "size")


@pytest.fixture(scope="module")
def finished(pretrained, chains, data, tmp_path_factory):
    """A fine-tuning in every mode, beside every reference."""
    out = tmp_path_factory.mktemp("finetuned") / "out"
    return finetune(Start.of(pretrained), data, quick_spec(EVERY_MODE), out, mix=chains)


def test_every_method_is_scored(finished):
    """Modes and references have a score with an interval on the same folds, and those beside the first a difference."""
    summary = finished.summary().filter(part="all", metric="mae_standardised")
    methods = ["head_first", "all", "probe", "scratch", "fingerprints", "trivial"]
    assert summary["method"].to_list() == methods
    assert summary["n_seeds"].to_list() == [2, 2, 2, 2, 1, 1]
    assert summary["n_labels"].to_list() == [50] * 6
    assert (summary["ci_low"] < summary["value"]).all()
    assert (summary["value"] < summary["ci_high"]).all()
    assert summary["difference"].is_null().to_list() == [True] + [False] * 5
    assert len(finished.result.pieces) == 2 * (2 + 2 + 2 + 2 + 1 + 1)


def test_scores_are_those_of_the_predictions(finished, data):
    """The mean error over folds and seeds is what scikit-learn makes of the predictions that were kept."""
    errors = []
    folds = finished.result.folds
    for fold in range(len(folds)):
        rows = finished.predictions().filter(fold=fold)
        labels = np.array(rows["labels"].to_list())[:, 0]
        for seed in (0, 1):
            with np.load(finished.folder.piece("all", fold, seed)) as piece:
                errors.append(mean_absolute_error(labels, piece["test"][:, 0]))
    row = finished.summary().filter(method="all", part="all", metric="mae")
    assert row["value"].to_list() == [pytest.approx(np.mean(errors))]


def test_molecules_that_the_run_has_seen(finished, chains, data):
    """They are those of the mix's train and validation splits by mol_id, counted in each fold and scored apart.

    A fold with fewer of a part than can be scored has no share in its scores.
    """
    known = set()
    for name, entry in chains.datasets.items():
        for split in ("train", "validation"):
            if split in entry.splits:
                known |= set(chains.scan(name, split).collect()["mol_id"])
    molecules = finished.molecules()
    assert molecules["seen"].to_list() == [mol_id in known for mol_id in molecules["mol_id"]]
    assert 5 < molecules["seen"].sum() < 20
    assert sum(fold.seen for fold in finished.result.folds) == molecules["seen"].sum()
    counts = finished.summary().filter(method="trivial", metric="mae").select("part", "n_labels")
    assert [fold.seen for fold in finished.result.folds] == [2, 9]
    assert MIN_VALUES == 3
    assert dict(counts.iter_rows()) == {"all": 50, "new": 23 + 16, "seen": 9}
    assert "were in the labels of the run's mix" in " ".join(finished.result.notes)


def test_predictions_are_of_networks_that_did_not_see_the_molecule(finished, data):
    """Each molecule is tested once, with the mean over seeds of the first mode, and their spread."""
    table = finished.predictions()
    assert sorted(table["mol_id"]) == sorted(data.measurements.mol_ids)
    fold = table.filter(fold=1)
    values = np.stack([np.load(finished.folder.piece("head_first", 1, seed))["test"] for seed in (0, 1)])
    assert np.array(fold["prediction"].to_list()) == pytest.approx(values.mean(axis=0))
    assert np.array(fold["spread"].to_list()) == pytest.approx(values.std(axis=0, ddof=1))


def test_going_on_leaves_no_trace(finished, pretrained, chains, data, tmp_path, capsys):
    """With pieces missing, the same call fits these alone, and ends with the same bytes."""
    copy = shutil.copytree(finished.path, tmp_path / "out")
    for path in ("result.json", "scores.json", "predictions.parquet"):
        (copy / path).unlink()
    kept = finished.folder.piece("all", 0, 0)
    shutil.rmtree(copy / "pieces/head_first/fold=1")
    (copy / "pieces/fingerprints/fold=0/seed=0.npz").unlink()
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*.npz")}
    found = finetune(Start.of(pretrained), data, quick_spec(EVERY_MODE), copy, mix=chains)
    assert "going on, 17 of 20 pieces are finished" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert left_in(copy) == left_in(finished.path)
    assert found.result.scores == finished.result.scores
    assert kept.is_file()


def test_a_finished_one_is_returned_as_it_is(finished, pretrained, chains, data, capsys):
    """The same call again says so, and touches nothing."""
    before = {path: path.stat().st_mtime_ns for path in finished.path.rglob("*.*")}
    again = finetune(Start.of(pretrained), data, quick_spec(EVERY_MODE), finished.path, mix=chains)
    assert "finished already" in capsys.readouterr().err
    assert again.result == finished.result == open_finetuned(finished.path).result
    assert {path: path.stat().st_mtime_ns for path in finished.path.rglob("*.*")} == before


def test_refuses_the_directory_of_another(finished, pretrained, chains, data, tmp_path):
    """Another spec, other data and another run are named by what differs; so are files of something else."""
    start = Start.of(pretrained)
    with pytest.raises(RunError, match=r"spec\.tuning\.epochs: 2 -> 3"):
        finetune(start, data, quick_spec(EVERY_MODE, "tuning.epochs=3"), finished.path, mix=chains)
    labels = data.measurements.labels + 1
    other = replace(data, measurements=replace(data.measurements, labels=labels))
    with pytest.raises(RunError, match=r"data\.digest: "):
        finetune(start, other, quick_spec(EVERY_MODE), finished.path, mix=chains)
    with pytest.raises(RunError, match=r"seen_digest: "):
        finetune(start, data, quick_spec(EVERY_MODE), finished.path)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match=r"files that no fine-tuning left there \(thesis\.tex\)"):
        finetune(start, data, quick_spec(), tmp_path, mix=chains)


def test_unfinished_and_absent(finished, tmp_path):
    """A directory without a fine-tuning, and one that is not finished, are told apart."""
    with pytest.raises(UsageError, match="expected the directory of a fine-tuning"):
        open_finetuned(tmp_path)
    copy = shutil.copytree(finished.path, tmp_path / "out")
    (copy / "result.json").unlink()
    with pytest.raises(RunError, match="a fine-tuning that is not finished"):
        open_finetuned(copy)


def test_a_damaged_piece(finished, pretrained, chains, data, tmp_path):
    """It is named, with what to do."""
    copy = shutil.copytree(finished.path, tmp_path / "out")
    (copy / "result.json").unlink()
    (copy / "pieces/probe/fold=0/seed=1.npz").write_bytes(b"PK")
    with pytest.raises(RunError, match=r"probe.fold=0.seed=1\.npz: no readable predictions .*; delete it and run"):
        finetune(Start.of(pretrained), data, quick_spec(EVERY_MODE), copy, mix=chains)


def test_binary_tasks_together(pretrained, tmp_path):
    """Two tasks with missing labels are learnt by one network; scores are those of scikit-learn, task by task."""
    rng = np.random.default_rng(0)
    sparse = [None if number < 0.3 else int(number < 0.6) for number in rng.random(50).tolist()]
    data = own_data(tmp_path, "aromatic", "sparse", sparse=sparse)
    spec = quick_spec('modes=["all"]', "references=[trivial]", "seeds=[0]", "folds.split=random")
    found = finetune(Start.of(pretrained), data, spec, tmp_path / "out")
    expected = []
    for fold in range(2):
        rows = found.predictions().filter(fold=fold)
        labels, values = (np.array(rows[name].to_list(), float) for name in ("labels", "prediction"))
        assert (values >= 0).all()
        assert (values <= 1).all()
        present = ~np.isnan(labels)
        expected.append(
            [roc_auc_score(labels[present[:, task], task], values[present[:, task], task]) for task in (0, 1)]
        )
    scores = found.scores().filter(method="all", metric="auroc", aggregation="task")
    assert scores["value"].to_list() == pytest.approx(np.mean(expected, axis=0).tolist())
    trivial = found.summary().filter(method="trivial", metric="auroc")
    assert trivial["value"].to_list() == [0.5]
    assert "nobody looked which molecules the run had seen" in " ".join(found.result.notes)


def test_classes(pretrained, tmp_path):
    """Classes have a probability each, which sum to one, by every method."""
    data = own_data(tmp_path, "ring")
    spec = quick_spec('modes=["probe", "head_first"]', "seeds=[0]", "folds.split=random", "folds.folds=1")
    found = finetune(Start.of(pretrained), data, spec, tmp_path / "out")
    for method in spec.methods:
        with np.load(found.folder.piece(method, 0, 0)) as piece:
            assert piece["test"].shape == (5, 6)
            assert piece["test"].sum(axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_from_scratch_without_a_run(pretrained, data, tmp_path):
    """A spec alone has no modes; asked for one, it says that a run is needed."""
    start = Start(pretrained.spec)
    with pytest.raises(UsageError, match="expected a finished run, whose networks go on"):
        finetune(start, data, quick_spec(), tmp_path / "modes")
    assert not (tmp_path / "modes").exists()
    spec = quick_spec("modes=[]", "references=[scratch, trivial]")
    found = finetune(start, data, spec, tmp_path / "out")
    assert found.result.origin.start.mix is None
    assert (found.path / "networks/scratch/fold=1/seed=1.safetensors").is_file()


def test_a_run_of_another_featurizer(pretrained, data, tmp_path):
    """Codes of atoms that mean something else are refused before anything is written."""
    from molmix_bench.training.trained import open_run

    copy = shutil.copytree(pretrained.path, tmp_path / "run")
    versions = json.loads((copy / "versions.json").read_text())
    (copy / "versions.json").write_text(json.dumps({**versions, "featurizer": "1"}))
    with pytest.raises(RunError, match=r"a run begun with version 1 of the featurizer; expected 2, that of this"):
        finetune(Start.of(open_run(copy)), data, quick_spec(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_loss_that_is_not_finite(pretrained, data, tmp_path):
    """The error names epoch and batch, and finished pieces stay."""
    spec = quick_spec('modes=["probe", "all"]', "tuning.optimizer.learning_rate=1e30", "tuning.epochs=8")
    with pytest.raises(RunError, match=r"mine, epoch \d+, batch|predictions that are not finite|not finite"):
        finetune(Start.of(pretrained), data, spec, tmp_path / "out")
    assert (tmp_path / "out/pieces/probe/fold=0/seed=0.npz").is_file()
    assert not (tmp_path / "out/result.json").exists()


def test_tasks_that_a_fold_cannot_score(pretrained, tmp_path):
    """They are named with the fold, and the others are scored."""
    rare = [1 if position < 2 else 0 for position in range(50)]
    data = own_data(tmp_path, "aromatic", "rare", rare=rare)
    spec = quick_spec('modes=["probe"]', "references=[trivial]", "seeds=[0]", "folds.folds=5")
    found = finetune(Start.of(pretrained), data, spec, tmp_path / "out")
    reasons = {row["reason"] for row in found.result.excluded if row["task"] == "rare"}
    assert len(reasons) >= 3
    assert all(reason.startswith("fold ") and "all of class 0" in reason for reason in reasons)
    assert pl.DataFrame(found.result.scores, infer_schema_length=None)["value"].is_finite().any()


@pytest.mark.parametrize(
    ("labelled", "value", "verdict"),
    # The twenty without rings are learnt from, and benzene with its chains is tested.
    [(range(40, 50), None, "not scored"), (range(1), 0.5, "no interval")],
)
def test_scores_without_a_verdict(pretrained, tmp_path, labelled, value, verdict):
    """Where no task can be scored, or not its resamples, verdicts say so, and not that there is no difference."""
    data = own_data(tmp_path, "rare", rare=[int(position in labelled) for position in range(50)])
    spec = quick_spec('modes=["probe"]', "references=[trivial]", "seeds=[0]", "folds.folds=1")
    found = finetune(Start.of(pretrained), data, spec, tmp_path / "out")
    (row,) = found.summary().filter(method="trivial", part="all", metric="auroc").to_dicts()
    assert (row["value"], row["verdict"], row["ci_low"]) == (value, verdict, None)
    assert [item["task"] for item in found.result.excluded] == (["rare"] if value is None else [])
    assert "one seed: intervals and verdicts are of the molecules tested alone" in " ".join(found.result.notes)


def test_several_seeds_have_no_note_of_one(finished):
    """With two seeds nothing is said of one, and what is scored has a verdict of its difference."""
    assert "one seed" not in " ".join(finished.result.notes)
    verdicts = set(finished.summary().filter(part="all")["verdict"]) - {None}
    assert verdicts <= {"head_first better", "head_first worse", "no difference"}
