"""Atom and bond codes by asking RDKit for every attribute of every atom and bond: slow, and what the codes mean.

`binary` reads the same from what RDKit writes of a molecule at once, which it is held against.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem.rdchem import ChiralType

from molmix_bench.graphs.features import ATOM_FEATURES, BOND_FEATURES, Feature


@dataclass(frozen=True, slots=True)
class Rows:
    """Atoms and bonds of some molecules, one after the other.

    Shapes:
        num_atoms, num_bonds: (num_graphs,) int64, of each molecule.
        atoms: (num_atoms, 9) uint8, codes of `ATOM_FEATURES`.
        bonds: (num_bonds, 4) uint8, codes of `BOND_FEATURES`.
        ends: (num_bonds, 2) uint16, the bonded atoms, counted from the first of their molecule.
    """

    num_atoms: NDArray[np.int64]
    num_bonds: NDArray[np.int64]
    atoms: NDArray[np.uint8]
    bonds: NDArray[np.uint8]
    ends: NDArray[np.uint16]


class AttributeReader:
    """Reads molecules one after the other; atoms and bonds stay in RDKit's order."""

    def __init__(self) -> None:
        self._sizes: list[tuple[int, int]] = []
        self._atoms: list[tuple[int, ...]] = []
        self._bonds: list[tuple[int, ...]] = []
        self._ends: list[tuple[int, int]] = []
        self._known: dict[tuple[Hashable, ...], tuple[int, ...]] = {}

    def add(self, mol: Chem.Mol) -> None:
        """Reads one more molecule."""
        self._sizes.append((mol.GetNumAtoms(), mol.GetNumBonds()))
        # By index: the iterators of GetAtoms and GetBonds cost more than the attributes.
        for index in range(mol.GetNumAtoms()):
            self._atoms.append(self._encode(_atom_values(mol.GetAtomWithIdx(index)), ATOM_FEATURES))
        for index in range(mol.GetNumBonds()):
            bond = mol.GetBondWithIdx(index)
            self._bonds.append(self._encode(_bond_values(bond), BOND_FEATURES))
            self._ends.append((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))

    def rows(self) -> Rows:
        """Returns everything read so far."""
        sizes = np.array(self._sizes, np.int64).reshape(-1, 2)
        return Rows(
            num_atoms=sizes[:, 0],
            num_bonds=sizes[:, 1],
            atoms=np.array(self._atoms, np.uint8).reshape(-1, len(ATOM_FEATURES)),
            bonds=np.array(self._bonds, np.uint8).reshape(-1, len(BOND_FEATURES)),
            ends=np.array(self._ends, np.uint16).reshape(-1, 2),
        )

    def _encode(self, values: tuple[Hashable, ...], features: tuple[Feature, ...]) -> tuple[int, ...]:
        codes = self._known.get(values)
        if codes is None:
            codes = tuple(feature.code(value) for feature, value in zip(features, values, strict=True))
            self._known[values] = codes
        return codes


def cip_label(atom: Chem.Atom) -> str:
    """Returns the CIP label of an atom that has a chiral tag: R, S, or "unlabelled" where RDKit gives it none."""
    return str(atom.GetProp("_CIPCode")) if atom.HasProp("_CIPCode") else "unlabelled"


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
        "" if atom.GetChiralTag() == ChiralType.CHI_UNSPECIFIED else cip_label(atom),
    )


def _bond_values(bond: Chem.Bond) -> tuple[Hashable, ...]:
    return bond.GetBondType(), bond.GetStereo(), bond.GetIsConjugated(), bond.IsInRing()
