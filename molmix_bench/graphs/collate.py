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
        num_nodes, num_bonds = _count(graphs.atom_ptr, graphs.bond_ptr, molecules)
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
        stored, atom_ptr = self._encodings, self._graphs.atom_ptr
        atom_encodings = np.empty((num_nodes, stored.atom_encodings.shape[1]), np.uint16)
        values = np.empty((num_nodes, stored.laplacian_values.shape[1]), np.uint16)
        # Half-precision numbers pass through the compiled loops as bits, since numba has no such type on a CPU.
        _gather_rows(atom_ptr, stored.atom_encodings.view(np.uint16), molecules, atom_encodings)
        components = (stored.component_ptr, stored.component, stored.laplacian_values.view(np.uint16))
        _gather_component_rows(atom_ptr, components, molecules, values)
        floats, num_steps = _to_float(atom_encodings), atom_encodings.shape[1] - values.shape[1]
        gathered = {
            RWSE: floats[:, :num_steps],
            LAPLACIAN_VECTORS: floats[:, num_steps:],
            LAPLACIAN_VALUES: _to_float(values),
        }
        return {name: encoding for name, encoding in gathered.items() if encoding.shape[1]}


def _to_float(halves: NDArray[np.uint16]) -> Tensor:
    return torch.from_numpy(halves.view(np.float16)).float()


@compiled
def _count(atom_ptr: Array, bond_ptr: Array, molecules: Array) -> tuple[int, int]:
    num_nodes = num_bonds = 0
    for molecule in molecules:
        if molecule < 0 or molecule >= len(atom_ptr) - 1:
            raise IndexError("no such molecule")
        num_nodes += atom_ptr[molecule + 1] - atom_ptr[molecule]
        num_bonds += bond_ptr[molecule + 1] - bond_ptr[molecule]
    return num_nodes, num_bonds


@compiled
def _gather_nodes(atom_ptr: Array, atom_code: Array, molecules: Array, out: tuple[Array, Array, Array]) -> None:
    ptr, batch, codes = out
    node = 0
    for graph, molecule in enumerate(molecules):
        ptr[graph] = node
        for atom in range(atom_ptr[molecule], atom_ptr[molecule + 1]):
            batch[node] = graph
            codes[node] = atom_code[atom]
            node += 1
    ptr[len(molecules)] = node


@compiled
def _gather_edges(bond_ptr: Array, bonds: Array, molecules: Array, out: tuple[Array, Array, Array]) -> None:
    ptr, edge_index, codes = out
    edge = 0
    for graph, molecule in enumerate(molecules):
        first = ptr[graph]
        for bond in range(bond_ptr[molecule], bond_ptr[molecule + 1]):
            one, other = first + bonds[bond, 0], first + bonds[bond, 1]
            edge_index[0, edge] = edge_index[1, edge + 1] = one
            edge_index[1, edge] = edge_index[0, edge + 1] = other
            codes[edge] = codes[edge + 1] = bonds[bond, 2]
            edge += 2


@compiled
def _gather_rows(atom_ptr: Array, source: Array, molecules: Array, out: Array) -> None:
    node = 0
    for molecule in molecules:
        for atom in range(atom_ptr[molecule], atom_ptr[molecule + 1]):
            for column in range(source.shape[1]):  # assigning rows is four times slower
                out[node, column] = source[atom, column]
            node += 1


@compiled
def _gather_component_rows(
    atom_ptr: Array, components: tuple[Array, Array, Array], molecules: Array, out: Array
) -> None:
    component_ptr, component, source = components
    node = 0
    for molecule in molecules:
        first = component_ptr[molecule]
        for atom in range(atom_ptr[molecule], atom_ptr[molecule + 1]):
            row = first + component[atom]
            for column in range(source.shape[1]):
                out[node, column] = source[row, column]
            node += 1
