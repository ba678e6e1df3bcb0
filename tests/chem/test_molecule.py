"""Tests of identity: what is one molecule, what is none, and why."""

from __future__ import annotations

import re

import pytest

from molmix_bench.chem import molecule as molecule_module
from molmix_bench.chem.molecule import Molecule, Rejected, explain_failure, standardize, standardize_all
from molmix_bench.vocab import DropReason


def _one(smiles):
    result = standardize(smiles, max_atoms=1_000)
    assert isinstance(result, Molecule), result
    return result


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("OCC", "CCO"),
        ("c1ccccc1", "C1=CC=CC=C1"),
        ("[CH3:1][OH:2]", "CO"),
        ("[CH3:0]O", "CO"),
        ("C[N+](=O)[O-]", "CN(=O)=O"),
        ("[H]OC([H])([H])C", "CCO"),
        (" CCO\n", "CCO"),
        ("CC(=O)[O-].[Na+]", "[Na+].[O-]C(C)=O"),
    ],
)
def test_same_molecule(one, other):
    """Ways of writing one molecule, resonance forms and aromatic or Kekule forms among them, share their identity."""
    assert _one(one).mol_id == _one(other).mol_id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CC(=O)C", "CC(O)=C"),
        ("O=c1cc[nH]cc1", "Oc1ccncc1"),
        ("CC(=O)O", "CC(=O)[O-]"),
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"),
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O"),
        ("C/C=C/C", "C/C=C\\C"),
        ("C", "[13CH4]"),
        ("C", "[CH3]"),
        ("CCO", "CCO.Cl"),
    ],
)
def test_different_molecules(one, other):
    """Tautomers, protonation states, stereoisomers, isotopologues, radicals and salts are told apart."""
    assert _one(one).mol_id != _one(other).mol_id


def test_atom_maps_leave_no_trace():
    """A mapped SMILES gives the canonical SMILES without maps; stereo that only maps made vanishes."""
    assert _one("[CH3:3][CH2:0][OH:7]").smiles == "CCO"
    # With maps the two methyls differ and the centre counts as stereogenic; without, it does not.
    assert _one("[CH3:1][C@H:2]([CH3:3])[OH:4]").smiles == "CC(C)O"


@pytest.mark.parametrize(
    ("smiles", "num_atoms"), [("C", 1), ("[H][H]", 2), ("[2H]C", 2), ("[Na+].[Cl-]", 2), ("C" * 200, 200)]
)
def test_atom_counts(smiles, num_atoms):
    """Hydrogens count only where the SMILES keeps them as atoms."""
    assert _one(smiles).num_atoms == num_atoms


def test_molecules_that_inchi_cannot_describe():
    """A dummy atom has no InChI: the identity is a hash of the canonical SMILES, and the standard key is null."""
    one, other = _one("*CC"), _one("CC*")
    assert one.mol_id == other.mol_id
    assert one.mol_id.startswith("SMI-")
    assert len(one.mol_id) == len("SMI-") + 32
    assert one.inchikey is None


@pytest.mark.parametrize(
    ("smiles", "reason", "detail"),
    [
        ("", DropReason.EMPTY_SMILES, "the SMILES is empty"),
        ("  ", DropReason.EMPTY_SMILES, "the SMILES is empty"),
        ("C1CC", DropReason.UNPARSABLE, "unclosed ring for input: 'C1CC'"),
        ("CN(C)(C)(C)C", DropReason.UNPARSABLE, "Explicit valence for atom # 1 N, 5, is greater than permitted"),
        ("foo", DropReason.UNPARSABLE, "syntax error while parsing: foo"),
        ("CC\u00e9 name", DropReason.UNPARSABLE, "characters that no SMILES has: 'CC\\xe9'"),
        ("CC\u200b", DropReason.UNPARSABLE, "characters that no SMILES has: 'CC\\u200b'"),
        ("C" * 1_001, DropReason.TOO_LARGE, "1,001 atoms, more than 1,000"),
    ],
)
def test_rejections_say_why(smiles, reason, detail):
    """What is no molecule comes back with a reason and a detail."""
    assert standardize(smiles, max_atoms=1_000) == Rejected(reason, detail)


def test_reasons_are_the_same_at_every_call(capfd):
    """The detail carries no time stamp, and RDKit writes nothing to stderr."""
    assert explain_failure("c1cccc1") == explain_failure("c1cccc1")
    assert "[" not in explain_failure("C1CC")
    assert capfd.readouterr().err == ""


def test_canonical_smiles_is_a_fixed_point():
    """The stored SMILES, read again, is the same molecule."""
    for smiles in ("C[C@H](N)C(=O)O", "C[N+](=O)[O-]", "c1ccc2[nH]ccc2c1", "[Cu+2]<-N", "F[P-](F)(F)(F)(F)F.[Na+]"):
        once = _one(smiles)
        again = _one(once.smiles)
        assert (again.mol_id, again.smiles) == (once.mol_id, once.smiles)


def test_names_may_hold_any_letters():
    """What stands behind a SMILES is its name, which is not read and may be of any letters."""
    assert _one("CCO \u00e9thanol").smiles == "CCO"


@pytest.mark.parametrize(
    ("smiles", "raw", "num_raw"),
    [
        ("OCC", (2, 1, 0), 3),
        ("[H]OCC", (3, 2, 1), 4),
        ("[#1]OCC", (3, 2, 1), 4),
        ("[2H]C([H])O", (0, 1, 3), 4),
        ("O[Hg]C", (2, 1, 0), 3),
        ("[H][H]", (0, 1), 2),
    ],
)
def test_numbering_counts_every_written_atom(smiles, raw, num_raw):
    """Raw atoms are counted as written, hydrogens among them, however a hydrogen is written; by hand."""
    numbering = standardize(smiles, max_atoms=100, numbered=True).numbering
    assert (numbering.raw, numbering.num_raw) == (raw, num_raw)


def test_quick_numbering_is_the_full_one(monkeypatch):
    """Where no hydrogen is written, a plain parse gives the molecule and numbering of one that keeps hydrogens."""
    smiles = ["F/C=C/[C@H](N)C(=O)O", "c1ccc2[nH]ccc2c1", "C[S@@](=O)CC", "[Na+].[O-]C1CC1", "C1CC[C@@H]2[C@H]1C=CO2"]
    quick = standardize_all(smiles, max_atoms=100, numbered=True)
    monkeypatch.setattr(molecule_module, "_RENUMBERED", re.compile(""))
    assert standardize_all(smiles, max_atoms=100, numbered=True) == quick


def test_many_at_once(capfd):
    """Each of many comes out as it does alone, those that are none among them, and RDKit writes nothing to stderr."""
    smiles = ["CCO", "C1CC", "", "[CH3:1]O", "foo", "C[N+](C)(C)C"]
    assert standardize_all(smiles, max_atoms=4) == [standardize(text, max_atoms=4) for text in smiles]
    assert capfd.readouterr().err == ""
