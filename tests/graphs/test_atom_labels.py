"""Labels of atoms, followed from a raw file with atom maps to the nodes of a batch."""

from __future__ import annotations

import math
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from molmix_bench.graphs.cached import open_store
from molmix_bench.graphs.featurize import ATOM_FEATURES
from molmix_bench.specs.features import FeatureSpec
from tests.build.tiny import build_tiny, table_source

MOLECULES = (
    "OCC",
    "CC(=O)[O-]",
    "c1cc([N+](=O)[O-])ccc1O",
    "ClCCBr",
    "[NH3+]CCF",
    "CSC(=O)c1ccncc1",
    "[Na+].OC1CC1.[Cl-]",
    "FC(F)F",
    "[2H]OC",
    "O",
)
COLUMNS = [feature.name for feature in ATOM_FEATURES]


def _describe(atom):
    """Returns a number that says element, degree (without plain hydrogens) and charge of an atom."""
    kept = [other for other in atom.GetNeighbors() if other.GetAtomicNum() > 1 or other.GetIsotope()]
    return atom.GetAtomicNum() * 1_000 + len(kept) * 10 + atom.GetFormalCharge() + 5


def _decode(row):
    """Returns the same number from a node's codes."""
    element, degree, charge = (
        ATOM_FEATURES[COLUMNS.index(name)].values[row[COLUMNS.index(name)]] for name in ("element", "degree", "charge")
    )
    return element * 1_000 + degree * 10 + charge + 5


def _mapped(smiles, rng):
    """Returns a SMILES from another atom on, all hydrogens written, maps in random order; and labels by map number."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    labels = [_describe(atom) for atom in mol.GetAtoms()]
    numbers = rng.sample(range(len(labels)), len(labels))
    by_map = [None] * len(labels)
    for atom, label in zip(mol.GetAtoms(), labels, strict=True):
        atom.SetIntProp("molAtomMapNumber", numbers[atom.GetIdx()])
        by_map[numbers[atom.GetIdx()]] = float(label)
    return Chem.MolToSmiles(mol, canonical=False, doRandom=True), by_map


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    """Returns a mix of two tasks for atoms: what the atom is, and for every other molecule its negative for oxygens."""
    folder, rng = tmp_path_factory.mktemp("mapped"), random.Random(3)
    pairs = [_mapped(smiles, rng) for smiles in MOLECULES]
    oxygens = [
        [-label if label // 1_000 == 8 else None for label in labels] if row % 2 else []
        for row, (_, labels) in enumerate(pairs)
    ]
    lists = pa.list_(pa.float32())
    columns = {
        "smiles": [text for text, _ in pairs],
        "what": pa.array([labels for _, labels in pairs], lists),
        "oxygen": pa.array(oxygens, lists),
    }
    source = table_source("atoms", ",".join(columns) + "\n", folder, level="node")
    pq.write_table(pa.table(columns), folder / "atoms.parquet")
    graph = table_source("whole", "smiles,t\nCCCC,1\nOCC,2\nN,3\n", folder)
    return build_tiny(folder, source | {"files": [{"name": "atoms.parquet"}]}, graph, validation=0.2, test=0.2)


@pytest.mark.parametrize("seed", [None, 0])
def test_labels_sit_on_their_atoms(mix, tmp_path, seed):
    """Every label says of its node what the node's own codes say; hydrogens' labels are gone, all others are there."""
    store = open_store(mix, FeatureSpec(rwse=0, laplacian=0), workers=1, cache=tmp_path)
    molecules = labelled = oxygens = 0
    for split in store.splits:
        for batch in store.loader(split, batch_size=4, seed=seed):
            labels = batch.labels["atoms"]
            found = labels.values.tolist()
            expected = [_decode(row) for row in batch.x[labels.nodes].tolist()]
            assert [what for what, _ in found] == expected
            for (what, oxygen), number in zip(found, expected, strict=True):
                assert math.isnan(oxygen) or (oxygen == -what and number // 1_000 == 8)
                oxygens += not math.isnan(oxygen)
            # Every atom of these molecules has a label, and no other molecule has one.
            assert labels.nodes.tolist() == batch.nodes_of(labels.rows).tolist()
            molecules += len(labels.rows)
            labelled += len(labels.nodes)
    assert molecules == len(MOLECULES)
    assert labelled == sum(Chem.MolFromSmiles(smiles).GetNumAtoms() for smiles in MOLECULES)
    # Molecules 1, 3, 5, 7 and 9 have labels of the second task: 2 + 0 + 1 + 0 + 1 oxygens.
    assert oxygens == 4
