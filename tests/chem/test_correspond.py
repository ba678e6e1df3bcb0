"""Tests of finding the same atom in two forms of a molecule."""

from __future__ import annotations

import pytest
from rdkit import Chem

from molmix_bench.chem.correspond import corresponding_atoms
from molmix_bench.chem.molecule import standardize


@pytest.mark.parametrize(
    ("one", "stored"),
    [
        ("CN1C=CC(=O)C=C1", "C[n+]1ccc([O-])cc1"),
        ("C[N+](=O)[O-]", "CN(=O)=O"),
        ("OC(=O)CC.[Na+].[Cl-]", "[Cl-].CCC(=O)O.[Na+]"),
        ("CC(=O)O.OC(C)=O", "CC(O)=O.CC(=O)O"),
        ("Cc1nc[nH]c1F", "Fc1[nH]cnc1C"),
    ],
)
def test_elements_and_neighbours_agree(one, stored):
    """Each atom's partner is the same element with the same neighbours, in every form."""
    forms = Chem.MolFromSmiles(one, sanitize=False), Chem.MolFromSmiles(stored, sanitize=False)
    partner = corresponding_atoms(one, stored)
    assert sorted(partner) == list(range(forms[0].GetNumAtoms()))
    for atom in forms[1].GetAtoms():
        other = forms[0].GetAtomWithIdx(partner[atom.GetIdx()])
        assert other.GetSymbol() == atom.GetSymbol()
        assert {partner[item.GetIdx()] for item in atom.GetNeighbors()} == {
            item.GetIdx() for item in other.GetNeighbors()
        }


def test_written_hydrogens_have_no_partner():
    """InChI numbers no hydrogens."""
    assert corresponding_atoms("C", "[2H]C") == (None, 0)


def test_forms_are_one_molecule():
    """The forms above are what merging really meets: equal identities, different canonical SMILES."""
    one, other = (standardize(text, max_atoms=100) for text in ("CN1C=CC(=O)C=C1", "C[n+]1ccc([O-])cc1"))
    assert one.mol_id == other.mol_id
    assert one.smiles != other.smiles
