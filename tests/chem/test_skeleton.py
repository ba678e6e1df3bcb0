"""Tests of what forms of one molecule have in common."""

from __future__ import annotations

import polars as pl
import pytest

from molmix_bench.chem.molecule import standardize_all
from molmix_bench.chem.skeleton import among, skeletons


def _table(*smiles):
    found = standardize_all(smiles, max_atoms=99)
    return pl.DataFrame({"mol_id": [item.mol_id for item in found], "smiles": [item.smiles for item in found]})


@pytest.mark.parametrize(
    "forms",
    [
        ("CCN", "CC[NH3+].[Cl-]", "CCN.Cl", "CC[NH3+]"),
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CC(N)C(=O)O", "CC([NH3+])C(=O)[O-]", "CC(N)C(=O)[O-].[Na+]"),
        ("C/C=C/Cl", "C/C=C\\Cl"),
    ],
)
def test_forms_of_one_molecule(forms):
    """Salts, charged forms and stereoisomers have one skeleton."""
    assert len(set(skeletons(_table(*forms)))) == 1


def test_other_molecules():
    """Isomers of other bonds differ, and so do molecules of which InChI knows nothing, though they look alike."""
    found = skeletons(_table("CCN", "CNC", "CCCN", "*CC", "*CCC", "*CC.Cl"))
    assert found.n_unique() == 6


def test_among_many():
    """Found are those of which any form is there, salts and single molecules alike."""
    wanted = skeletons(_table("CCN.Cl", "OCC", "C1CC1", "CC(=O)O"))
    there = _table("CCN", "CC(=O)[O-].[Na+]", "CCCCO").lazy()
    assert among(wanted, there).to_list() == [True, False, False, True]
    assert among(wanted, there.filter(pl.col("smiles") == "")).sum() == 0
