"""Tests of predictions of a network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from molmix_bench.errors import RunError
from molmix_bench.graphs.cached import open_store
from molmix_bench.models.network import make_network
from molmix_bench.training.objective import Objective
from molmix_bench.training.predict import predict, predict_split, write_split
from molmix_bench.training.targets import make_targets
from molmix_bench.vocab import Split
from tests.training.small import run_spec

CPU = torch.device("cpu")


@pytest.fixture
def untrained(chains):
    """Network, objectives and store of a run that has not begun."""
    spec, targets = run_spec(), make_targets(chains, ("energies", "groups"))
    torch.manual_seed(0)
    network = make_network(spec.model, features=spec.features, targets=targets)
    objectives = {target.dataset: Objective.of(target, device=CPU) for target in targets}
    return network, objectives, open_store(chains, spec.features)


def test_every_molecule_of_each_dataset_once(untrained, chains):
    """The molecules predicted are those of the dataset's table of that split, each once."""
    network, objectives, store = untrained
    found = predict_split(network, objectives, store=store, split=Split.TEST, device=CPU)
    assert list(found) == ["energies", "groups"]
    for name, predictions in found.items():
        rows = chains.scan(name, "test").select("mol_id").collect()["mol_id"]
        assert predictions.mol_id.sort().equals(rows.sort())
        assert predictions.values.shape == (len(rows), 2)


def test_labels_are_not_looked_at(untrained):
    """With every label replaced, the predictions are the same."""
    network, objectives, store = untrained
    batches = list(store.loader("test", batch_size=5, datasets=["energies", "groups"]))
    blind = [
        replace(
            batch,
            labels={name: replace(item, values=item.values * 0 + 7) for name, item in batch.labels.items()},
        )
        for batch in batches
    ]
    for name, (_, values) in predict(network, batches, objectives, device=CPU).items():
        np.testing.assert_array_equal(values, predict(network, blind, objectives, device=CPU)[name][1])


def test_datasets_without_molecules_are_left_out(untrained):
    """No batches, no predictions."""
    network, objectives, _ = untrained
    assert predict(network, [], objectives, device=CPU) == {}


def test_refuses_to_predict_what_is_not_finite(untrained):
    """A network with a weight that is no number is found out before anything is written or scored."""
    network, objectives, store = untrained
    with torch.no_grad():
        next(network.heads["energies_head"].parameters()).fill_(torch.nan)
    with pytest.raises(RunError, match=r"predictions of energies/test: \d+ values that are not finite"):
        predict_split(network, objectives, store=store, split=Split.TEST, device=CPU)


def test_files_lie_where_scoring_looks_for_them(untrained, tmp_path):
    """Each dataset's file is `<dataset>/<split>/seed=<k>.parquet` and holds what was predicted."""
    network, objectives, store = untrained
    found = predict_split(network, objectives, store=store, split=Split.TEST, device=CPU)
    files = write_split(tmp_path, found, split=Split.TEST, seed=3)
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        "energies/test/seed=3.parquet",
        "groups/test/seed=3.parquet",
    ]
    for file, predictions in zip(files, found.values(), strict=True):
        table = pl.read_parquet(file)
        assert table["mol_id"].to_list() == predictions.mol_id.to_list()
        assert table["prediction"].to_list() == predictions.values.tolist()
