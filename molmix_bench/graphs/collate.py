"""Gathering molecules of a store into one batch: two passes in machine code, sizes first, then everything else."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molmix_bench.graphs.batch import Batch
from molmix_bench.graphs.compiled import compiled
from molmix_bench.graphs.encodings import Encodings
from molmix_bench.graphs.featurize import Graphs
from molmix_bench.vocab import LAPLACIAN_VALUES, LAPLACIAN_VECTORS, RWSE

Array = NDArray[Any]


class Collator:
    """Makes batches of molecules.

    Args:
        graphs: the molecules to choose from.
        encodings: theirs; those of zero columns are left out of batches.
    """

    def __init__(self, graphs: Graphs, encodings: Encodings) -> None:
        self._graphs = graphs
        self._encodings = encodings
        # Copied: they are small, and torch knows no read-only tensors.
        self._atom_table = torch.from_numpy(graphs.atom_table.copy())
        self._bond_table = torch.from_numpy(graphs.bond_table.copy())

    def __call__(self, molecules: NDArray[np.int64]) -> Batch:
        """Returns a batch of some molecules, in the order given, without labels.

        Raises:
            IndexError: a number is negative, or not below the number of molecules.
        """
        graphs = self._graphs
        _check(len(graphs.atom_ptr) - 1, molecules)
        num_nodes, num_bonds = _count(graphs.atom_ptr, molecules), _count(graphs.bond_ptr, molecules)
        ptr = np.empty(len(molecules) + 1, np.int64)
        batch = np.empty(num_nodes, np.int64)
        atom_code = np.empty(num_nodes, np.int64)
        bond_code = np.empty(2 * num_bonds, np.int64)
        edge_index = np.empty((2, 2 * num_bonds), np.int64)
        _gather_nodes(graphs.atom_ptr, graphs.atom_code, molecules, (ptr, batch, atom_code))
        _gather_edges(graphs.bond_ptr, graphs.bonds, molecules, (ptr, edge_index, bond_code))
        return Batch(
            atom_code=torch.from_numpy(atom_code),
            bond_code=torch.from_numpy(bond_code),
            atom_table=self._atom_table,
            bond_table=self._bond_table,
            edge_index=torch.from_numpy(edge_index),
            batch=torch.from_numpy(batch),
            ptr=torch.from_numpy(ptr),
            molecules=torch.from_numpy(molecules),
            encodings=self._gather_encodings(molecules, num_nodes),
        )

    def _gather_encodings(self, molecules: NDArray[np.int64], num_nodes: int) -> dict[str, Tensor]:
        """Returns encodings as floats.

        Half-precision numbers pass through the compiled loops as bits, since numba has no such type on a CPU.
        """
        stored, atom_ptr = self._encodings, self._graphs.atom_ptr
        num_values = stored.laplacian_values.shape[1]
        num_steps = stored.atom_encodings.shape[1] - num_values
        gathered = {}
        if num_steps + num_values:
            halves = np.empty((num_nodes, num_steps + num_values), np.uint16)
            _gather_rows(atom_ptr, stored.atom_encodings.view(np.uint16), molecules, halves)
            floats = _to_float(halves)
            gathered |= {RWSE: floats[:, :num_steps], LAPLACIAN_VECTORS: floats[:, num_steps:]}
        if num_values:
            # Converted before they are repeated for every atom, not after.
            halves = np.empty((_count(stored.component_ptr, molecules), num_values), np.uint16)
            _gather_rows(stored.component_ptr, stored.laplacian_values.view(np.uint16), molecules, halves)
            values = np.empty((num_nodes, num_values), np.float32)
            _repeat_rows(
                atom_ptr, (stored.component_ptr, stored.component, _to_float(halves).numpy()), molecules, values
            )
            gathered[LAPLACIAN_VALUES] = torch.from_numpy(values)
        return {name: encoding for name, encoding in gathered.items() if encoding.shape[1]}


def _to_float(halves: NDArray[np.uint16]) -> Tensor:
    return torch.from_numpy(halves.view(np.float16)).float()


@compiled
def _check(num_molecules: int, molecules: Array) -> None:
    for molecule in molecules:
        if molecule < 0 or molecule >= num_molecules:
            raise IndexError("no such molecule")


@compiled
def _count(ptr: Array, molecules: Array) -> Any:
    count = 0
    for molecule in molecules:
        count += ptr[molecule + 1] - ptr[molecule]
    return count


@compiled
def _gather_nodes(atom_ptr: Array, atom_code: Array, molecules: Array, out: tuple[Array, Array, Array]) -> None:
    ptr, batch, codes = out
    node = 0
    for graph, molecule in enumerate(molecules):
        own = atom_code[atom_ptr[molecule] : atom_ptr[molecule + 1]]
        ptr[graph] = node
        batch[node : node + len(own)] = graph
        codes[node : node + len(own)] = own
        node += len(own)
    ptr[len(molecules)] = node


@compiled
def _gather_edges(bond_ptr: Array, bonds: Array, molecules: Array, out: tuple[Array, Array, Array]) -> None:
    ptr, edge_index, codes = out
    sources, targets = edge_index[0], edge_index[1]
    edge = 0
    for graph, molecule in enumerate(molecules):
        first = ptr[graph]
        for bond in range(bond_ptr[molecule], bond_ptr[molecule + 1]):
            one, other = first + bonds[bond, 0], first + bonds[bond, 1]
            sources[edge] = targets[edge + 1] = one
            targets[edge] = sources[edge + 1] = other
            codes[edge] = codes[edge + 1] = bonds[bond, 2]
            edge += 2


@compiled
def _gather_rows(ptr: Array, source: Array, molecules: Array, out: Array) -> None:
    """Copies the rows of some molecules, seen as one long row: a loop over columns would be half as fast."""
    width = source.shape[1]
    numbers, copies = source.reshape(-1), out.reshape(-1)
    at = 0
    for molecule in molecules:
        own = numbers[ptr[molecule] * width : ptr[molecule + 1] * width]
        copies[at : at + len(own)] = own
        at += len(own)


@compiled
def _repeat_rows(atom_ptr: Array, components: tuple[Array, Array, Array], molecules: Array, out: Array) -> None:
    """Writes to every atom the row of its component; the components are those of the molecules, one after the other."""
    component_ptr, component, rows = components
    first = node = 0
    for molecule in molecules:
        for atom in range(atom_ptr[molecule], atom_ptr[molecule + 1]):
            own = rows[first + component[atom]]
            for column in range(len(own)):
                out[node, column] = own[column]
            node += 1
        first += component_ptr[molecule + 1] - component_ptr[molecule]
