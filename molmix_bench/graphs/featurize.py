"""SMILES to atom and bond codes, by asking RDKit for every attribute of every atom and bond.

Each feature takes one of a short list of values; its code is the value's position in that list, and every value that
is not listed has the code after the last, "other". A molecule has few distinct atoms and bonds (ZINC: 208 and 17), so
each distinct row of codes is kept once, in a table, and atoms and bonds are row numbers.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem.rdchem import BondStereo, BondType, ChiralType, HybridizationType

from molmix_bench.chem.molecule import explain_failure
from molmix_bench.errors import StoreError

FEATURIZER_VERSION = "1"
"""Part of every store's key: raise it with any change to the codes here or to the numbers in `encodings`."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One attribute of atoms or bonds and the values that have codes of their own."""

    name: str
    values: tuple[Hashable, ...]

    @property
    def size(self) -> int:
        """Number of codes: one per value, and "other"."""
        return len(self.values) + 1

    def code(self, value: Hashable) -> int:
        """Returns the code of a value.

        >>> degree = Feature("degree", tuple(range(5)))
        >>> degree.code(3), degree.code(12)
        (3, 5)
        """
        return self.values.index(value) if value in self.values else len(self.values)


_NO_YES = (False, True)

ATOM_FEATURES: tuple[Feature, ...] = (
    Feature("element", tuple(range(119))),  # the atomic number; 0 is a dummy atom
    Feature("degree", tuple(range(13))),  # neighbours that are atoms of the graph
    Feature("charge", (0, *range(1, 8), *range(-1, -8, -1))),
    Feature("hydrogens", tuple(range(9))),  # those that are not atoms of the graph, implicit or written in brackets
    Feature("radical_electrons", tuple(range(6))),
    Feature(
        "hybridization",
        (
            HybridizationType.UNSPECIFIED,
            HybridizationType.S,
            HybridizationType.SP,
            HybridizationType.SP2,
            HybridizationType.SP3,
            HybridizationType.SP2D,
            HybridizationType.SP3D,
            HybridizationType.SP3D2,
        ),
    ),
    Feature("aromatic", _NO_YES),
    Feature("in_ring", _NO_YES),
    # CIP labels, since RDKit's tags (@, @@) depend on the order of the atoms. "other" is a centre that has a tag and
    # no label, as in rings whose two halves differ in nothing but their orientation.
    Feature("chirality", ("", "R", "S")),
)
"""The columns of an atom's row, in order."""

BOND_FEATURES: tuple[Feature, ...] = (
    Feature(
        "type",
        (
            BondType.SINGLE,
            BondType.DOUBLE,
            BondType.TRIPLE,
            BondType.AROMATIC,
            BondType.DATIVE,
            BondType.QUADRUPLE,
            BondType.ZERO,
            BondType.HYDROGEN,
            BondType.UNSPECIFIED,
        ),
    ),
    Feature(
        "stereo",
        (
            BondStereo.STEREONONE,
            BondStereo.STEREOANY,
            BondStereo.STEREOZ,
            BondStereo.STEREOE,
            BondStereo.STEREOCIS,
            BondStereo.STEREOTRANS,
            BondStereo.STEREOATROPCW,
            BondStereo.STEREOATROPCCW,
        ),
    ),
    Feature("conjugated", _NO_YES),
    Feature("in_ring", _NO_YES),
)
"""The columns of a bond's row, in order."""

ATOM_FEATURE_SIZES: tuple[int, ...] = tuple(feature.size for feature in ATOM_FEATURES)
BOND_FEATURE_SIZES: tuple[int, ...] = tuple(feature.size for feature in BOND_FEATURES)


@dataclass(frozen=True, slots=True)
class Graphs:
    """Featurised molecules, one after the other.

    Shapes:
        atom_ptr, bond_ptr: (num_graphs + 1,) int64, the first atom and bond of each molecule, and their totals.
        atom_code: (num_atoms,) uint16, rows of `atom_table`.
        bonds: (num_bonds, 3) uint16, the two bonded atoms, counted from the first of their molecule, and the row of
            `bond_table`.
        atom_table: (num_distinct_atoms, 9) uint8, in the order in which they were first met; so is `bond_table`.
        bond_table: (num_distinct_bonds, 4) uint8.
    """

    atom_ptr: NDArray[np.int64]
    bond_ptr: NDArray[np.int64]
    atom_code: NDArray[np.uint16]
    bonds: NDArray[np.uint16]
    atom_table: NDArray[np.uint8]
    bond_table: NDArray[np.uint8]


def featurize(smiles: Sequence[str], *, mol_ids: Sequence[str]) -> Graphs:
    """Returns the graphs of molecules; every atom that is written in the SMILES is a node, in the written order.

    That holds for hydrogens too: `[H]` in a SMILES is a node, where RDKit would by default remove some. The SMILES of
    a mix write only those hydrogens that its build kept (isotopes, H2, bridging ones), and node labels count on it.

    Args:
        smiles: the molecules.
        mol_ids: their identities, for errors.

    Raises:
        StoreError: a molecule does not parse.
    """
    atom_table, bond_table = _Table(ATOM_FEATURES), _Table(BOND_FEATURES)
    atom_ptr, bond_ptr = [0], [0]
    atom_code: list[int] = []
    bonds: list[tuple[int, int, int]] = []
    with rdBase.BlockLogs():
        for mol in _parse(smiles, mol_ids):
            # By index: the iterators of GetAtoms and GetBonds cost more than the attributes.
            atom_code += [atom_table.number(_atom_values(mol.GetAtomWithIdx(i))) for i in range(mol.GetNumAtoms())]
            for i in range(mol.GetNumBonds()):
                bond = mol.GetBondWithIdx(i)
                code = bond_table.number(_bond_values(bond))
                bonds.append((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), code))
            atom_ptr.append(len(atom_code))
            bond_ptr.append(len(bonds))
    return Graphs(
        atom_ptr=np.array(atom_ptr, np.int64),
        bond_ptr=np.array(bond_ptr, np.int64),
        atom_code=np.array(atom_code, np.uint16),
        bonds=np.array(bonds, np.uint16).reshape(-1, 3),
        atom_table=atom_table.rows(),
        bond_table=bond_table.rows(),
    )


def _parse(smiles: Sequence[str], mol_ids: Sequence[str]) -> Iterator[Chem.Mol]:
    params = Chem.SmilesParserParams()
    params.removeHs = False
    for mol_id, text in zip(mol_ids, smiles, strict=True):
        mol = Chem.MolFromSmiles(text, params)
        if mol is None:
            raise StoreError(
                f"molecule {mol_id}",
                found=f"SMILES {text!r}, which RDKit {rdBase.rdkitVersion} does not parse ({explain_failure(text)})",
                fix="use the version of RDKit that the mix was built with (its manifest says which)",
            )
        yield mol


def _atom_values(atom: Chem.Atom) -> tuple[Hashable, ...]:
    return (
        atom.GetAtomicNum(),
        atom.GetDegree(),
        atom.GetFormalCharge(),
        atom.GetTotalNumHs(),
        atom.GetNumRadicalElectrons(),
        atom.GetHybridization(),
        atom.GetIsAromatic(),
        atom.IsInRing(),
        "" if atom.GetChiralTag() == ChiralType.CHI_UNSPECIFIED else _cip_label(atom),
    )


def _cip_label(atom: Chem.Atom) -> str:
    return str(atom.GetProp("_CIPCode")) if atom.HasProp("_CIPCode") else "unlabelled"


def _bond_values(bond: Chem.Bond) -> tuple[Hashable, ...]:
    return bond.GetBondType(), bond.GetStereo(), bond.GetIsConjugated(), bond.IsInRing()


class _Table:
    """Numbers distinct rows of codes in the order in which they come; the same values are looked up only once."""

    def __init__(self, features: tuple[Feature, ...]) -> None:
        self._features = features
        self._numbers: dict[tuple[Hashable, ...], int] = {}
        self._rows: dict[tuple[int, ...], int] = {}

    def number(self, values: tuple[Hashable, ...]) -> int:
        number = self._numbers.get(values)
        if number is None:
            row = tuple(feature.code(value) for feature, value in zip(self._features, values, strict=True))
            number = self._numbers[values] = self._rows.setdefault(row, len(self._rows))
        return number

    def rows(self) -> NDArray[np.uint8]:
        return np.array(list(self._rows), np.uint8).reshape(-1, len(self._features))
