"""Tests of scaffolds and of the groups that scaffold splits keep together."""

from __future__ import annotations

import pytest

from molmix_bench.chem.scaffold import scaffold_group, scaffold_smiles


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [
        ("CCc1ccccc1C", "c1ccccc1"),
        ("O=C1CCCN1", "O=C1CCCN1"),
        ("c1ccc(CCC2CC2)cc1", "c1ccc(CCC2CC2)cc1"),
        ("C[C@H]1CCCO1", "C1CCOC1"),
        ("CCO", ""),
    ],
)
def test_scaffolds(smiles, scaffold):
    """Rings and the chains between them stay; side chains and stereo marks go (drawn by hand)."""
    assert scaffold_smiles(smiles) == scaffold


def test_acyclic_molecules_are_groups_of_their_own():
    """Without rings, the group is the skeleton, or the whole identity where there is no InChIKey."""
    assert scaffold_group("CCO", "LFQSCWFLJHTTHZ-UHFFFAOYNA-N") == "acyclic:LFQSCWFLJHTTHZ"
    assert scaffold_group("*C", "SMI-0123") == "acyclic:SMI-0123"
    assert scaffold_group("Cc1ccccc1", "X-Y-N") == "c1ccccc1"


def test_not_a_molecule():
    """Text that is no SMILES raises; the build never asks for it."""
    with pytest.raises(ValueError, match="not a SMILES"):
        scaffold_smiles("C1CC")
