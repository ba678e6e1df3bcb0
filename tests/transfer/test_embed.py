"""Tests of vectors of the molecules of a file."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from molmix_bench.errors import SourceError, UsageError
from molmix_bench.graphs.cached import open_store
from molmix_bench.transfer import stream
from molmix_bench.transfer.embed import embed_table
from molmix_bench.transfer.ensemble import open_ensemble
from molmix_bench.transfer.stream import Reading
from tests.training.small import MOLECULES, fitted_spec

HERE = Reading(workers=1)
CHAINS = [f"{chain}{end}" for chain, end in MOLECULES]


@pytest.fixture(scope="module")
def ensemble(pretrained):
    """The two networks of the run."""
    return open_ensemble(pretrained.path)


def _table(path, smiles):
    pl.DataFrame({"id": list(range(len(smiles))), "smiles": smiles}).write_csv(path)
    return path


@pytest.mark.parametrize("layer", [0, 1, 2, None])
def test_vectors_are_those_of_the_network(ensemble, pretrained, chains, tmp_path, layer):
    """For molecules of the run's own mix, they are what its network makes of the mix's store, whatever the layer."""
    embed_table(ensemble, _table(tmp_path / "t.csv", CHAINS), tmp_path / "o.parquet", layer=layer, reading=HERE)
    found = pl.read_parquet(tmp_path / "o.parquet")
    store = open_store(chains, pretrained.spec.features)
    network = pretrained.network(0)
    with torch.inference_mode():
        layers = list(network.embed_each_layer(store.collate(np.arange(store.num_graphs))))
        assert torch.equal(layers[-1], network.embed(store.collate(np.arange(store.num_graphs))))
    expected = dict(
        zip(store.mol_ids.astype(str).tolist(), layers[-1 if layer is None else layer].numpy(), strict=True)
    )
    assert found["mol_id"].to_list() != sorted(found["mol_id"])
    for row in found.iter_rows(named=True):
        assert row["embedding"] == pytest.approx(expected[row["mol_id"]], rel=1e-4, abs=1e-5)


def test_bad_rows_have_a_reason(ensemble, tmp_path, monkeypatch):
    """Every row of the file has one, in its order, over several chunks; what is no molecule says why."""
    monkeypatch.setattr(stream, "ROWS_PER_CHUNK", 4)
    smiles = ["CCO", "C1CC", "", "CCN", "not a molecule", "CC", "[Na+].[Cl-]", "C" * 1001, "C"]
    done = embed_table(ensemble, _table(tmp_path / "t.csv", smiles), tmp_path / "o.parquet", reading=HERE)
    found = pl.read_parquet(tmp_path / "o.parquet")
    assert found["row"].to_list() == list(range(9))
    assert found["reason"].to_list() == [
        None,
        "unparsable",
        "empty_smiles",
        None,
        "unparsable",
        None,
        None,
        "too_large",
        None,
    ]
    assert found["embedding"].is_null().to_list() == found["reason"].is_not_null().to_list()
    assert "unclosed ring" in found["detail"][1]
    assert set(found["embedding"].drop_nulls().list.len()) == {8}
    assert (done.rows, done.embedded, done.width) == (9, 5, 8)
    assert done.problems == {"empty_smiles": 1, "too_large": 1, "unparsable": 2}


def test_chunks_and_workers_do_not_matter(ensemble, tmp_path, monkeypatch):
    """The same rows come from one chunk or many, in this process or in two others."""
    path = _table(tmp_path / "t.csv", [*CHAINS, "C1CC"])
    embed_table(ensemble, path, tmp_path / "one.parquet", reading=HERE)
    monkeypatch.setattr(stream, "ROWS_PER_CHUNK", 16)
    embed_table(ensemble, path, tmp_path / "many.parquet", reading=Reading(workers=2))
    one, many = (pl.read_parquet(tmp_path / f"{name}.parquet") for name in ("one", "many"))
    assert one.drop("embedding").equals(many.drop("embedding"))
    vectors = [np.array(table["embedding"].drop_nulls().to_list()) for table in (one, many)]
    assert vectors[0] == pytest.approx(vectors[1], rel=1e-5, abs=1e-6)


def test_a_file_of_bad_rows_alone(ensemble, tmp_path):
    """There is a row for each all the same."""
    done = embed_table(ensemble, _table(tmp_path / "t.csv", ["C1CC", "?"]), tmp_path / "o.parquet", reading=HERE)
    assert (done.rows, done.embedded) == (2, 0)
    assert pl.read_parquet(tmp_path / "o.parquet")["reason"].to_list() == ["unparsable", "unparsable"]


def test_networks_of_other_seeds(ensemble, tmp_path):
    """Another place is another network, with other vectors."""
    path = _table(tmp_path / "t.csv", CHAINS[:5])
    names = [
        embed_table(ensemble, path, tmp_path / f"{place}.parquet", place=place, reading=HERE).network
        for place in (0, 1)
    ]
    assert names == ["seed=0", "seed=1"]
    one, other = (pl.read_parquet(tmp_path / f"{place}.parquet")["embedding"].to_list() for place in (0, 1))
    assert one != other


def test_what_is_not_there(ensemble, chains, tmp_path):
    """Layers, networks, columns, forms of file and files that do not exist are usage errors."""
    path = _table(tmp_path / "t.csv", CHAINS[:5])
    out = tmp_path / "o.parquet"
    with pytest.raises(UsageError, match="no layer 3; expected 0, for atoms as they are encoded, to 2, the last"):
        embed_table(ensemble, path, out, layer=3, reading=HERE)
    with pytest.raises(UsageError, match=r"no network 2; expected 0 to 1 \(0: seed=0; 1: seed=1\)"):
        embed_table(ensemble, path, out, place=2, reading=HERE)
    with pytest.raises(UsageError, match=r"no column 'smile' \(did you mean 'smiles'\?\)"):
        embed_table(ensemble, path, out, reading=Reading("smile", 1))
    with pytest.raises(UsageError, match="holds no lists"):
        embed_table(ensemble, path, tmp_path / "o.csv", reading=HERE)
    with pytest.raises(UsageError, match="no such file"):
        embed_table(ensemble, tmp_path / "none.csv", out, reading=HERE)
    (tmp_path / "empty.csv").write_text("smiles\n")
    with pytest.raises(SourceError, match="no rows"):
        embed_table(ensemble, tmp_path / "empty.csv", out, reading=HERE)
    assert not out.exists()


def test_a_run_without_networks(chains, tmp_path):
    """Of trees only predictions are kept, and a directory may be no run at all."""
    from molmix_bench.training.run import run

    trees = run(fitted_spec("trivial"), chains, tmp_path / "run")
    with pytest.raises(UsageError, match="a run of trivial, of which only predictions are kept"):
        open_ensemble(trees.path)
    with pytest.raises(UsageError, match=r"run\.yaml: no such file"):
        open_ensemble(tmp_path)
