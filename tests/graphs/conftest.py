"""A small mix with every odd molecule and every form of labels in it, and its store."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from molmix_bench.graphs.cached import open_store
from molmix_bench.specs.features import FeatureSpec
from tests.build.tiny import ALKANES, build_tiny, table_source

ODD = (
    "[Na+].[Cl-]",
    "*C",
    "[13CH4]",
    "[CH3]",
    "N[C@@H](C)C(=O)O",
    "C/C=C/C",
    "[H][H]",
    "[NH3]->[Cu+2]",
    "c1ccccc1",
    "O",
)
LARGE = "C" * 998 + "N"
"""A molecule of 999 atoms, each labelled."""
SPEC = FeatureSpec(rwse=4, laplacian=3)


def _table(rows):
    return "\n".join(["smiles,a,b", *(f"{smiles},{one},{other}" for smiles, one, other in rows), ""])


def hydrogens(atom):
    """Returns the first label of an atom: it has one if it is no lone atom."""
    return atom.GetTotalNumHs() + 0.5 if atom.GetDegree() else None


def neighbourhood(atom):
    """Returns the second label of an atom: it has one if it is no carbon."""
    bonded = sum(neighbour.GetAtomicNum() for neighbour in atom.GetNeighbors())
    return None if atom.GetAtomicNum() == 6 else atom.GetAtomicNum() + bonded / 1_024


def _atom_source(name, folder):
    """Returns a source of labels of atoms; the first molecule has a list for one task only."""
    smiles = [text for text in (*ODD, *ALKANES[:12], "OCC", "c1ccncc1C", LARGE) if text != "[H][H]"]
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    first, second = ([[label(atom) for atom in mol.GetAtoms()] for mol in mols] for label in (hydrogens, neighbourhood))
    lists = pa.list_(pa.float32())
    columns = {"smiles": smiles, "a": pa.array([None, *first[1:]], lists), "b": pa.array(second, lists)}
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    source = table_source(name, "smiles,a,b\n", folder, level="node")
    return source | {"files": [{"name": f"{name}.parquet"}]}


def _panel(smiles, tasks):
    """Returns a table of very many assays: molecule i has labels for the tasks that leave i modulo 7."""
    header = ["smiles", *(f"t{task}" for task in range(tasks))]
    rows = [
        [text, *(str((task + row) % 3 % 2) if task % 7 == row % 7 else "" for task in range(tasks))]
        for row, text in enumerate(smiles)
    ]
    return "\n".join(",".join(row) for row in [header, *rows, []])


def _profile(smiles, tasks):
    """Returns a table of very many numbers: molecule i has every label, or those of every (i + 1)-th task."""
    header = ["smiles", *(f"g{task}" for task in range(tasks))]
    rows = [
        [text, *(str(task / 8 - row) if task % (row + 1) == 0 else "" for task in range(tasks))]
        for row, text in enumerate(smiles)
    ]
    return "\n".join(",".join(row) for row in [header, *rows, []])


@pytest.fixture(scope="session")
def tiny_mix(tmp_path_factory):
    """Returns a mix of every form, split as in the paper: some molecules are in two splits, one dataset apart."""
    folder = tmp_path_factory.mktemp("tiny")
    wide = _table(
        [(smiles, index, "" if index % 3 else -index) for index, smiles in enumerate((*ODD, *ALKANES, LARGE))]
    )
    binary = _table([(smiles, index % 2, "") for index, smiles in enumerate((*ALKANES[:25], "CCN", "C" * 200))])
    grades = _table([(smiles, index % 5, "" if index % 2 else 4) for index, smiles in enumerate(ALKANES[3:33])])
    # A total energy needs more digits than float32 has.
    exact = _table([(smiles, 1_000_000.015625 + index, "") for index, smiles in enumerate(ALKANES[5:20])])
    return build_tiny(
        folder,
        table_source("wide", wide, folder),
        table_source("assays", binary, folder, kind="binary"),
        table_source("energies", exact, folder, dtype="float64"),
        table_source("grades", grades, folder, kind="multiclass", num_classes=5, duplicates="majority"),
        table_source("panel", _panel((*ALKANES[:30], "CCS"), 103), folder, kind="binary"),
        table_source("profile", _profile((*ODD[:4], *ALKANES[10:20]), 101), folder),
        # Too few for a fifth of them to be a row: validation and test have none.
        table_source("few", _table([("CCCl", 0.5, 1), ("CCBr", 1.5, ""), ("C", 2.5, "")]), folder),
        _atom_source("atoms", folder),
        validation=0.2,
        test=0.2,
    )


@pytest.fixture(scope="session")
def tiny_store(tiny_mix, tmp_path_factory):
    """Returns the store of the tiny mix."""
    return open_store(tiny_mix, SPEC, workers=1, cache=tmp_path_factory.mktemp("cache"))
