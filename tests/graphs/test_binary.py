"""Tests of reading RDKit's binary form, against asking for every attribute."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem, rdBase

from molmix_bench.graphs import binary
from molmix_bench.graphs.attributes import AttributeReader, Rows
from molmix_bench.graphs.binary import BinaryReader, is_known
from molmix_bench.graphs.parse import parse, parse_quickly
from tests.build.tiny import ALKANES
from tests.graphs.conftest import ODD

LEFT = ("*C", "C~C", "C" * 256, "[CH3:1]C", "c1ccccc1" * 50)
"""Molecules that are out of the ordinary: a dummy atom, a bond of no type, many atoms, an atom map."""


def _read(smiles):
    """Returns what both readers say of some molecules, and the quick one itself."""
    quick, slow = BinaryReader(sum(map(len, smiles))), AttributeReader()
    for text in smiles:
        quick.add(parse_quickly(text))
        slow.add(parse(text))
    return quick.rows(), slow.rows(), quick


def _check(smiles):
    found, expected, reader = _read(smiles)
    for name in Rows.__slots__:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), strict=True, err_msg=name)
    return reader.num_left


def test_this_rdkit_is_known():
    """The quick way is taken here; where a new RDKit fails this test, `binary` has something to learn."""
    assert is_known()


def test_odd_molecules():
    """Salts, isotopes, radicals, stereo, dative bonds: all is read, but for the dummy atom."""
    assert _check([text for text in (*ODD, *ALKANES, "") if "*" not in text]) == 0


def test_what_is_left_to_the_slow_reader():
    """Molecules out of the ordinary have the same rows, at their places among others."""
    mixed = [text for odd in LEFT for text in ("CCO", odd, "c1ccncc1")]
    assert _check(mixed) == len(LEFT)


def test_no_molecules():
    """Nothing read is empty arrays of the right widths."""
    rows = BinaryReader(0).rows()
    assert [getattr(rows, name).shape for name in Rows.__slots__] == [(0,), (0,), (0, 9), (0, 4), (0, 2)]


def test_more_atoms_than_there_is_room_for():
    """A molecule that does not fit is no overflow: it is left, and then refused."""
    reader = BinaryReader(3)
    reader.add(parse("CCCC"))
    with pytest.raises(ValueError, match="broadcast"):
        reader.rows()


PHENYLALANINE = parse("N[C@@H](Cc1ccccc1)C(=O)[O-]").ToBinary(0)


def _decode(data):
    reader = BinaryReader(300)
    return binary._decode(data + binary._MARGIN, reader._atoms, reader._bonds, reader._place), reader


@given(st.data())
def test_any_bytes(data):
    """Bytes that RDKit would not write, or that end too soon, are refused or read; nothing is read beyond them."""
    changed = bytearray(PHENYLALANINE)
    for _ in range(data.draw(st.integers(0, 3))):
        changed[data.draw(st.integers(20, len(changed) - 1))] = data.draw(st.integers(0, 255))
    changed = changed[: data.draw(st.integers(20, len(changed)))]
    num_centres, reader = _decode(bytes(changed))
    assert -1 <= num_centres <= 255
    if num_centres < 0:
        assert reader._place[:2].tolist() == [0, 0]


@pytest.mark.parametrize("end", range(20, len(PHENYLALANINE) - 12))
def test_truncated_bytes(end):
    """A molecule that is cut before the end of its rings is refused."""
    assert _decode(PHENYLALANINE[:end])[0] == -1
    assert _decode(PHENYLALANINE)[0] == 1


def test_another_form(monkeypatch):
    """Where RDKit's form is another version's, the self-test says so, and every molecule is left."""
    monkeypatch.setattr(binary, "_header", lambda: b"another")
    assert _check(["CCO", "c1ccccc1"]) == 2
    assert not is_known.__wrapped__()


@pytest.mark.parametrize("column", ["_CHARGE", "_HYBRIDIZATION", "_HYDROGENS"])
def test_the_self_test_sees_a_difference(monkeypatch, column):
    """The self-test fails where one value is read as another."""
    place = getattr(binary, column)
    names = {number: name for name, number in binary._ATOM_COLUMNS.items()}
    monkeypatch.setitem(binary._ATOM_COLUMNS, names[place], binary._ELEMENT)
    assert not is_known.__wrapped__()


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["qm9", "Tox21-7k-12-labels", "ZINC12k"])
def test_all_of_toymix(raw_data, name):
    """All real molecules of ToyMix, as their files and as RDKit writes them: every code is the same, none is left."""
    smiles = pl.read_csv(raw_data / f"toymix/{name}.csv.gz", columns=["smiles"])["smiles"].to_list()
    with rdBase.BlockLogs():
        mols = [parse(text) for text in smiles]
        assert [parse_quickly(text) is None for text in smiles] == [mol is None for mol in mols]
        parsed = [text for text, mol in zip(smiles, mols, strict=True) if mol is not None]
        assert _check([*parsed, *(Chem.MolToSmiles(mol) for mol in mols if mol is not None)]) == 0
