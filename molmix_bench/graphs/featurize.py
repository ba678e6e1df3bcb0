"""SMILES to graphs: atom and bond codes, as `features` lists them.

A molecule has few distinct atoms and bonds (ZINC: 208 and 17), so each distinct row of codes is kept once, in a table,
and atoms and bonds are row numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import rdBase

from molmix_bench.chem.molecule import explain_failure
from molmix_bench.errors import StoreError
from molmix_bench.graphs.attributes import AttributeReader
from molmix_bench.graphs.binary import BinaryReader, is_known
from molmix_bench.graphs.features import (
    ATOM_FEATURE_SIZES,
    ATOM_FEATURES,
    BOND_FEATURE_SIZES,
    BOND_FEATURES,
    Feature,
)
from molmix_bench.graphs.parse import parse, parse_quickly

__all__ = [
    "ATOM_FEATURES",
    "ATOM_FEATURE_SIZES",
    "BOND_FEATURES",
    "BOND_FEATURE_SIZES",
    "FEATURIZER_VERSION",
    "Feature",
    "Graphs",
    "featurize",
]

FEATURIZER_VERSION = "2"
"""Part of every store's key: raise it with any change to the codes here or to the numbers in `encodings`."""


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
    # A SMILES has no more atoms than letters, and no more bonds, since a ring takes two digits.
    quick = is_known()
    reader = BinaryReader(sum(map(len, smiles))) if quick else AttributeReader()
    parse_one = parse_quickly if quick else parse
    with rdBase.BlockLogs():
        for mol_id, text in zip(mol_ids, smiles, strict=True):
            mol = parse_one(text)
            if mol is None:
                raise _explain(mol_id, text)
            reader.add(mol)
            del mol  # RDKit is quicker where it can put the next molecule into the memory of this one
    rows = reader.rows()
    atom_table, atom_code = _number(rows.atoms, ATOM_FEATURE_SIZES)
    bond_table, bond_code = _number(rows.bonds, BOND_FEATURE_SIZES)
    return Graphs(
        atom_ptr=np.concatenate([[0], np.cumsum(rows.num_atoms)]),
        bond_ptr=np.concatenate([[0], np.cumsum(rows.num_bonds)]),
        atom_code=atom_code,
        bonds=np.column_stack([rows.ends, bond_code]),
        atom_table=atom_table,
        bond_table=bond_table,
    )


def _explain(mol_id: str, smiles: str) -> StoreError:
    return StoreError(
        f"molecule {mol_id}",
        found=f"SMILES {smiles!r}, which RDKit {rdBase.rdkitVersion} does not parse ({explain_failure(smiles)})",
        fix="use the version of RDKit that the mix was built with (its manifest says which)",
    )


def _number(rows: NDArray[np.uint8], sizes: tuple[int, ...]) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Returns the distinct rows in the order in which they were first met, and the number of each row."""
    # One number for each row, its codes as digits.
    weights = np.cumprod([1, *sizes[:0:-1]])[::-1]
    first, inverse = np.unique(rows @ weights, return_index=True, return_inverse=True)[1:]
    rank = np.argsort(np.argsort(first))
    return rows[np.sort(first)], rank[inverse].astype(np.uint16)
