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
from molmix_bench.graphs.prefetch import prefetch_rows
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
        self._bonds = np.ascontiguousarray(graphs.bonds)
        self._num_values = encodings.laplacian_values.shape[1]
        self._num_steps = encodings.atom_encodings.shape[1] - self._num_values
        self._atom_bits = encodings.atom_encodings.view(np.uint16)
        self._components = (
            encodings.component_ptr,
            encodings.component,
            encodings.laplacian_values.view(np.uint16),
        )
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
        edge_index = np.empty((2, 2 * num_bonds), np.int64)
        # What a batch holds is more than a core's own cache does, so that its bytes are what a loader's time goes into.
        atom_code = np.empty(num_nodes, np.int32)
        bond_code = np.empty(2 * num_bonds, np.int32)
        _gather_nodes(graphs.atom_ptr, graphs.atom_code, molecules, ptr, batch, atom_code)
        _gather_edges(graphs.bond_ptr, self._bonds, molecules, ptr, edge_index, bond_code)
        return Batch(
            atom_code=torch.from_numpy(atom_code),
            bond_code=torch.from_numpy(bond_code),
            atom_table=self._atom_table,
            bond_table=self._bond_table,
            edge_index=torch.from_numpy(edge_index),
            batch=torch.from_numpy(batch),
            ptr=torch.from_numpy(ptr),
            molecules=torch.from_numpy(molecules),
            half_encodings=self._gather_encodings(molecules, num_nodes),
        )

    def num_nodes(self, molecules: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the number of atoms of some molecules, (n,)."""
        atom_ptr = self._graphs.atom_ptr
        return atom_ptr[molecules + 1] - atom_ptr[molecules]

    def _gather_encodings(self, molecules: NDArray[np.int64], num_nodes: int) -> dict[str, Tensor]:
        """Returns encodings as they are stored. Numba has no half-precision numbers on a CPU: it copies their bits."""
        atom_ptr, num_steps, num_values = self._graphs.atom_ptr, self._num_steps, self._num_values
        both = np.empty((num_nodes, num_steps + num_values), np.uint16)
        values = np.empty((num_nodes, num_values), np.uint16)
        if num_steps + num_values:
            _gather_rows(atom_ptr, self._atom_bits, molecules, both)
        if num_values:
            _gather_component_rows(atom_ptr, *self._components, molecules, values)
        halves = torch.from_numpy(both.view(np.float16))
        gathered = {}
        if num_steps:
            gathered[RWSE] = halves[:, :num_steps]
        if num_values:
            gathered[LAPLACIAN_VECTORS] = halves[:, num_steps:]
            gathered[LAPLACIAN_VALUES] = torch.from_numpy(values.view(np.float16))
        return gathered


@compiled
def _count(atom_ptr: Array, bond_ptr: Array, molecules: Array) -> tuple[int, int]:
    """Returns the numbers of atoms and of bonds, when all molecules are known to be there."""
    num_molecules = len(atom_ptr) - 1
    num_nodes = num_bonds = 0
    for molecule in molecules:
        if molecule < 0 or molecule >= num_molecules:
            raise IndexError("no such molecule")
        num_nodes += atom_ptr[molecule + 1] - atom_ptr[molecule]
        num_bonds += bond_ptr[molecule + 1] - bond_ptr[molecule]
    return num_nodes, num_bonds


@compiled
def _gather_nodes(atom_ptr: Array, atom_code: Array, molecules: Array, ptr: Array, batch: Array, codes: Array) -> None:
    node = 0
    for graph, molecule in enumerate(molecules):
        prefetch_rows(atom_ptr, atom_code, 1, molecules, graph)
        ptr[graph] = node
        own = atom_code[atom_ptr[molecule] : atom_ptr[molecule + 1]]
        end = node + len(own)
        batch[node:end] = graph
        copy = codes[node:end]
        for index in range(len(own)):
            copy[index] = own[index]
        node = end
    ptr[len(molecules)] = node


@compiled
def _gather_edges(bond_ptr: Array, bonds: Array, molecules: Array, ptr: Array, edge_index: Array, codes: Array) -> None:
    sources, targets = edge_index[0], edge_index[1]
    numbers = bonds.reshape(-1)
    edge = 0
    for graph, molecule in enumerate(molecules):
        prefetch_rows(bond_ptr, numbers, bonds.shape[1], molecules, graph)
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
    for graph, molecule in enumerate(molecules):
        prefetch_rows(ptr, numbers, width, molecules, graph)
        own = numbers[ptr[molecule] * width : ptr[molecule + 1] * width]
        copy = copies[at : at + len(own)]
        for index in range(len(own)):
            copy[index] = own[index]
        at += len(own)


@compiled
def _gather_component_rows(
    atom_ptr: Array, component_ptr: Array, component: Array, source: Array, molecules: Array, out: Array
) -> None:
    width = source.shape[1]
    numbers, copies = source.reshape(-1), out.reshape(-1)
    at = 0
    for graph, molecule in enumerate(molecules):
        prefetch_rows(component_ptr, numbers, width, molecules, graph)
        first = component_ptr[molecule]
        end = at + width * (atom_ptr[molecule + 1] - atom_ptr[molecule])
        copy = copies[at:end]
        if component_ptr[molecule + 1] == first + 1:
            # Nearly every molecule: all atoms have one row. What is there is copied until there is enough.
            copy[:width] = source[first]
            done = width
            while done < len(copy):
                before, after = copy[: len(copy) - done], copy[done : 2 * done]
                for index in range(len(after)):
                    after[index] = before[index]
                done *= 2
        else:
            for index in range(len(copy)):
                atom = atom_ptr[molecule] + index // width
                copy[index] = source[first + component[atom], index % width]
        at = end
