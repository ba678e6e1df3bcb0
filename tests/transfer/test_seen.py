"""Tests of which molecules a run has had labels of."""

from __future__ import annotations

import polars as pl

from molmix_bench.chem.molecule import Molecule, standardize_all
from molmix_bench.graphs.cached import open_store
from molmix_bench.training.run import run
from molmix_bench.training.subset import train_members
from molmix_bench.transfer.ensemble import open_ensemble
from molmix_bench.transfer.seen import LOOKED_AT, digest_of, mix_of, seen_in
from tests.training.small import DATASETS, run_spec


def test_labels_of_train_and_validation(pretrained, chains):
    """A molecule counts where any dataset that was trained on has it in train or validation, and not for test alone."""
    known = {
        mol_id
        for name, entry in chains.datasets.items()
        for split in LOOKED_AT
        if split in entry.splits
        for mol_id in chains.scan(name, split).collect()["mol_id"]
    }
    rows = [chains.scan(name, split).select("mol_id", "smiles") for name in chains.datasets for split in chains.splits]
    others = pl.DataFrame(
        {"mol_id": ["ISAKRJDGNUQOIC-UHFFFAOYNA-N", "SMI-none"], "smiles": ["O=c1cc[nH]c(=O)[nH]1", "*"]}
    )
    asked = pl.concat([*(frame.collect() for frame in rows), others]).unique(maintain_order=True)
    found = seen_in(pretrained, chains, asked)
    assert found.tolist() == [mol_id in known for mol_id in asked["mol_id"]]
    assert 0 < found.sum() < len(asked)


def test_salts_and_stereoisomers_of_what_was_seen(pretrained, chains):
    """Who has learnt of an amine knows its hydrochloride; another molecule of the same fragments is new."""
    amine = chains.scan("energies", "train").filter(pl.col("smiles").str.ends_with("CN")).collect()["smiles"][0]
    texts = [f"{amine}.Cl", f"{amine[:-1]}[NH3+].[Cl-]", "C[C@H](F)Cl.Cl", "C"]
    found = [molecule for molecule in standardize_all(texts, max_atoms=99) if isinstance(molecule, Molecule)]
    asked = pl.DataFrame({"mol_id": [item.mol_id for item in found], "smiles": [item.smiles for item in found]})
    assert seen_in(pretrained, chains, asked)[:3].tolist() == [True, True, False]


def test_the_run_looks_where_its_mix_is(pretrained, chains, monkeypatch):
    """A directory of the mix's name is taken where it is the run's; what is given comes first."""
    monkeypatch.chdir(chains.path.parent)
    (chains.path.parent / "tiny").symlink_to(chains.path)
    assert mix_of(pretrained).manifest.build_key == chains.manifest.build_key
    assert mix_of(pretrained, chains) is chains
    assert mix_of(pretrained, "none") is None


def test_digests_tell_apart(pretrained, chains):
    """Which molecules were seen is part of what a fine-tuning begins with."""
    one = seen_in(pretrained, chains, pl.DataFrame({"mol_id": ["a", "b"], "smiles": ["C", "CC"]}))
    other = one.copy()
    other[1] = True
    assert digest_of(one) != digest_of(other)


def test_a_run_on_a_subset_has_seen_that_alone(chains, tmp_path):
    """Of train molecules those of the subset count, and are what distances are measured to; of validation all."""
    spec = run_spec(training__epochs=1, subset={"molecules": 9})
    part = run(spec, chains, tmp_path / "run")
    store = open_store(chains, spec.features)
    molecules = store.mol_ids[store.molecules("train")].astype(str)
    chosen = set(molecules[train_members(spec, store, DATASETS)].tolist())
    validated = {
        mol_id
        for name, entry in chains.datasets.items()
        if "validation" in entry.splits
        for mol_id in chains.scan(name, "validation").collect()["mol_id"]
    }
    asked = sorted(set(molecules.tolist()) | validated)
    assert len(chosen) == 9 < len(molecules)
    table = pl.DataFrame({"mol_id": asked, "smiles": ["C"] * len(asked)})
    assert seen_in(part, chains, table).tolist() == [mol_id in chosen | validated for mol_id in asked]
    assert len(open_ensemble(part.path).trained_on(chains).counts) == 9
