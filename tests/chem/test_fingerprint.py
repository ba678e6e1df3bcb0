"""Tests of fingerprints and descriptors."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem, rdBase
from rdkit.Chem import AllChem, Descriptors

from molmix_bench.chem.fingerprint import descriptors, morgan_bits, num_descriptors, packed_morgan

SMILES = ["CCO", "C", "[Na+].[Cl-]", "C[C@H](N)C(=O)O", "c1ccccc1O", "[H][H]"]


@pytest.mark.parametrize("radius", [0, 2])
def test_bits_are_rdkits(radius):
    """Unpacked, they are those of RDKit's older function, with chirality."""
    bits = np.unpackbits(packed_morgan(SMILES, radius=radius, num_bits=512), axis=1)
    with rdBase.BlockLogs():  # it says that it is old
        for row, text in zip(bits, SMILES, strict=True):
            mol = Chem.MolFromSmiles(text)
            expected = AllChem.GetMorganFingerprintAsBitVect(mol, radius, nBits=512, useChirality=True)
            assert np.flatnonzero(row).tolist() == list(expected.GetOnBits())


def test_mirror_images_have_different_bits():
    """They are told apart with chirality alone."""
    pair = ["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"]
    packed, plain = packed_morgan(pair, radius=2, num_bits=1024), morgan_bits(pair)
    assert (packed[0] != packed[1]).any()
    assert (plain[0] == plain[1]).all()


def test_descriptors_are_rdkits():
    """Weight and logP are those of RDKit's other functions; every number is finite, for metals and hydrogen too."""
    found = descriptors([*SMILES, "[Fe+2]", "[U]"])
    assert found.shape == (len(SMILES) + 2, num_descriptors())
    assert np.isfinite(found).all()
    for row, text in zip(found, SMILES, strict=False):
        mol = Chem.MolFromSmiles(text)
        for value in (Descriptors.MolWt(mol), Descriptors.MolLogP(mol), Descriptors.TPSA(mol)):
            assert np.isclose(row, value, rtol=1e-5).any()


@pytest.mark.parametrize("function", [morgan_bits, descriptors])
def test_refuses_what_is_no_smiles(function):
    """The error names the text."""
    with pytest.raises(ValueError, match="not a SMILES: 'C1CC'"):
        function(["C1CC"])
