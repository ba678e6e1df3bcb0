"""Tests of predictions of a network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from rdkit import Chem

from molmix_bench.errors import RunError
from molmix_bench.graphs.batch import NodeLabels
from molmix_bench.graphs.cached import open_store
from molmix_bench.graphs.label_tables import ABSENT
from molmix_bench.models.network import make_network
from molmix_bench.training.objective import Objective
from molmix_bench.training.predict import predict, predict_split, write_split
from molmix_bench.training.targets import make_targets
from molmix_bench.vocab import Split
from tests.training.small import DATASETS, run_spec

CPU = torch.device("cpu")


@pytest.fixture
def untrained(chains):
    """Network, objectives and store of a run that has not begun."""
    spec, targets = run_spec(), make_targets(chains, DATASETS)
    torch.manual_seed(0)
    network = make_network(spec.model, features=spec.features, targets=targets)
    objectives = {target.dataset: Objective.of(target, device=CPU) for target in targets}
    return network, objectives, open_store(chains, spec.features)


def test_every_molecule_of_each_dataset_once(untrained, chains):
    """The molecules predicted are those of the dataset's table of that split, each once, and every atom of theirs."""
    network, objectives, store = untrained
    found = predict_split(network, objectives, store=store, split=Split.TEST, device=CPU)
    assert tuple(found) == DATASETS
    for name, predictions in found.items():
        rows = chains.scan(name, "test").select("mol_id", "smiles").collect()
        assert predictions.mol_id.sort().equals(rows["mol_id"].sort())
        if name != "atoms":
            assert predictions.num_nodes is None
            assert predictions.values.shape == (len(rows), objectives[name].target.num_outputs)
    sizes = {mol_id: Chem.MolFromSmiles(smiles).GetNumAtoms() for mol_id, smiles in rows.iter_rows()}
    atoms = found["atoms"]
    assert dict(zip(atoms.mol_id, atoms.num_nodes.tolist(), strict=True)) == sizes
    assert atoms.values.shape == (sum(sizes.values()), 2)


def test_predictions_are_those_of_their_molecules_and_atoms(untrained):
    """Predicted one molecule at a time, each molecule and each atom gets what it gets among a thousand others."""
    network, objectives, store = untrained
    found = predict_split(network, objectives, store=store, split=Split.TEST, device=CPU)
    singles = {name: [] for name in found}
    for made in predict(network, store.loader("test", batch_size=1, datasets=DATASETS), objectives, device=CPU):
        for name, values in made.items():
            singles[name].append(values)
    for name, predictions in found.items():
        np.testing.assert_allclose(np.concatenate(singles[name]), predictions.values, rtol=1e-4, atol=1e-4)
    in_order = store.mol_ids[store.molecules("test")].astype(str).tolist()
    assert [name for name in in_order if name in set(found["panel"].mol_id)] == found["panel"].mol_id.to_list()


def test_probabilities_of_classes_sum_to_one(untrained):
    """A multiclass cell's probabilities sum to 1 task by task, and none is negative."""
    network, objectives, store = untrained
    values = predict_split(network, objectives, store=store, split=Split.TEST, device=CPU)["grades"].values
    np.testing.assert_allclose(values.reshape(-1, 2, 4).sum(axis=-1), 1, rtol=1e-6)
    assert values.min() >= 0


def test_labels_are_not_looked_at(untrained):
    """With every label replaced, and without one of the labels of atoms, the predictions are the same."""
    network, objectives, store = untrained
    batches = list(store.loader("test", batch_size=5, datasets=DATASETS))
    blind = [
        replace(batch, labels={name: _blinded(labels) for name, labels in batch.labels.items()}) for batch in batches
    ]
    both = (predict(network, some, objectives, device=CPU) for some in (batches, blind))
    for seen, unseen in zip(*both, strict=True):
        for name in DATASETS:
            np.testing.assert_array_equal(seen[name], unseen[name])


def _blinded(labels):
    if isinstance(labels, NodeLabels):
        return replace(labels, nodes=labels.nodes[:1], values=labels.values[:1])
    return replace(labels, values=labels.values * 0 + 7)


def test_datasets_without_molecules_are_left_out(untrained):
    """No batches, no predictions; a dataset without rows in a split has none there."""
    network, objectives, store = untrained
    assert list(predict(network, [], objectives, device=CPU)) == []
    with pytest.MonkeyPatch.context() as patch:
        table = replace(store.labels("groups", "test"), row=np.full_like(store.labels("groups", "test").row, ABSENT))
        patch.setitem(store._labels, ("groups", Split.TEST), table)
        found = predict_split(network, objectives, store=store, split=Split.TEST, device=CPU)
    assert tuple(found) == tuple(name for name in DATASETS if name != "groups")


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
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [f"{d}/test/seed=3.parquet" for d in DATASETS]
    for file, predictions in zip(files, found.values(), strict=True):
        table = pl.read_parquet(file)
        assert table["mol_id"].to_list() == predictions.mol_id.to_list()
        if predictions.num_nodes is None:
            assert table["prediction"].to_list() == predictions.values.tolist()
    # A list per task, over the atoms.
    lists = table["prediction"].to_list()
    assert [[len(task) for task in tasks] for tasks in lists] == [[n, n] for n in predictions.num_nodes]
    assert np.concatenate([np.array(tasks).T for tasks in lists]).tolist() == predictions.values.tolist()


def test_out_of_memory_says_for_what(untrained, monkeypatch):
    """Without gradients, too, the error names the batch."""
    network, objectives, store = untrained

    def raises(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(type(network), "forward", raises)
    with pytest.raises(RunError, match=r"predicting: too little memory for a batch of \d+ molecules with \d+ atoms"):
        predict_split(network, objectives, store=store, split=Split.TEST, device=CPU)
