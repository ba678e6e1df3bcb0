"""Tests of the properties of atoms, against published numbers and the properties of whole molecules."""

from __future__ import annotations

import pytest
from rdkit import Chem

from molmix_bench.chem.atom_properties import ATOM_PROPERTIES, compute_atom_properties
from molmix_bench.chem.properties import logp, molar_refractivity

ODD = ("C", "[Na+].[Cl-]", "O", "[NH3+]CC(=O)[O-]", "C[Si](C)(C)C", "OB(O)c1ccccc1", "[2H]OC", "C[n+]1ccccc1", "CCI")


def _found(smiles):
    return compute_atom_properties(Chem.MolFromSmiles(smiles))


def test_crippen_benzene():
    """Each aromatic carbon has the published contributions of C18 and of one H1."""
    found = _found("c1ccccc1")
    assert found["logp_contribution"] == pytest.approx([0.1581 + 0.1230] * 6)
    assert found["refractivity_contribution"] == pytest.approx([3.350 + 1.057] * 6)


def test_charges_methane_and_ethane():
    """The carbons of methane and ethane have the charges of Gasteiger and Marsili's paper, -0.078 and -0.068."""
    assert _found("C")["partial_charge"] == pytest.approx([-0.078], abs=1e-3)
    assert _found("CC")["partial_charge"] == pytest.approx([-0.068] * 2, abs=1e-3)


def test_charges_follow_electronegativity():
    """In methanol the oxygen is negative; in fluoromethane the carbon is positive; like atoms are alike."""
    carbon, oxygen = _found("CO")["partial_charge"]
    assert oxygen < -0.3 < 0 < carbon
    assert _found("CF")["partial_charge"][0] > carbon
    ring = _found("c1ccccc1")["partial_charge"]
    assert max(ring) - min(ring) < 1e-9


@pytest.mark.parametrize("smiles", ODD)
def test_contributions_sum_to_the_molecules(smiles):
    """Over the atoms, the contributions sum to logP and molar refractivity of the molecule, for odd molecules too."""
    mol = Chem.MolFromSmiles(smiles)
    found = compute_atom_properties(mol)
    assert tuple(found) == ATOM_PROPERTIES
    assert {len(values) for values in found.values()} == {mol.GetNumAtoms()}
    assert all(abs(charge) < 3 for charge in found["partial_charge"])
    assert sum(found["logp_contribution"]) == pytest.approx(logp(mol), abs=1e-9)
    assert sum(found["refractivity_contribution"]) == pytest.approx(molar_refractivity(mol), abs=1e-9)


def test_atoms_keep_their_order():
    """Written the other way round, a molecule's lists are the other way round."""
    one, other = _found("CCO"), _found("OCC")
    for name in ATOM_PROPERTIES:
        assert one[name] == pytest.approx(other[name][::-1])


def test_leaves_the_molecule_as_it_was():
    """No property is left on the caller's atoms, and no hydrogen added."""
    mol = Chem.MolFromSmiles("CO")
    compute_atom_properties(mol)
    assert mol.GetNumAtoms() == 2
    assert not mol.GetAtomWithIdx(0).HasProp("_GasteigerCharge")
