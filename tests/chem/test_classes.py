"""Tests of the classes of molecules, on molecules whose numbers one counts by hand."""

from __future__ import annotations

import pytest
from rdkit import Chem

from molmix_bench.chem.classes import BINNINGS, NUM_CLASSES, Binning, find_classes

# Weight (g/mol), rotatable bonds, acceptors, aromatic rings and sp3 share, counted by hand, and their classes.
EXAMPLES = {
    "CCO": (0, 0, 0, 0, 4),  # 46; 0; 1; 0; 2 of 2
    "c1ccc(-c2ccccc2)cc1": (0, 0, 0, 2, 0),  # 154; 1; 0; 2; 0 of 12
    "CCCCOC(=O)c1ccccc1C(=O)OCCCC": (1, 4, 2, 1, 4),  # 278; 8; 4; 1; 8 of 16, at the threshold
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O": (0, 0, 1, 2, 3),  # 194; 0; 3, the oxygens and the bare nitrogen; 2; 3 of 8
    "O(c1ccccc1)c1ccc(Oc2ccc(Oc3ccccc3)cc2)cc1": (3, 3, 1, 4, 0),  # 354; 6; 3; 4; 0 of 24
}


@pytest.mark.parametrize("smiles", EXAMPLES)
def test_classes_by_hand(smiles):
    """Each task's class is the number of its thresholds at or below what one counts."""
    assert tuple(find_classes(Chem.MolFromSmiles(smiles)).values()) == EXAMPLES[smiles]


@pytest.mark.parametrize("name", BINNINGS)
def test_thresholds_make_five_classes(name):
    """Thresholds increase, so that every class has numbers of its own."""
    thresholds = BINNINGS[name].thresholds
    assert len(thresholds) == NUM_CLASSES - 1
    assert list(thresholds) == sorted(set(thresholds))


def test_a_number_at_a_threshold_is_above_it(monkeypatch):
    """As in the source specs' `bins`: the class counts the thresholds at or below the number."""
    for number, expected in ((0.9, 0), (1.0, 1), (4.0, 4), (9.0, 4)):
        monkeypatch.setattr("molmix_bench.chem.classes.BINNINGS", {"x": Binning(lambda _, n=number: n, (1, 2, 3, 4))})
        assert find_classes(Chem.MolFromSmiles("C")) == {"x": expected}
