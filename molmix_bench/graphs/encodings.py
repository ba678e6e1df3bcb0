"""Positional and structural encodings of atoms: random-walk return probabilities and Laplacian eigenvectors.

Both follow from one eigendecomposition per connected component: S = D^-1/2 A D^-1/2 = V diag(s) V^T has the normalised
Laplacian's eigenvectors, whose eigenvalues are 1 - s, and since D^-1 A is similar to S through the diagonal D, their
powers have the same diagonals: diag((D^-1 A)^j)_i = sum_m V_im^2 s_m^j.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molmix_bench.graphs.compiled import compiled
from molmix_bench.graphs.featurize import Graphs
from molmix_bench.graphs.spectra import decompose
from molmix_bench.specs.features import FeatureSpec

_MAX_ENTRIES = 1 << 21
"""Matrix entries decomposed at once (16 MB each of matrices and eigenvectors); one component may exceed it alone."""
_TIE = 1e-6
"""Entries of a unit vector that differ by less count as equal: far above rounding, far below real differences."""

_LEAST_NORMAL = int(np.float32(2**-14).view(np.uint32))
"""Below it, half precision has steps of 2**-24."""

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Encodings:
    """Encodings of the atoms of some molecules; an encoding that is left out has zero columns.

    Shapes:
        atom_encodings: (num_atoms, rwse + laplacian) float16: the probabilities that a random walk is back after 1, 2,
            ... steps, then eigenvectors by increasing eigenvalue, 0 where there are too few. They are one array, since
            loaders read both together and each molecule's from another place.
        laplacian_values: (num_components, laplacian) float16.
        component: (num_atoms,) uint16, number of the atom's component in its molecule, by order of first atoms.
        component_ptr: (num_graphs + 1,) int64, the first component of each molecule, and the total.
    """

    atom_encodings: NDArray[np.float16]
    laplacian_values: NDArray[np.float16]
    component: NDArray[np.uint16]
    component_ptr: NDArray[np.int64]


def encode(graphs: Graphs, features: FeatureSpec) -> Encodings:
    """Returns the encodings of some molecules, each connected component by itself.

    The random walk is that of Dwivedi et al., "Graph Neural Networks with Learnable Structural and Positional
    Representations" (ICLR 2022); a lone atom never returns: 0. Of the symmetric normalised Laplacian, the eigenvector
    of eigenvalue 0 is left out and the next k are taken; a lone atom has none.

    An eigenvector's sign is arbitrary: the one is stored that makes its largest entry positive, and where several are
    largest, that of the first atom among them. The basis of a degenerate eigenspace is arbitrary too, and stays as
    `spectra.decompose` gives it.
    """
    atom_encodings, values, parts = _encode_unrounded(graphs, features)
    return Encodings(_to_half(atom_encodings), _to_half(values), parts.component, parts.component_ptr)


def _encode_unrounded(
    graphs: Graphs, features: FeatureSpec
) -> tuple[NDArray[np.float32], NDArray[np.float32], _Components]:
    parts = _find_components(graphs)
    atom_encodings = np.zeros((len(graphs.atom_code), features.rwse + features.laplacian), np.float32)
    walks, vectors = np.split(atom_encodings, [features.rwse], axis=1)
    values = np.zeros((len(parts.sizes), features.laplacian), np.float32)
    for components, matrices in _by_size(parts):
        spectrum, basis = decompose(matrices)
        _write_walks(spectrum, basis, (parts.atoms, parts.atom_start[components]), walks)
        _write_vectors(basis, (parts.atoms, parts.atom_start[components]), vectors)
        kept = min(features.laplacian, matrices.shape[1] - 1)
        values[components, :kept] = 1 - spectrum[:, -2 : -2 - kept : -1]
    return atom_encodings, values, parts


@dataclass(frozen=True, slots=True)
class _Components:
    """The connected components of all molecules, numbered through in the order of their first atoms.

    Shapes:
        sizes: (num_components,), atoms of each.
        atoms: (num_atoms,), the atoms of one component after the other, increasing in each.
        atom_start: (num_components,), where the atoms of each begin.
        ends: (num_bonds, 2), the bonds of one component after the other; atoms counted within the component.
        bond_start: (num_components + 1,), where the bonds of each begin, and their number.
        component, component_ptr: as in `Encodings`.
    """

    sizes: NDArray[np.int64]
    atoms: NDArray[np.int64]
    atom_start: NDArray[np.int64]
    ends: NDArray[np.int64]
    bond_start: NDArray[np.int64]
    component: NDArray[np.uint16]
    component_ptr: NDArray[np.int64]


def _find_components(graphs: Graphs) -> _Components:
    label, component_ptr = _label_components(graphs.atom_ptr, graphs.bond_ptr, graphs.bonds)
    count = int(component_ptr[-1])
    sizes = np.bincount(label, minlength=count)
    atoms, atom_start = np.argsort(label, kind="stable"), np.cumsum(sizes) - sizes
    place = np.empty_like(atoms)
    place[atoms] = np.arange(len(atoms)) - np.repeat(atom_start, sizes)
    ends = graphs.bonds[:, :2] + np.repeat(graphs.atom_ptr[:-1], np.diff(graphs.bond_ptr))[:, None]
    bond_label = label[ends[:, 0]]
    bond_start = np.concatenate([[0], np.cumsum(np.bincount(bond_label, minlength=count))])
    return _Components(
        sizes=sizes,
        atoms=atoms,
        atom_start=atom_start,
        ends=place[ends[np.argsort(bond_label, kind="stable")]],
        bond_start=bond_start,
        component=(label - np.repeat(component_ptr[:-1], np.diff(graphs.atom_ptr))).astype(np.uint16),
        component_ptr=component_ptr,
    )


def _by_size(parts: _Components) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Yields components of equal size together, since equal matrices are decomposed at once.

    Yields:
        Numbers of components (m,), and D^-1/2 A D^-1/2 of each (m, n, n), rows in the order of its atoms. Lone atoms
        are left out: all that is said of them is 0.
    """
    for size in np.unique(parts.sizes[parts.sizes > 1]):
        alike = np.flatnonzero(parts.sizes == size)
        step = max(1, _MAX_ENTRIES // int(size) ** 2)
        for components in np.split(alike, range(step, len(alike), step)):
            matrices = np.zeros((len(components), size, size))
            _fill_matrices(components, parts.bond_start, parts.ends, matrices)
            yield components, matrices


@compiled
def _label_components(atom_ptr: Array, bond_ptr: Array, bonds: Array) -> tuple[Array, Array]:
    """Returns the component of each atom, numbered through by first atoms, and the first component of each molecule."""
    parent, label = np.arange(atom_ptr[-1]), np.empty(atom_ptr[-1], np.int64)
    component_ptr = np.zeros(len(atom_ptr), np.int64)
    count = 0
    for graph in range(len(atom_ptr) - 1):
        first = atom_ptr[graph]
        for bond in range(bond_ptr[graph], bond_ptr[graph + 1]):
            one, other = _find_root(parent, first + bonds[bond, 0]), _find_root(parent, first + bonds[bond, 1])
            parent[max(one, other)] = min(one, other)
        for atom in range(first, atom_ptr[graph + 1]):
            root = _find_root(parent, atom)
            if root == atom:
                label[atom] = count
                count += 1
            else:
                label[atom] = label[root]  # a root is the first atom of its component
        component_ptr[graph + 1] = count
    return label, component_ptr


@compiled
def _find_root(parent: Array, atom: int) -> int:
    while parent[atom] != atom:
        parent[atom] = parent[parent[atom]]
        atom = parent[atom]
    return atom


@compiled
def _fill_matrices(components: Array, bond_start: Array, ends: Array, matrices: Array) -> None:
    degree = np.empty(matrices.shape[1])
    for row, component in enumerate(components):
        degree[:] = 0.0
        for bond in range(bond_start[component], bond_start[component + 1]):
            degree[ends[bond, 0]] += 1.0
            degree[ends[bond, 1]] += 1.0
        for bond in range(bond_start[component], bond_start[component + 1]):
            one, other = ends[bond, 0], ends[bond, 1]
            matrices[row, one, other] = matrices[row, other, one] = 1.0 / np.sqrt(degree[one] * degree[other])


@compiled
def _write_walks(spectrum: Array, basis: Array, atoms: tuple[Array, Array], walks: Array) -> None:
    count, size = spectrum.shape
    steps = walks.shape[1]
    powers, total = np.empty((size, steps)), np.empty(steps)
    for row in range(count):
        for index in range(size):
            power = 1.0
            for step in range(steps):
                power *= spectrum[row, index]
                powers[index, step] = power
        for place in range(size):
            total[:] = 0.0
            for index in range(size):
                weight = basis[row, place, index] ** 2
                for step in range(steps):
                    total[step] += weight * powers[index, step]
            walks[atoms[0][atoms[1][row] + place]] = total


@compiled
def _write_vectors(basis: Array, atoms: tuple[Array, Array], vectors: Array) -> None:
    count, size, _ = basis.shape
    for row in range(count):
        for rank in range(min(vectors.shape[1], size - 1)):
            column = basis[row, :, size - 2 - rank]  # by decreasing eigenvalue of S, the first left out
            largest = np.abs(column).max()
            first = 0
            while abs(column[first]) < largest - _TIE:
                first += 1
            sign = 1.0 if column[first] > 0.0 else -1.0
            for place in range(size):
                vectors[atoms[0][atoms[1][row] + place], rank] = sign * column[place]


def _to_half(values: NDArray[np.float32]) -> NDArray[np.float16]:
    halves = np.empty(values.shape, np.uint16)
    _round_to_half(values.ravel(), values.ravel().view(np.uint32), halves.ravel())
    return halves.view(np.float16)


@compiled
def _round_to_half(values: Array, bits: Array, halves: Array) -> None:
    """Rounds numbers below 65,504 to half precision, ties to even; NumPy's own conversion takes ten times as long.

    What rounds to 0 is 0, not the negative zero that tiny negative numbers would be.
    """
    for index in range(len(values)):
        magnitude = np.int64(bits[index]) & 0x7FFFFFFF
        if magnitude < _LEAST_NORMAL:
            half = np.int64(np.rint(abs(values[index]) * 2.0**24))
        else:  # half of a last digit is added, and the exponent's offset changed from 127 to 15
            half = (magnitude + 0xFFF + (magnitude >> 13 & 1) - (112 << 23)) >> 13
        halves[index] = half | (np.int64(bits[index]) >> 16 & 0x8000 if half else 0)
