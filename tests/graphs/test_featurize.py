"""Tests of atom and bond codes; expected values are read off the structures by hand."""

from __future__ import annotations

import random
import sys

import numpy as np
import polars as pl
import pytest
from rdkit import Chem
from rdkit.Chem.rdchem import BondStereo, BondType, HybridizationType

from molmix_bench.errors import StoreError
from molmix_bench.graphs.featurize import (
    ATOM_FEATURE_SIZES,
    ATOM_FEATURES,
    BOND_FEATURE_SIZES,
    BOND_FEATURES,
    FEATURIZER_VERSION,
    Feature,
    featurize,
)
from molmix_bench.specs.base import content_digest
from tests.build.tiny import ALKANES
from tests.graphs.conftest import ODD
from tests.graphs.reference import atoms, bonds, of_smiles


def test_ethanol_and_water():
    """Every array of two small molecules, as written out by hand."""
    graphs = of_smiles("CCO", "O")
    assert graphs.atom_ptr.tolist() == [0, 3, 4]
    assert graphs.bond_ptr.tolist() == [0, 2, 2]
    assert graphs.atom_table.tolist() == [
        # element, degree, charge, hydrogens, radicals, sp3, aromatic, ring, chirality
        [6, 1, 0, 3, 0, 4, 0, 0, 0],
        [6, 2, 0, 2, 0, 4, 0, 0, 0],
        [8, 1, 0, 1, 0, 4, 0, 0, 0],
        [8, 0, 0, 2, 0, 4, 0, 0, 0],
    ]
    assert graphs.atom_code.tolist() == [0, 1, 2, 3]
    assert graphs.bond_table.tolist() == [[0, 0, 0, 0]]
    assert graphs.bonds.tolist() == [[0, 1, 0], [1, 2, 0]]
    assert [array.dtype for array in (graphs.atom_code, graphs.bonds)] == [np.uint16] * 2
    assert [array.dtype for array in (graphs.atom_table, graphs.bond_table)] == [np.uint8] * 2


def test_no_molecules_and_no_atoms():
    """No molecules give empty arrays; an empty SMILES is a graph without nodes."""
    nothing = of_smiles()
    assert (nothing.atom_ptr.tolist(), nothing.atom_table.shape, nothing.bonds.shape) == ([0], (0, 9), (0, 3))
    empty = of_smiles("", "C")
    assert (empty.atom_ptr.tolist(), empty.bond_ptr.tolist()) == ([0, 0, 1], [0, 0, 0])


@pytest.mark.parametrize(
    ("smiles", "atom", "expected"),
    [
        ("[Na+].[Cl-]", 0, {"element": 11, "charge": 1, "degree": 0, "hydrogens": 0}),
        ("[Na+].[Cl-]", 1, {"element": 17, "charge": -1}),
        ("*C", 0, {"element": 0, "degree": 1}),
        ("[13CH4]", 0, {"element": 6, "hydrogens": 4}),
        ("[CH3]", 0, {"element": 6, "hydrogens": 3, "radical_electrons": 1}),
        ("c1ccccc1", 3, {"aromatic": True, "in_ring": True, "hybridization": HybridizationType.SP2}),
        ("C1CCCCC1", 3, {"aromatic": False, "in_ring": True, "hybridization": HybridizationType.SP3}),
        ("CC#N", 1, {"hybridization": HybridizationType.SP, "hydrogens": 0, "degree": 2}),
        ("C[N+](C)(C)C", 1, {"charge": 1, "degree": 4}),
        ("N[C@@H](C)C(=O)O", 1, {"chirality": "S", "hydrogens": 1}),  # L-alanine
        ("N[C@H](C)C(=O)O", 1, {"chirality": "R"}),
        ("NC(C)C(=O)O", 1, {"chirality": ""}),
        ("C[C@H]1CC[C@@H](C)CC1", 1, {"chirality": "other"}),  # a centre in a ring of two equal halves has no label
        ("[Og]", 0, {"element": 118}),
        ("[U+9]", 0, {"charge": "other"}),
        ("F[S](F)(F)(F)(F)F", 1, {"hybridization": HybridizationType.SP3D2, "degree": 6}),
    ],
)
def test_atom_values(smiles, atom, expected):
    """Atoms have the values that chemistry says, "other" where there is no code for one."""
    found = atoms(of_smiles(smiles))[atom]
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("smiles", "bond", "expected"),
    [
        ("C=C", 0, {"type": BondType.DOUBLE, "stereo": BondStereo.STEREONONE, "conjugated": False}),
        ("C/C=C/C", 1, {"stereo": BondStereo.STEREOE}),
        ("C/C=C\\C", 1, {"stereo": BondStereo.STEREOZ}),
        ("C#N", 0, {"type": BondType.TRIPLE, "in_ring": False}),
        ("c1ccccc1", 0, {"type": BondType.AROMATIC, "conjugated": True, "in_ring": True}),
        ("C=CC=C", 1, {"type": BondType.SINGLE, "conjugated": True}),
        ("[NH3]->[Cu+2]", 0, {"type": BondType.DATIVE, "atoms": (0, 1)}),
        ("C~C", 0, {"type": BondType.UNSPECIFIED}),
    ],
)
def test_bond_values(smiles, bond, expected):
    """Bonds have the values that chemistry says."""
    found = bonds(of_smiles(smiles))[bond]
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("smiles", "elements"),
    [
        ("[H][H]", [1, 1]),
        ("[2H]OC", [1, 8, 6]),
        ("[H]C([H])([H])Cl", [1, 6, 1, 1, 17]),
        ("[H]/N=C/C", [1, 7, 6, 6]),
        ("OCC.[Na+]", [8, 6, 6, 11]),
        ("C1.O1", [6, 8]),
    ],
)
def test_every_written_atom_is_a_node(smiles, elements):
    """Nodes are the written atoms in the written order, hydrogens that RDKit would remove included."""
    assert [atom["element"] for atom in atoms(of_smiles(smiles))] == elements


def test_large_molecules():
    """1,200 atoms in a chain: endpoints of bonds count within the molecule."""
    graphs = of_smiles("O", "C" * 1_200)
    assert np.diff(graphs.atom_ptr).tolist() == [1, 1_200]
    assert graphs.bonds[:, :2].tolist() == [[atom, atom + 1] for atom in range(1_199)]


def test_unparsable_molecule():
    """A molecule that does not parse is named, with RDKit's reason."""
    with pytest.raises(StoreError, match=r"molecule the-id: .*'C1CC'.*unclosed ring"):
        featurize(["C", "C1CC"], mol_ids=["other", "the-id"])


@pytest.mark.parametrize("smiles", ["[#119]C", "[Xx]C", "C(C)(C)(C)(C)C"])
def test_molecules_that_cannot_be(smiles):
    """Elements that do not exist and impossible valences are refused by name, as what does not parse."""
    with pytest.raises(StoreError, match="molecule the-id"):
        featurize([smiles], mol_ids=["the-id"])


def test_the_slow_way_gives_the_same(monkeypatch):
    """Where RDKit's binary form is not known, every array is the same."""
    smiles = [*ODD, *ALKANES, "c1cc[se]c1", "C[C@H]1CC[C@@H](C)CC1", "C" * 300, "C~C"]
    quick = of_smiles(*smiles)
    monkeypatch.setattr(sys.modules["molmix_bench.graphs.featurize"], "is_known", lambda: False)
    slow = of_smiles(*smiles)
    for name in quick.__slots__:
        np.testing.assert_array_equal(getattr(quick, name), getattr(slow, name), strict=True)


def test_feature_codes():
    """A value's code is its place in the list; all that is not listed has the code after the last."""
    charge = Feature("charge", (0, 1, -1))
    assert [charge.code(value) for value in (0, 1, -1, 7)] == [0, 1, 2, 3]
    assert charge.size == 4


def test_codes_fit_their_dtype():
    """Codes are stored in eight bits, and no value stands twice in its list."""
    assert len(ATOM_FEATURE_SIZES) == 9
    assert len(BOND_FEATURE_SIZES) == 4
    for feature in (*ATOM_FEATURES, *BOND_FEATURES):
        assert len(set(feature.values)) + 1 == feature.size <= 256


def test_vocabulary_belongs_to_its_version():
    """Whoever changes a vocabulary raises FEATURIZER_VERSION, or stores made before would be read with other codes."""
    vocabulary = {
        kind: [[feature.name, *map(str, feature.values)] for feature in features]
        for kind, features in (("atoms", ATOM_FEATURES), ("bonds", BOND_FEATURES))
    }
    assert (FEATURIZER_VERSION, content_digest(vocabulary)[:16]) == ("2", "f975bd673164dd1f")


@pytest.mark.real_data
def test_real_molecules_do_not_depend_on_the_order_of_atoms(raw_data):
    """Written from another atom on, a real molecule has the same atoms and bonds, each with the same codes."""
    rng = random.Random(0)
    smiles = pl.read_csv(raw_data / "toymix/Tox21-7k-12-labels.csv.gz")["smiles"].to_list()
    for text in rng.sample(smiles, 300):
        mol = Chem.MolFromSmiles(text)
        if mol is None:
            continue
        canonical = Chem.MolToSmiles(mol)
        mol = Chem.MolFromSmiles(canonical)
        order = rng.sample(range(mol.GetNumAtoms()), mol.GetNumAtoms())
        shuffled = Chem.RenumberAtoms(mol, order)
        written = Chem.MolToSmiles(shuffled, canonical=False)
        output = list(shuffled.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])
        one, other = of_smiles(canonical), of_smiles(written)
        assert [atoms(one)[order[place]] for place in output] == atoms(other)
        assert len(one.atom_code) == mol.GetNumAtoms()
        bond_rows = [graphs.bond_table[graphs.bonds[:, 2]] for graphs in (one, other)]
        assert np.sort(bond_rows[0], axis=0).tolist() == np.sort(bond_rows[1], axis=0).tolist()
