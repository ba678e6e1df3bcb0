"""Tests of runs of classical models: trees on fingerprints, a perceptron on fingerprints, the trivial predictor."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier

from molmix_bench.errors import RunError, StoreError, UsageError
from molmix_bench.graphs.cached import open_store
from molmix_bench.models.fingerprints import open_fingerprints
from molmix_bench.specs.model import FingerprintSpec
from molmix_bench.submissions.score import score
from molmix_bench.training import run as run_module
from molmix_bench.training import task_learner
from molmix_bench.training.run import run
from molmix_bench.training.trained import predict_run
from tests.training.small import DATASETS, fitted_spec, read_run, run_spec

TREES = {
    "random_forest": {"num_trees": 5, "fingerprint": {"bits": 256}},
    "gradient_boosting": {"num_trees": 5, "min_leaf": 2, "fingerprint": {"bits": 256}},
}
MLP = {"architecture": "fingerprint_mlp", "width": 8, "fingerprint": {"bits": 256}, "head": {"width": 8}}


@pytest.fixture(autouse=True)
def _one_process(monkeypatch):
    """Tasks are fitted in this process: starting others takes longer than all the tests."""
    monkeypatch.setattr(task_learner.joblib, "cpu_count", lambda: 1)


@pytest.fixture(scope="module")
def forest(chains, cache_folder, tmp_path_factory):
    """A finished run of a random forest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLMIX_CACHE", str(cache_folder))
        patch.setattr(task_learner.joblib, "cpu_count", lambda: 1)
        return run(fitted_spec("random_forest", **TREES["random_forest"]), chains, tmp_path_factory.mktemp("forest"))


@pytest.mark.parametrize("architecture", [*TREES, "trivial"])
def test_leaves_what_a_network_leaves(architecture, chains, tmp_path):
    """Predictions of every dataset and split, scores equal to scoring them, and a result with its notes."""
    done = run(fitted_spec(architecture, **TREES.get(architecture, {})), chains, tmp_path)
    written = {path.relative_to(tmp_path / "predictions").as_posix() for path in tmp_path.rglob("*.parquet")}
    assert written == {f"{d}/{s}/seed=0.parquet" for d in DATASETS for s in ("validation", "test")}
    key = ["dataset", "split", "seed", "aggregation", "task", "metric"]
    left, right = (scores.table.sort(key) for scores in (done.scores(), score(tmp_path / "predictions", chains)))
    assert left.equals(right)
    assert done.result.num_parameters >= 2 + 2 + 2 * 4 + 104 + 2
    assert done.result.seeds[0].selection > 0
    notes = [note.split(":")[0] for note in done.result.notes]
    assert notes == ([] if architecture == "trivial" else ["atoms"])


def test_trees_learn(forest, chains, tmp_path):
    """A forest beats the trivial predictor where the fingerprint tells: ends of chains."""
    trivial = run(fitted_spec("trivial"), chains, tmp_path)
    values = [
        run.scores().table.filter(dataset="groups", split="test", aggregation="macro", metric="auroc", seed=0)["value"][
            0
        ]
        for run in (forest, trivial)
    ]
    assert values[1] == 0.5
    assert values[0] > 0.9


def test_a_task_is_what_scikit_learn_gives(forest, chains):
    """The probabilities of one binary task are those of scikit-learn's forest on the same fingerprints and labels."""
    spec = forest.spec
    store = open_store(chains, spec.features)
    table = open_fingerprints(chains, store, spec.model.fingerprint)
    place = {mol_id.decode(): row for row, mol_id in enumerate(store.mol_ids)}
    train = chains.scan("groups", "train").select("mol_id", "halogen").drop_nulls().collect()
    rows = np.sort([place[mol_id] for mol_id in train["mol_id"]])
    label = dict(train.iter_rows())
    labels = [label[store.mol_ids[row].decode()] for row in rows]
    seed = task_learner.task_seed(0, "groups", 1)
    model = RandomForestClassifier(5, max_features="sqrt", random_state=seed).fit(table.rows(rows), labels)
    test = pl.read_parquet(forest.path / "predictions/groups/test/seed=0.parquet")
    expected = model.predict_proba(table.rows(np.array([place[mol_id] for mol_id in test["mol_id"]])))[:, 1]
    np.testing.assert_allclose(test["prediction"].list.get(1).to_numpy(), expected, atol=1e-6)


def test_trivial_predictions_by_hand(chains, tmp_path):
    """Every molecule gets the mean of the train labels, or the share of each class in them."""
    run(fitted_spec("trivial"), chains, tmp_path)
    energies = pl.read_parquet(tmp_path / "predictions/energies/test/seed=0.parquet")["prediction"].list
    train = chains.scan("energies", "train").collect()
    for index, task in enumerate(("size", "energy")):
        assert energies.get(index).unique().to_list() == [pytest.approx(train[task].mean(), rel=1e-9)]
    groups = pl.read_parquet(tmp_path / "predictions/groups/test/seed=0.parquet")["prediction"].list
    train = chains.scan("groups", "train").collect()
    assert groups.get(0).unique().to_list() == [pytest.approx(train["oxygen"].mean(), rel=1e-6)]
    grades = pl.read_parquet(tmp_path / "predictions/grades/test/seed=0.parquet")["prediction"]
    train = chains.scan("grades", "train").collect()["length"].drop_nulls()
    assert grades[0].to_list()[:4] == pytest.approx([(train == value).mean() for value in range(4)], rel=1e-6)


def test_trees_predict_the_means_of_atoms(forest, chains):
    """For labels of atoms there are no fingerprints: each atom gets the mean of the train labels."""
    atoms = pl.read_parquet(forest.path / "predictions/atoms/test/seed=0.parquet")["prediction"]
    places = chains.scan("atoms", "train").collect()["place"].explode().drop_nulls()
    values = {round(value, 4) for molecule in atoms for value in molecule[0]}
    assert values == {round(places.mean(), 4)}


@pytest.mark.parametrize(
    "moment",
    [(task_learner, "_fit_task", 3), (run_module, "write_split", 2), (run_module, "write_text", 2)],
    ids=lambda moment: moment[1],
)
def test_an_interruption_leaves_no_trace(moment, forest, chains, tmp_path, monkeypatch):
    """Stopped and begun again, a run ends as one that was not stopped, and fits no task twice."""
    owner, name, count = moment
    original, calls = getattr(owner, name), []

    def counted(*args, **kwargs):
        calls.append(args)
        if len(calls) == count:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    spec = forest.spec.model_copy(update={"datasets": None})
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, counted)
        with pytest.raises(KeyboardInterrupt):
            run(spec, chains, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    assert len(before) == (count - 1 if name == "_fit_task" else 110)
    run(spec, chains, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    left, right = ({n: c for n, c in read_run(f).items() if not n.endswith(".npz")} for f in (tmp_path, forest.path))
    assert left == right


@pytest.mark.slow
def test_processes_give_what_one_gives(forest, chains, tmp_path, monkeypatch):
    """With two workers, predictions have the same bytes; of several seeds, each has trees of its own."""
    monkeypatch.setattr(task_learner.joblib, "cpu_count", lambda: 2)
    spec = forest.spec.model_copy(update={"training": forest.spec.training.model_copy(update={"seeds": (0, 1)})})
    run(spec, chains, tmp_path)
    for dataset in DATASETS:
        files = [folder / f"predictions/{dataset}/test/seed=0.parquet" for folder in (forest.path, tmp_path)]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert files[1].with_name("seed=1.parquet").is_file()
    groups = tmp_path / "predictions/groups/test"
    assert (groups / "seed=0.parquet").read_bytes() != (groups / "seed=1.parquet").read_bytes()


def test_trees_are_not_kept(forest, chains, tmp_path):
    """A run of trees cannot predict other mixes, and says what to do."""
    with pytest.raises(UsageError, match="only predictions are kept; run its YAML with the other mix"):
        predict_run(forest, chains, tmp_path)


def test_damaged_predictions_of_a_task_are_found(forest, chains, tmp_path):
    """A file that cannot be read is named with what to do."""
    file = tmp_path / "seed=0/tasks/groups/00000.npz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task_learner, "_read_task", None)
        with pytest.raises(TypeError):
            run(forest.spec, chains, tmp_path)
    file.write_bytes(b"PK damaged")
    with pytest.raises(RunError, match=r"00000\.npz: no readable predictions .*delete it and run again"):
        run(forest.spec, chains, tmp_path)


@pytest.mark.parametrize("descriptors", [True, False])
def test_a_perceptron_on_fingerprints_trains(descriptors, chains, tmp_path):
    """It learns what the fingerprint tells, leaves atoms to the trivial predictor, and predicts again what it did."""
    model = MLP | {"fingerprint": {"bits": 256, "descriptors": descriptors}}
    done = run(run_spec(model=model, training__epochs=30), chains, tmp_path / "run")
    records = [json.loads(line) for line in (tmp_path / "run/seed=0/metrics.jsonl").read_text().splitlines()]
    best = records[done.result.seeds[0].epoch - 1]["validation"]
    assert best["groups"]["auroc"] > 0.9
    assert "atoms" not in best
    assert [note.split(":")[0] for note in done.result.notes] == ["atoms"]
    again = predict_run(done, chains, tmp_path / "again", splits=["test"])
    assert len(again) == len(DATASETS) - 1
    for path in again:
        other = done.folder.predictions / path.relative_to(tmp_path / "again")
        left, right = (np.stack(pl.read_parquet(file)["prediction"].to_list()) for file in (path, other))
        np.testing.assert_allclose(left, right, rtol=1e-5)


def test_a_perceptron_needs_labels_of_molecules(chains, tmp_path):
    """With labels of atoms alone there is nothing to learn from fingerprints."""
    with pytest.raises(RunError, match="labels of atoms alone, which have no fingerprint"):
        run(run_spec(model=MLP, datasets=["atoms"]), chains, tmp_path)


def test_fingerprints_are_computed_once(chains, tmp_path, monkeypatch):
    """The second call reads what the first wrote, and rows are those of the store's molecules."""
    from molmix_bench.chem.fingerprint import descriptors, packed_morgan
    from molmix_bench.models import fingerprints

    monkeypatch.setenv("MOLMIX_CACHE", str(tmp_path))
    store = open_store(chains, run_spec().features)
    spec = FingerprintSpec(bits=128, descriptors=True)
    table = open_fingerprints(chains, store, spec, workers=1)
    monkeypatch.setattr(fingerprints, "_compute", None)
    again = open_fingerprints(chains, store, spec)
    assert table.num_features == fingerprints.num_features(spec)
    smiles = {
        row["mol_id"]: row["smiles"]
        for split in chains.splits
        for row in chains.scan("energies", split).collect().to_dicts()
    }
    for row in (0, 7, store.num_graphs - 1):
        text = [smiles[store.mol_ids[row].decode()]]
        bits = np.unpackbits(packed_morgan(text, radius=2, num_bits=128), axis=1)
        expected = np.hstack([bits, descriptors(text)])
        for found in (table, again):
            np.testing.assert_array_equal(found.rows(np.array([row])), expected)


def test_fingerprints_are_written_as_they_come(chains, tmp_path, monkeypatch):
    """Files grow: one that had its size from the start would be mapped, and a full disk would kill the process."""
    from molmix_bench.models import fingerprints

    monkeypatch.setenv("MOLMIX_CACHE", str(tmp_path))
    monkeypatch.setattr(fingerprints, "_CHUNK", 30)
    compute, sizes = fingerprints._fingerprints, []

    def look(spec, smiles):
        sizes.append(sum(file.stat().st_size for file in (tmp_path / "fingerprints").glob("*.part")))
        return compute(spec, smiles)

    monkeypatch.setattr(fingerprints, "_fingerprints", look)
    store = open_store(chains, run_spec().features)
    table = open_fingerprints(chains, store, FingerprintSpec(bits=4096, descriptors=False), workers=1)
    assert sizes[0] < table.bits.nbytes / 4
    (file,) = (tmp_path / "fingerprints").glob("*.npy")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"\.npy: no readable fingerprints .*delete the file"):
        open_fingerprints(chains, store, FingerprintSpec(bits=4096, descriptors=False))
