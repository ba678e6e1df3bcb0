"""Tests of generated sources: chunks, columns, hidden labels."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pyarrow as pa
import pytest
from rdkit import Chem
from rdkit.Chem import QED, Crippen, Descriptors, FilterCatalog, Lipinski

from molmix_bench.build.split import TEST, VALIDATION, split_keys
from molmix_bench.chem.alerts import ALERTS, CATALOGUES
from molmix_bench.chem.atom_properties import ATOM_PROPERTIES
from molmix_bench.chem.classes import BINNINGS, NUM_CLASSES
from molmix_bench.chem.molecule import standardize
from molmix_bench.chem.properties import PROPERTIES
from molmix_bench.chem.scaffold import scaffold_group
from molmix_bench.errors import UsageError
from molmix_bench.sources.generated import CHUNK_ROWS, SHOWN_FRACTION, is_shown, num_chunks, read_chunk
from molmix_bench.specs.catalog import load_mix_spec, load_source_spec
from molmix_bench.specs.readers import GeneratedReader

READER = GeneratedReader(num_molecules=CHUNK_ROWS + 30, seed=0)

# Ethanol, benzene and acetic acid; changes only with the version of the mix `minimix`.
GOLDEN_MASK = [
    [1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1],
    [0, 1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0],
]


@pytest.fixture(scope="module")
def chunk():
    """Returns the last, short chunk of a small source."""
    return read_chunk(READER, 1)


@pytest.mark.parametrize(("molecules", "chunks"), [(1, 1), (CHUNK_ROWS, 1), (CHUNK_ROWS + 1, 2), (12 * CHUNK_ROWS, 12)])
def test_num_chunks(molecules, chunks):
    """Chunks are full but for the last."""
    assert num_chunks(GeneratedReader(num_molecules=molecules)) == chunks


def test_columns(chunk):
    """A chunk has the SMILES and a column per task of each dataset, in the catalog's order, properly typed."""
    assert chunk.schema == pa.schema(
        [("smiles", pa.string())]
        + [(name, pa.float64()) for name in PROPERTIES]
        + [(name, pa.int8()) for name in ALERTS]
        + [(name, pa.list_(pa.float64())) for name in ATOM_PROPERTIES]
        + [(name, pa.int8()) for name in BINNINGS]
    )
    datasets = load_source_spec("minimix").datasets
    assert list(datasets) == ["mini_properties", "mini_alerts", "mini_atoms", "mini_classes"]
    assert datasets["mini_classes"].num_classes == NUM_CLASSES
    tasks = [task.name for dataset in datasets.values() for task in dataset.tasks]
    assert tasks == chunk.column_names[1:]
    assert len(chunk) == 30


def test_labels_belong_to_their_molecules(chunk):
    """Labels equal what RDKit gives for the SMILES beside them, called directly."""
    params = FilterCatalog.FilterCatalogParams(FilterCatalog.FilterCatalogParams.FilterCatalogs.CHEMBL_LINT)
    lint = FilterCatalog.FilterCatalog(params)
    nitro = Chem.MolFromSmarts("[N+](=O)[O-]")
    shown = 0
    for row in chunk.to_pylist():
        mol = Chem.MolFromSmiles(row["smiles"])
        assert row["logp"] == Crippen.MolLogP(mol)
        assert row["molar_refractivity"] == Crippen.MolMR(mol)
        assert row["qed"] == QED.default(mol)
        assert row["molecular_weight"] == sum(Descriptors.MolWt(mol) >= cut for cut in (250, 300, 350, 400))
        assert row["aromatic_rings"] == min(Lipinski.NumAromaticRings(mol), 4)
        for name, expected in (("chembl_lint", lint.HasMatch(mol)), ("nitro", mol.HasSubstructMatch(nitro))):
            assert row[name] in (None, expected)
            shown += row[name] is not None
    assert shown > 5


def test_labels_of_atoms_are_in_the_order_of_the_smiles(chunk):
    """Each list has a value per atom of the SMILES as it stands there: the atoms' letters, read off it, say so."""
    for row in chunk.to_pylist():
        mol = Chem.MolFromSmiles(row["smiles"])
        symbols = re.findall(r"Br|Cl|Si|[BCNOFPSIbcnops]", re.sub(r"H\d?", "", row["smiles"]))
        assert [atom.GetSymbol() for atom in mol.GetAtoms()] == [symbol.capitalize() for symbol in symbols]
        assert {len(row[name]) for name in ATOM_PROPERTIES} == {len(symbols)}
        assert sum(row["logp_contribution"]) == pytest.approx(row["logp"], abs=1e-9)
        # Nothing draws electrons like oxygen with a double bond, so none of these is positive.
        charges = zip(symbols, row["partial_charge"], strict=True)
        assert all(charge < 0 for symbol, charge in charges if symbol == "O")


def test_hidden_labels(chunk):
    """A label is null just where the keyed hash hides it, and 0 or 1 elsewhere."""
    for row in chunk.to_pylist():
        for name in ALERTS:
            assert (row[name] in (0, 1)) == is_shown(row["smiles"], name)


def test_mask_is_the_published_one():
    """What is hidden depends on molecule and task alone, on every machine."""
    shown = [[int(is_shown(smiles, alert)) for alert in ALERTS] for smiles in ("CCO", "c1ccccc1", "CC(=O)O")]
    assert shown == GOLDEN_MASK


@pytest.mark.parametrize("alert", ALERTS)
def test_shown_fraction(alert):
    """Over many molecules, the share of shown labels is the stated one, within four standard deviations."""
    shown = np.mean([is_shown("C" * length, alert) for length in range(1, 4_001)])
    fraction = SHOWN_FRACTION[alert]
    assert abs(shown - fraction) < 4 * np.sqrt(fraction * (1 - fraction) / 4_000)


def test_most_labels_are_hidden():
    """Over all tasks, three labels in five are hidden."""
    assert 0.55 < 1 - np.mean([SHOWN_FRACTION[alert] for alert in ALERTS]) < 0.7
    assert set(SHOWN_FRACTION) == set(ALERTS) >= set(CATALOGUES)


@pytest.mark.parametrize("index", [-1, 2])
def test_no_such_chunk(index):
    """Chunks are numbered from 0."""
    with pytest.raises(UsageError, match="0 to 1"):
        read_chunk(READER, index)


def test_worker_processes_agree(chunk):
    """A fresh process makes the same chunk."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(read_chunk, READER, 1).result().equals(chunk)


@pytest.mark.slow
def test_every_task_can_be_scored():
    """In MiniMix's own split, every alert and class has at least ten molecules in validation and in test."""
    source, mix = load_source_spec("minimix"), load_mix_spec("minimix")
    table = pa.concat_tables([read_chunk(source.reader, index) for index in range(num_chunks(source.reader))])
    smiles = table["smiles"].to_pylist()
    groups = [scaffold_group(text, standardize(text, max_atoms=1_000).mol_id) for text in smiles]
    codes = split_keys(groups, mix.split)
    for split in (VALIDATION, TEST):
        assert 0.08 < np.mean(codes == split) < 0.14
        here = table.filter(pa.array(codes == split))
        for alert in ALERTS:
            labels = here[alert].drop_null().to_numpy()
            assert min(np.sum(labels == 0), np.sum(labels == 1)) >= 10, alert
        for name in BINNINGS:
            assert np.bincount(here[name].to_numpy(), minlength=NUM_CLASSES).min() >= 10, name
