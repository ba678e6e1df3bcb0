"""Atom and bond codes from RDKit's binary form of molecules: six times as fast as asking for every attribute.

`Mol.ToBinary` writes all that the codes say but the CIP labels, in one call a molecule. The form is RDKit's own and not
documented; what is read here is version 16 of its `Code/GraphMol/MolPickler.cpp`. So it is tried before it is trusted:
`is_known` holds it against `attributes` on molecules that have everything there is. And whatever is out of the ordinary
in a molecule, such as an atom without element or more than 255 atoms, is left to `attributes`, molecule by molecule.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem.rdchem import BondType, HybridizationType

from molmix_bench.graphs.attributes import AttributeReader, Rows, cip_label
from molmix_bench.graphs.compiled import compiled
from molmix_bench.graphs.features import ATOM_FEATURES, BOND_FEATURES, Feature
from molmix_bench.graphs.parse import parse, parse_quickly

Array = NDArray[Any]

_HEADER, _PREAMBLE = 20, 30
"""Bytes that say which form it is; and those before the first atom."""
_BEGIN_ATOMS, _BEGIN_BONDS, _BEGIN_RINGS, _BEGIN_CONFORMERS, _WITH_COORDINATES = 0x01, 0x0B, 0x42, 0x17, 0x80
_MAX_ATOMS = 255
"""Of larger molecules, atoms are numbered in four bytes."""
_MARGIN = b"\0" * 300
"""More than the longest entry of an atom, bond or ring, so that none is read from beyond the end."""
_NO_PROPERTIES = 0

# The columns of what is read: bytes that stand for values. Those of bonds begin with the bonded atoms.
_ELEMENT, _DEGREE, _CHARGE, _HYDROGENS, _RADICALS, _HYBRIDIZATION, _AROMATIC, _ATOM_IN_RING, _TAG, _UNUSED = range(10)
_BEGIN, _END, _TYPE, _STEREO, _CONJUGATED, _BOND_IN_RING = range(6)
_ATOM_COLUMNS = {
    "element": _ELEMENT,
    "degree": _DEGREE,
    "charge": _CHARGE,
    "hydrogens": _HYDROGENS,
    "radical_electrons": _RADICALS,
    "hybridization": _HYBRIDIZATION,
    "aromatic": _AROMATIC,
    "in_ring": _ATOM_IN_RING,
    "chirality": _TAG,
}
_BOND_COLUMNS = {"type": _TYPE, "stereo": _STEREO, "conjugated": _CONJUGATED, "in_ring": _BOND_IN_RING}
_USUAL = 0xFF
"""Stands for the values that RDKit does not write: hybridization sp3, and single bonds."""
_OTHER_BYTES: dict[str, dict[int, Hashable]] = {
    "hybridization": {_USUAL: HybridizationType.SP3},
    "type": {_USUAL: BondType.SINGLE},
    "chirality": {0: ""},
}
"""Bytes that are not the number of the value they stand for."""
_COLUMN_OF_BIT = (_UNUSED, _CHARGE, _TAG, _HYBRIDIZATION, _HYDROGENS, _UNUSED, _HYDROGENS, _RADICALS)
"""Which value of an atom is written where a bit is set; bit 4 is for hydrogens in brackets, bit 5 for the valence."""
_IMPLIED_HYDROGENS = 6

_PROBES = (
    *("", "C", "[H][H]", "[13CH4]", "[CH3]", "[CH2]", "[Na+].[Cl-]", "[O-][N+](=O)C", "[NH3]->[Cu+2]", "[U+6]", "[Og]"),
    *("C=C", "C#N", "c1ccccc1", "C1CC1", "c1ccc2[nH]ccc2c1", "c1cc[se]c1", "C1CC2CCC1C2", "C1CC12CC2", "C=CC=C"),
    *("C/C=C/C", "C/C=C\\C", "F/C=C/C=C\\F", "N[C@@H](C)C(=O)O", "N[C@H](C)C(=O)O", "C[C@H]1CC[C@@H](C)CC1"),
    *("C[S@](=O)CC", "FS(F)(F)(F)(F)F", "FP(F)(F)(F)F", "[2H]OC", "[H]/N=C/C", "B(O)(O)c1ccccc1", "C[Si](C)(C)C"),
    *("[Fe+2]", "[C-]#[O+]", "[O][O]", "[SH-]", "[N-]=[N+]=N", "C" * 255),
)
"""One or more of everything that codes tell apart."""


class BinaryReader:
    """Reads molecules one after the other, as `AttributeReader` does.

    Args:
        capacity: as many atoms, and as many bonds, as there can be.
    """

    def __init__(self, capacity: int) -> None:
        self._atoms = np.zeros((capacity, _UNUSED + 1), np.uint8)
        self._bonds = np.zeros((capacity, len(BOND_FEATURES) + 2), np.uint8)
        # Atoms and bonds so far; then the numbers of a molecule's atoms that may be centres.
        self._place = np.zeros(2 + _MAX_ATOMS, np.int64)
        self._ptr = [(0, 0)]
        self._labels: list[tuple[int, int]] = []
        self._left: list[tuple[int, Rows]] = []

    @property
    def num_left(self) -> int:
        """Molecules that were left to `AttributeReader`."""
        return len(self._left)

    def add(self, mol: Chem.Mol) -> None:
        """Reads one more molecule."""
        data = mol.ToBinary(_NO_PROPERTIES)
        is_known = data.startswith(_header())
        num_centres = _decode(data + _MARGIN, self._atoms, self._bonds, self._place) if is_known else -1
        if num_centres < 0:
            self._leave(mol)
        elif num_centres:
            first = self._ptr[-1][0]
            for atom in self._place[2 : 2 + num_centres].tolist():
                self._labels.append((first + atom, _chirality_code(cip_label(mol.GetAtomWithIdx(atom)))))
        self._ptr.append((self._place.item(0), self._place.item(1)))

    def rows(self) -> Rows:
        """Returns everything read so far."""
        ptr = np.array(self._ptr, np.int64)
        raw_atoms, raw_bonds = self._atoms[: ptr[-1, 0]], self._bonds[: ptr[-1, 1]]
        ends = raw_bonds[:, [_BEGIN, _END]].astype(np.uint16)
        atoms = _to_codes(raw_atoms, ATOM_FEATURES, _ATOM_COLUMNS)
        bonds = _to_codes(raw_bonds, BOND_FEATURES, _BOND_COLUMNS)
        for atom, code in self._labels:
            atoms[atom, _CHIRALITY] = code
        for molecule, own in self._left:
            first, last = ptr[molecule], ptr[molecule + 1]
            atoms[first[0] : last[0]] = own.atoms
            bonds[first[1] : last[1]], ends[first[1] : last[1]] = own.bonds, own.ends
        num_atoms, num_bonds = np.diff(ptr, axis=0).T
        return Rows(num_atoms, num_bonds, atoms, bonds, ends)

    def _leave(self, mol: Chem.Mol) -> None:
        reader = AttributeReader()
        reader.add(mol)
        self._left.append((len(self._ptr) - 1, reader.rows()))
        self._place[0] += mol.GetNumAtoms()
        self._place[1] += mol.GetNumBonds()


@cache
def is_known() -> bool:
    """Whether this version of RDKit writes molecules in the form that is read here, `parse.parse_quickly`'s too."""
    found, expected = BinaryReader(sum(map(len, _PROBES))), AttributeReader()
    with rdBase.BlockLogs():
        for text in _PROBES:
            found.add(parse_quickly(text))
            expected.add(parse(text))
    one, other = found.rows(), expected.rows()
    return not found.num_left and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in Rows.__slots__
    )


@cache
def _header() -> bytes:
    return bytes(Chem.Mol().ToBinary(_NO_PROPERTIES)[:_HEADER])


_CHIRALITY = [feature.name for feature in ATOM_FEATURES].index("chirality")


@cache
def _chirality_code(label: str) -> int:
    return ATOM_FEATURES[_CHIRALITY].code(label)


def _to_codes(raw: NDArray[np.uint8], features: tuple[Feature, ...], columns: dict[str, int]) -> NDArray[np.uint8]:
    codes = np.empty((len(raw), len(features)), np.uint8)
    for index, feature in enumerate(features):
        codes[:, index] = _code_table(feature)[raw[:, columns[feature.name]]]
    return codes


@cache
def _code_table(feature: Feature) -> NDArray[np.uint8]:
    """Returns the codes of a feature by the bytes that stand for its values."""
    table = np.full(256, len(feature.values), np.uint8)
    for code, value in enumerate(feature.values):
        if isinstance(value, int):  # so are RDKit's enumerations; negative numbers are written as two's complement
            table[int(value) & 0xFF] = code
    for byte, value in _OTHER_BYTES.get(feature.name, {}).items():
        table[byte] = feature.code(value)
    return table


@compiled
def _decode(data: bytes, atoms: Array, bonds: Array, place: Array) -> int:
    """Adds a molecule to those that are there, if everything in it is as expected.

    Args:
        data: the molecule, and `_MARGIN`.
        atoms: bytes that stand for values, in columns.
        bonds: the same of bonds.
        place: see `BinaryReader`; moved on behind the molecule.

    Returns:
        The number of atoms with a chiral tag; -1 if something is not as expected.
    """
    num_atoms, num_bonds = _read_number(data, _HEADER), _read_number(data, _HEADER + 4)
    end_atom, end_bond = place[0] + num_atoms, place[1] + num_bonds
    if num_atoms > _MAX_ATOMS or end_atom > len(atoms) or end_bond > len(bonds):
        return -1
    own_atoms, own_bonds = atoms[place[0] : end_atom], bonds[place[1] : end_bond]
    own_atoms[:], own_bonds[:] = 0, 0
    if not _decode_molecule(data, own_atoms, own_bonds):
        return -1
    num_centres = 0
    for atom in range(num_atoms):
        if own_atoms[atom, _TAG]:
            place[2 + num_centres] = atom
            num_centres += 1
    place[0], place[1] = end_atom, end_bond
    return num_centres


@compiled
def _read_number(data: bytes, at: int) -> Any:
    return (
        np.int64(data[at]) | np.int64(data[at + 1]) << 8 | np.int64(data[at + 2]) << 16 | np.int64(data[at + 3]) << 24
    )


@compiled
def _decode_molecule(data: bytes, atoms: Array, bonds: Array) -> bool:
    """Writes the bytes that stand for values; returns whether everything was as expected, to the last ring."""
    if data[_PREAMBLE - 2] != _WITH_COORDINATES or data[_PREAMBLE - 1] != _BEGIN_ATOMS:
        return False
    end = len(data) - len(_MARGIN)
    at = _PREAMBLE
    for index in range(len(atoms)):
        at = _decode_atom(data, at, atoms[index])
        if at >= end:
            return False
    if data[at] != _BEGIN_BONDS:
        return False
    at += 1
    for index in range(len(bonds)):
        row = bonds[index]
        at = _decode_bond(data, at, row)
        if at >= end or max(row[_BEGIN], row[_END]) >= len(atoms):
            return False
        atoms[row[_BEGIN], _DEGREE] += 1
        atoms[row[_END], _DEGREE] += 1
    return _decode_rings(data, at, atoms, bonds)


@compiled
def _decode_atom(data: bytes, at: int, row: Array) -> Any:
    """Returns where the next entry begins, or a place behind everything where this one is out of the ordinary."""
    flags, low, high = data[at + 1], data[at + 2], data[at + 3]
    # Of the flags, 0x40 says aromatic and 0x20 that no hydrogens are implied; of the values that are written because
    # they are not the usual ones, only a mass (0x01) and what newer versions may add are unknown here.
    if flags & 0x9F or low & 0x01 or high & 0xFE or data[at + 4] or data[at + 5]:
        return len(data)
    row[_ELEMENT], row[_AROMATIC], row[_HYBRIDIZATION] = data[at], flags >> 6 & 1, _USUAL
    at += 6
    for bit in range(1, 8):
        if low >> bit & 1:
            column, value = _COLUMN_OF_BIT[bit], data[at]
            at += 1
            if column != _HYDROGENS:
                row[column] = value
            elif not (bit == _IMPLIED_HYDROGENS and flags & 0x20):
                row[column] += value
    return at + 4 * (high & 1)  # the isotope


@compiled
def _decode_bond(data: bytes, at: int, row: Array) -> Any:
    """Returns where the next entry begins, or a place behind everything where this one is out of the ordinary."""
    flags = data[at + 2]
    if flags & 0x91:  # 0x10 is a query
        return len(data)
    row[_BEGIN], row[_END], row[_TYPE], row[_CONJUGATED] = data[at], data[at + 1], _USUAL, flags >> 5 & 1
    at += 3
    if flags & 0x08:
        row[_TYPE] = data[at]
        at += 1
    if flags & 0x04:  # the direction of / and \
        at += 1
    if flags & 0x02:
        row[_STEREO] = data[at]
        at += 2 + data[at + 1]  # the atoms that the stereo refers to
    return at


@compiled
def _decode_rings(data: bytes, at: int, atoms: Array, bonds: Array) -> bool:
    """Marks the atoms and bonds of every ring; returns whether all was read and the next entry follows."""
    if data[at] != _BEGIN_RINGS:
        return False
    num_rings = _read_number(data, at + 1)
    at += 5
    for _ in range(num_rings):
        size = int(data[at])
        if at + size >= len(data) - len(_MARGIN):
            return False
        for place in range(size):
            one, other = data[at + 1 + place], data[at + 1 + (place + 1) % size]
            if one >= len(atoms):
                return False
            atoms[one, _ATOM_IN_RING] = 1
            for bond in range(len(bonds)):
                begin, end = bonds[bond, _BEGIN], bonds[bond, _END]
                if (begin == one and end == other) or (begin == other and end == one):
                    bonds[bond, _BOND_IN_RING] = 1
        at += 1 + size
    return bool(data[at] == _BEGIN_CONFORMERS)
