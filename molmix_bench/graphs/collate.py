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

_FLOATS = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
"""Every half-precision number by its bits. Looking numbers up while copying them takes half the time that it takes to
copy first and convert then, since a batch is larger than a core's cache."""


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

    def num_nodes(self, molecules: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the number of atoms of some molecules, (n,)."""
        atom_ptr = self._graphs.atom_ptr
        return atom_ptr[molecules + 1] - atom_ptr[molecules]

    def _gather_encodings(self, molecules: NDArray[np.int64], num_nodes: int) -> dict[str, Tensor]:
        """Returns encodings as floats; numba has no half-precision numbers on a CPU, and takes them as bits."""
        stored, atom_ptr = self._encodings, self._graphs.atom_ptr
        num_values = stored.laplacian_values.shape[1]
        num_steps = stored.atom_encodings.shape[1] - num_values
        both = np.empty((num_nodes, num_steps + num_values), np.float32)
        values = np.empty((num_nodes, num_values), np.float32)
        if num_steps + num_values:
            _gather_rows(atom_ptr, stored.atom_encodings.view(np.uint16), molecules, both, _FLOATS)
        if num_values:
            components = (stored.component_ptr, stored.component, stored.laplacian_values.view(np.uint16))
            _gather_component_rows(atom_ptr, components, molecules, values, _FLOATS)
        gathered = {RWSE: both[:, :num_steps], LAPLACIAN_VECTORS: both[:, num_steps:], LAPLACIAN_VALUES: values}
        return {name: torch.from_numpy(encoding) for name, encoding in gathered.items() if encoding.shape[1]}


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
        ptr[graph] = node
        for atom in range(atom_ptr[molecule], atom_ptr[molecule + 1]):
            batch[node] = graph
            codes[node] = atom_code[atom]
            node += 1
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
def _gather_rows(ptr: Array, source: Array, molecules: Array, out: Array, floats: Array) -> None:
    """Copies the rows of some molecules, seen as one long row: a loop over columns would be half as fast."""
    width = source.shape[1]
    numbers, copies = source.reshape(-1), out.reshape(-1)
    at = 0
    for molecule in molecules:
        own = numbers[ptr[molecule] * width : ptr[molecule + 1] * width]
        copy = copies[at : at + len(own)]
        for index in range(len(own)):
            copy[index] = floats[own[index]]
        at += len(own)


@compiled
def _gather_component_rows(
    atom_ptr: Array, components: tuple[Array, Array, Array], molecules: Array, out: Array, floats: Array
) -> None:
    component_ptr, component, source = components
    width = source.shape[1]
    copies = out.reshape(-1)
    at = 0
    for molecule in molecules:
        first = component_ptr[molecule]
        end = at + width * (atom_ptr[molecule + 1] - atom_ptr[molecule])
        if component_ptr[molecule + 1] == first + 1:
            # Nearly every molecule: all atoms have the row of the first.
            for index in range(at, at + width):
                copies[index] = floats[source[first, index - at]]
            for index in range(at + width, end):
                copies[index] = copies[index - width]
        else:
            for index in range(at, end):
                atom = atom_ptr[molecule] + (index - at) // width
                copies[index] = floats[source[first + component[atom], (index - at) % width]]
        at = end
