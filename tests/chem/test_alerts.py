"""Tests of structural alerts, on molecules whose groups a chemist names at sight."""

from __future__ import annotations

import pytest
from rdkit import Chem

from molmix_bench.chem import alerts
from molmix_bench.chem.alerts import ALERTS, FAMILIES, find_alerts
from molmix_bench.errors import MissingExtraError

# Family -> molecules that have the group, molecules that nearly have it.
FAMILY_EXAMPLES = {
    "nitro": (["C[N+](=O)[O-]", "O=[N+]([O-])c1ccccc1"], ["CON=O", "O=Nc1ccccc1"]),
    "michael_acceptor": (["C=CC(=O)NC", "C=CC(C)=O", "CC=C(C#N)C#N", "CC#CC(C)=O"], ["C=CCC(C)=O", "CCC(=O)NC"]),
    "aldehyde": (["O=Cc1ccccc1", "CC=O"], ["CC(C)=O", "CC(=O)O"]),
    "catechol": (["Oc1ccccc1O", "Cc1ccc(O)c(O)c1"], ["Oc1cccc(O)c1", "COc1ccccc1O"]),
    "imine": (["CC=NC", "CC=NNC(C)=O", "CC=NO"], ["C1CCN=C1", "CC=O"]),
    "thiocarbonyl": (["NC(N)=S", "O=C1CSC(=S)N1"], ["NC(N)=O", "CSC"]),
    "long_chain": (["CCCCCC", "COCCOC"], ["CCCCC", "C1CCCCCCC1", "CC(C)C(C)C(C)C"]),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_family(family):
    """A family holds for molecules with its group, and not for those that only resemble them."""
    with_group, without = FAMILY_EXAMPLES[family]
    assert [find_alerts(Chem.MolFromSmiles(smiles))[family] for smiles in with_group] == [True] * len(with_group)
    assert [find_alerts(Chem.MolFromSmiles(smiles))[family] for smiles in without] == [False] * len(without)


@pytest.mark.parametrize(
    ("smiles", "catalogues"),
    [
        ("CC(C)Cc1ccc(C(C)C(=O)O)cc1", set()),
        ("O=Cc1ccccc1", {"brenk", "chembl_lint", "chembl_mlsmr"}),
        ("CCCS", {"brenk", "chembl_lint", "chembl_mlsmr", "chembl_glaxo"}),
        ("CN(C)c1ccc(N=Nc2ccccc2)cc1", {"brenk", "chembl_lint", "chembl_mlsmr", "pains_a"}),
    ],
    ids=["ibuprofen", "benzaldehyde", "thiol", "azo dye"],
)
def test_catalogues(smiles, catalogues):
    """Catalogues find what their lists name: aldehydes, free thiols, azo dyes; nothing in ibuprofen."""
    found = find_alerts(Chem.MolFromSmiles(smiles))
    assert {name for name in alerts.CATALOGUES if found[name]} == catalogues


def test_order_is_that_of_the_tasks():
    """Catalogues come first, then families, each alert once."""
    assert tuple(sorted(find_alerts(Chem.MolFromSmiles("C")))) == tuple(sorted(ALERTS))
    assert len(set(ALERTS)) == len(ALERTS) == 12


def test_unknown_filter(monkeypatch):
    """A family that names a filter which RDKit does not have is an error, not a task without positives."""
    monkeypatch.setitem(FAMILIES, "nitro", ("nitro_groop",))
    alerts._catalogue.cache_clear()
    try:
        with pytest.raises(MissingExtraError, match="no nitro_groop"):
            find_alerts(Chem.MolFromSmiles("C"))
    finally:
        alerts._catalogue.cache_clear()
