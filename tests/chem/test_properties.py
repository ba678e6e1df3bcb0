"""Tests of the computed properties, against numbers worked out by hand or computed by others."""

from __future__ import annotations

import polars as pl
import pytest
from rdkit import Chem, RDConfig

from molmix_bench.chem import properties
from molmix_bench.chem.properties import PROPERTIES, logp, molar_refractivity, qed, sa_score, tpsa
from molmix_bench.errors import MissingExtraError
from tests.conftest import RAW

ZINC = RAW / "toymix/ZINC12k.csv.gz"


def _mol(smiles):
    return Chem.MolFromSmiles(smiles)


def test_crippen_benzene():
    """The published contributions of an aromatic carbon (C18) and its hydrogen (H1), six times each."""
    assert logp(_mol("c1ccccc1")) == pytest.approx(6 * (0.1581 + 0.1230))
    assert molar_refractivity(_mol("c1ccccc1")) == pytest.approx(6 * (3.350 + 1.057))


def test_tpsa_aspirin():
    """The published contributions of a hydroxyl group, an ether oxygen and two carbonyl oxygens."""
    assert tpsa(_mol("CC(=O)Oc1ccccc1C(=O)O")) == pytest.approx(20.23 + 9.23 + 2 * 17.07)


def test_tpsa_leaves_out_sulfur():
    """Sulfur counts nothing, as in the paper's recommended form."""
    assert tpsa(_mol("c1ccsc1")) == 0


def test_qed_prefers_drugs():
    """Paracetamol is more drug-like than a long paraffin; both lie between 0 and 1."""
    assert 0 < qed(_mol("CCCCCCCCCCCCCCCCCC")) < 0.4 < qed(_mol("CC(=O)Nc1ccc(O)cc1")) < 1


def test_sa_score_prefers_simple_molecules():
    """Aspirin is easy to make, strychnine is not; both lie between 1 and 10."""
    strychnine = "O=C1C[C@@H]2OCC=C3CN4CC[C@]56[C@@H]4C[C@H]3[C@@H]2[C@@H]5N1c1ccccc16"
    assert 1 < sa_score(_mol("CC(=O)Oc1ccccc1C(=O)O")) < 2
    assert 5 < sa_score(_mol(strychnine)) < 10


def test_sa_score_without_contrib(monkeypatch, tmp_path):
    """An RDKit without its Contrib directory is an error that names the file it lacks."""
    monkeypatch.setattr(RDConfig, "RDContribDir", str(tmp_path))
    properties._sa_scorer.cache_clear()
    try:
        with pytest.raises(MissingExtraError, match=r"SA_Score.sascorer\.py: found no such file"):
            sa_score(_mol("CCO"))
    finally:
        properties._sa_scorer.cache_clear()


@pytest.mark.parametrize("smiles", ["C", "[Na+].[Cl-]", "O", "[NH3+]CC(=O)[O-]", "C[Si](C)(C)C", "OB(O)c1ccccc1"])
def test_odd_molecules_have_all_properties(smiles):
    """Single atoms, salts, zwitterions and rarer elements get finite numbers."""
    mol = _mol(smiles)
    assert all(abs(compute(mol)) < 1_000 for compute in PROPERTIES.values())


@pytest.mark.real_data
def test_as_in_zinc12k():
    """ZINC12k's `logp` and `SA`, computed by its authors years ago, are these same functions."""
    if not ZINC.is_file():
        pytest.skip(f"no {ZINC}")
    rows = pl.read_csv(ZINC).gather_every(40)
    for smiles, accessibility, partition in rows.select("smiles", "SA", "logp").iter_rows():
        assert sa_score(_mol(smiles)) == pytest.approx(accessibility, abs=1e-8)
        assert logp(_mol(smiles)) == pytest.approx(partition, abs=1e-8)
