"""Tests of parsing in steps, against RDKit's parser."""

from __future__ import annotations

import pytest
from rdkit import Chem, rdBase

from molmix_bench.graphs.parse import parse, parse_quickly

SMILES = (
    *("", "[H]C", "[H][H]", "C/C=C/C", "C/C=C\\C", "CC=CC", "N[C@@H](C)C(=O)O", "C[C@H]1CC[C@@H](C)CC1", "C1CC1"),
    *("c1cc[se]c1", "[O-][N+](=O)C", "CN(=O)=O", "[NH3]->[Cu+2]", "C[S@](=O)CC", "OC(F)(Cl)Br", "C/C=C1/CCCC(C)C1"),
    *("F/C=C/C=C\\F", "C[C@@](F)(Cl)C[C@](F)(Cl)C", "[C@H](F)(Cl)F", "C1=CC=CC=C1", "N1C=CC=C1", "C/C=C/C=CC"),
)


@pytest.mark.parametrize("smiles", SMILES)
def test_the_same_molecule(smiles):
    """Canonical SMILES, CIP labels, stereo of bonds and rings are those of RDKit's parser."""
    params = Chem.SmilesParserParams()
    params.removeHs = False
    expected = Chem.MolFromSmiles(smiles, params)
    for mol in (parse(smiles), parse_quickly(smiles)):
        assert mol.ToBinary(0) == expected.ToBinary(0)
        assert _labels(mol) == _labels(expected)
        assert Chem.MolToSmiles(mol) == Chem.MolToSmiles(expected)


def _labels(mol):
    return [atom.GetProp("_CIPCode") if atom.HasProp("_CIPCode") else None for atom in mol.GetAtoms()]


@pytest.mark.parametrize("smiles", ["C1CC", "C(C)(C)(C)(C)C", "c1cccc1", "[#119]", "not a molecule"])
def test_no_molecule(smiles):
    """What does not parse, or cannot be sanitised, is None both ways; so is an element that does not exist."""
    with rdBase.BlockLogs():
        assert parse(smiles) is None
        assert parse_quickly(smiles) is None


def test_extensions_are_left_to_the_parser():
    """CXSMILES may say more of stereo than the letters of the SMILES."""
    text = "CC(F)Cl |(-1.5,0,;0,0,;0.75,1.3,;0.75,-1.3,),wU:1.0|"
    assert Chem.MolToSmiles(parse_quickly(text)) == Chem.MolToSmiles(parse(text))
    assert "@" in Chem.MolToSmiles(parse(text))
