"""Tests of predictions for the molecules of a file: means and spread of networks, and distance from training."""

from __future__ import annotations

import shutil

import numpy as np
import polars as pl
import pytest

from molmix_bench.errors import RunError, UsageError
from molmix_bench.training.trained import predict_run
from molmix_bench.transfer.ensemble import open_ensemble
from molmix_bench.transfer.finetune import finetune
from molmix_bench.transfer.outcome import open_finetuned
from molmix_bench.transfer.predict import Distances, distances_of, name_columns, predict_table
from molmix_bench.transfer.start import Start
from molmix_bench.transfer.stream import Reading
from molmix_bench.vocab import Split
from tests.models.small import ASSAYS, GRADES, PROPS
from tests.training.small import MOLECULES, build_chains
from tests.transfer.small import MOLECULES as OWN
from tests.transfer.small import own_data, quick_spec

HERE = Reading(workers=1)
CHAINS = [f"{chain}{end}" for chain, end in MOLECULES]
MOLECULES_BETWEEN = ("CC(C)CCCCCO", "CCCCCCCC(N)F")
"""None of the mix, but not far from it."""
STRANGE = "O=S(=O)(NC1CC1)c1nnc(Br)s1"


@pytest.fixture(scope="module")
def finished(pretrained, tmp_path_factory):
    """A fine-tuning of two folds and two seeds."""
    folder = tmp_path_factory.mktemp("finetuned")
    spec = quick_spec("references=[trivial]")
    return finetune(Start.of(pretrained), own_data(folder, "size"), spec, folder / "out")


def _table(path, smiles):
    pl.DataFrame({"smiles": smiles}).write_csv(path)
    return path


def test_a_run_predicts_as_for_its_mix(pretrained, chains, tmp_path):
    """Means over seeds are those of the files that `predict --mix` writes, for each dataset of molecules."""
    predict_run(pretrained, chains, tmp_path / "mix", splits=[Split.TRAIN])
    done = predict_table(
        open_ensemble(pretrained.path),
        _table(tmp_path / "t.csv", CHAINS),
        tmp_path / "o.parquet",
        reading=HERE,
    )
    found = pl.read_parquet(tmp_path / "o.parquet")
    assert done.networks == ("seed=0", "seed=1")
    # Two of energies, two of groups, four classes each of two grades, a panel; atoms are not of molecules.
    assert len(done.columns) == 2 + 2 + 8 + 104
    for name in ("energies", "groups", "grades"):
        columns = [column for column in done.columns if column.startswith(f"{name}.")]
        files = [pl.read_parquet(tmp_path / f"mix/{name}/train/seed={seed}.parquet") for seed in (0, 1)]
        both = found.join(files[0].select("mol_id"), on="mol_id", how="semi").sort("mol_id")
        values = np.stack([np.array(file.sort("mol_id")["prediction"].to_list()) for file in files])
        assert both.select(columns).to_numpy() == pytest.approx(values.mean(axis=0), rel=1e-4, abs=1e-4)
        spread = both.select(f"{column}_spread" for column in columns).to_numpy()
        assert spread == pytest.approx(values.std(axis=0, ddof=1), rel=1e-2, abs=1e-3)


def test_a_fine_tuning_predicts_with_all_its_networks(finished, tmp_path):
    """Folds and seeds are the ensemble; a molecule that it was tuned on is as near as can be, a strange one is far."""
    path = _table(tmp_path / "t.csv", [OWN[0], "C1CC", STRANGE, "CCCCCCO"])
    distances = distances_of(finished.path)
    done = predict_table(open_ensemble(finished.path), path, tmp_path / "o.csv", distances=distances, reading=HERE)
    assert done.networks == ("fold=0, seed=0", "fold=0, seed=1", "fold=1, seed=0", "fold=1, seed=1")
    assert (done.columns, done.rows, done.predicted, done.problems) == (("size",), 4, 3, {"unparsable": 1})
    found = pl.read_csv(tmp_path / "o.csv")
    assert found.columns == ["row", "smiles", "mol_id", "size", "size_spread", "nearest", "far", "reason", "detail"]
    assert found["nearest"][0] == 1
    assert found["far"].to_list() == [False, None, True, False]
    assert done.num_far == 1
    assert found["size"].is_null().to_list() == [False, True, False, False]
    assert (found["size_spread"].drop_nulls() > 0).all()


def test_predictions_of_kept_networks_are_those_of_the_folds(finished, tmp_path):
    """A network that was kept predicts the molecules of its fold as it did when it was tested."""
    tested = finished.predictions().filter(fold=0)
    found = open_ensemble(finished.path)
    (member,) = [item for item in found.members if item.name == "fold=0, seed=1"]
    from dataclasses import replace

    path = _table(tmp_path / "t.csv", tested["smiles"].to_list())
    predict_table(replace(found, members=(member,)), path, tmp_path / "o.parquet", reading=HERE)
    table = pl.read_parquet(tmp_path / "o.parquet")
    with np.load(finished.folder.piece("head_first", 0, 1)) as piece:
        assert table["size"].to_list() == pytest.approx(piece["test"][:, 0].tolist(), rel=1e-4, abs=1e-4)
    assert table["size_spread"].is_null().all()


def test_the_threshold_can_be_given(pretrained, chains, tmp_path):
    """What is less similar than that to the run's train molecules is far; the usual one is told from these."""
    trained_on = chains.scan("energies", "train").select("smiles").collect()["smiles"].to_list()
    path = _table(tmp_path / "t.csv", [*trained_on[:3], STRANGE, *MOLECULES_BETWEEN])
    ensemble = open_ensemble(pretrained.path)
    usual = predict_table(ensemble, path, tmp_path / "u.parquet", distances=Distances(chains), reading=HERE)
    strict = predict_table(ensemble, path, tmp_path / "s.parquet", distances=Distances(chains, 1.0), reading=HERE)
    assert 0 < usual.threshold < 1
    assert (strict.threshold, usual.num_far, strict.num_far) == (1.0, 1, 3)
    near = [pl.read_parquet(tmp_path / f"{name}.parquet") for name in ("u", "s")]
    assert near[0]["nearest"].to_list() == near[1]["nearest"].to_list()
    assert near[0]["nearest"].to_list()[:3] == [1, 1, 1]
    assert [table["far"].to_list() for table in near] == [
        [False, False, False, True, False, False],
        [False, False, False, True, True, True],
    ]
    with pytest.raises(UsageError, match=r"--far: found 1\.5; expected a similarity from 0 to 1"):
        distances_of(pretrained.path, mix=chains, far=1.5)


def test_the_mix_of_a_run_is_needed(pretrained, chains, tmp_path):
    """It is not guessed: another build is refused, one that is not at hand is asked for, and `none` does without."""
    with pytest.raises(UsageError, match="name its directory with --mix, or do without by --mix none"):
        distances_of(pretrained.path)
    with pytest.raises(RunError, match=r"expected that of the run, tiny 1\.0\.0, build"):
        distances_of(pretrained.path, mix=build_chains(tmp_path, step=-38.0))
    assert distances_of(pretrained.path, mix="none") is None
    assert distances_of(pretrained.path, mix=str(chains.path)).mix.path == chains.path


def test_a_table_of_molecules_that_is_damaged(finished, tmp_path):
    """A fine-tuning whose molecules cannot be read, or are gone, is refused with the file and what to do."""
    shutil.copytree(finished.path, tmp_path / "tuned")
    path = tmp_path / "tuned" / "molecules.parquet"
    for damage in (lambda: path.write_bytes(path.read_bytes()[:50]), path.unlink):
        damage()
        with pytest.raises(RunError, match=r"molecules.parquet: no readable table \(.*delete the fine-tuning"):
            open_finetuned(tmp_path / "tuned").molecules()


def test_names_of_columns():
    """Tasks alone where there is one dataset, unless the name is taken; classes have one column each."""
    assert name_columns([PROPS]) == {"props": ["a", "b"]}
    assert name_columns([PROPS, ASSAYS])["assays"] == ["assays.x", "assays.y", "assays.z"]
    assert name_columns([GRADES])["grades"][:4] == ["p_0", "p_1", "p_2", "q_0"]
    taken = PROPS.model_copy(update={"tasks": ("row", "far")})
    assert name_columns([taken]) == {"props": ["props.row", "props.far"]}


def test_labels_of_atoms_alone(chains, tmp_path):
    """A run that predicts nothing of molecules says so."""
    from molmix_bench.training.run import run
    from tests.training.small import run_spec

    atoms = run(run_spec(training__epochs=1, datasets=["atoms"]), chains, tmp_path / "run")
    with pytest.raises(UsageError, match="networks that predict labels of atoms alone"):
        predict_table(open_ensemble(atoms.path), _table(tmp_path / "t.csv", CHAINS[:2]), tmp_path / "o.csv")
    with pytest.raises(UsageError, match=r"the ending '\.txt'; expected \.parquet or \.csv"):
        predict_table(open_ensemble(atoms.path), _table(tmp_path / "t.csv", CHAINS[:2]), tmp_path / "o.txt")


def test_fingerprint_networks(chains, tmp_path):
    """A perceptron on fingerprints goes on learning, embeds and predicts like any network."""
    from molmix_bench.training.run import run
    from molmix_bench.transfer.embed import embed_table
    from tests.training.small import run_spec

    model = {
        "architecture": "fingerprint_mlp",
        "width": 6,
        "depth": 1,
        "fingerprint": {"bits": 64, "descriptors": True},
    }
    spec = run_spec(training__epochs=1, datasets=["energies"])
    spec = spec.model_copy(update={"model": type(spec).model_validate(spec.model_dump() | {"model": model}).model})
    mlp = run(spec, chains, tmp_path / "run")
    tuned = quick_spec('modes=["probe", "all"]', "references=[scratch]", "seeds=[0]")
    found = finetune(Start.of(mlp), own_data(tmp_path, "size"), tuned, tmp_path / "out")
    path = _table(tmp_path / "t.csv", CHAINS[:4])
    assert embed_table(open_ensemble(mlp.path), path, tmp_path / "e.parquet", reading=HERE).width == 6
    done = predict_table(open_ensemble(found.path), path, tmp_path / "p.parquet", reading=HERE)
    assert (done.predicted, len(done.networks)) == (4, 2)
    assert pl.read_parquet(tmp_path / "p.parquet")["size"].is_finite().all()
