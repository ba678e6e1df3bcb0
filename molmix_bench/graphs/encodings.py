"""Positional and structural encodings of atoms: random-walk return probabilities and Laplacian eigenvectors.

Both follow from one eigendecomposition per connected component: S = D^-1/2 A D^-1/2 = V diag(s) V^T has the normalised
Laplacian's eigenvectors, whose eigenvalues are 1 - s, and since D^-1 A is similar to S through the diagonal D, their
powers have the same diagonals: diag((D^-1 A)^j)_i = sum_m V_im^2 s_m^j.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from molmix_bench.graphs.featurize import Graphs
from molmix_bench.specs.features import FeatureSpec

_MAX_ENTRIES = 1 << 21
"""Matrix entries decomposed at once (16 MB each of adjacency and eigenvectors); one component may exceed it alone."""
_TIE = 1e-6
"""Entries of a unit vector that differ by less count as equal: far above rounding, far below real differences."""


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
    LAPACK gives it.
    """
    num_atoms = len(graphs.atom_code)
    parts = _find_components(graphs)
    atom_encodings = np.zeros((num_atoms, features.rwse + features.laplacian), np.float32)
    rwse, vectors = np.split(atom_encodings, [features.rwse], axis=1)
    values = np.zeros((len(parts.sizes), features.laplacian), np.float32)
    for components, atoms, adjacency in _by_size(parts):
        spectrum, basis = _decompose(adjacency)
        powers = np.cumprod(np.broadcast_to(spectrum[:, :, None], (*spectrum.shape, features.rwse)), axis=2)
        rwse[atoms] = basis**2 @ powers
        kept = min(features.laplacian, adjacency.shape[1] - 1)
        nontrivial = slice(-2, -2 - kept, -1)
        values[components, :kept] = 1 - spectrum[:, nontrivial]
        vectors[atoms, :kept] = _fix_signs(basis[:, :, nontrivial])
    return Encodings(_to_half(atom_encodings), _to_half(values), parts.component, parts.component_ptr)


def _to_half(values: NDArray[np.float32]) -> NDArray[np.float16]:
    # Adding 0 turns the negative zeros that tiny negative numbers round to into zeros.
    return values.astype(np.float16) + np.float16(0)


def _decompose(adjacency: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns eigenvalues, increasing, and eigenvectors (as columns) of D^-1/2 A D^-1/2 for a stack of A."""
    scale = adjacency.sum(axis=2) ** -0.5
    spectrum, basis = np.linalg.eigh(scale[:, :, None] * adjacency * scale[:, None, :])
    return spectrum, basis


def _fix_signs(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns eigenvectors, (m, n, k) with the entries along n, in the sign that `encode` states."""
    magnitudes = np.abs(vectors)
    is_largest = magnitudes >= magnitudes.max(axis=1, keepdims=True) - _TIE
    first = is_largest.argmax(axis=1)
    return vectors * np.sign(np.take_along_axis(vectors, first[:, None, :], axis=1))


@dataclass(frozen=True, slots=True)
class _Components:
    """The connected components of all molecules, numbered through in the order of their first atoms.

    Shapes:
        label: (num_atoms,), the component of each atom.
        sizes: (num_components,), atoms of each.
        ends: (num_bonds, 2), bonded atoms, counted over all molecules.
        component, component_ptr: as in `Encodings`.
    """

    label: NDArray[np.int64]
    sizes: NDArray[np.int64]
    ends: NDArray[np.int64]
    component: NDArray[np.uint16]
    component_ptr: NDArray[np.int64]


def _find_components(graphs: Graphs) -> _Components:
    num_atoms = len(graphs.atom_code)
    ends = graphs.bonds[:, :2] + np.repeat(graphs.atom_ptr[:-1], np.diff(graphs.bond_ptr))[:, None]
    bonds = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(num_atoms, num_atoms))
    count, found = connected_components(bonds, directed=False) if num_atoms else (0, np.zeros(0, np.int64))
    first = np.unique(found, return_index=True)[1]
    # SciPy numbers components in an order it does not promise; renumber them by their first atoms.
    label = np.argsort(np.argsort(first))[found]
    first.sort()
    component_ptr = np.searchsorted(first, graphs.atom_ptr)
    before = np.repeat(component_ptr[:-1], np.diff(graphs.atom_ptr))
    return _Components(
        label=label,
        sizes=np.bincount(label, minlength=count),
        ends=ends,
        component=(label - before).astype(np.uint16),
        component_ptr=component_ptr,
    )


def _by_size(parts: _Components) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Yields components of equal size together, since a stack of equal matrices is decomposed in one call.

    Yields:
        Numbers of components (m,), their atoms (m, n) in increasing order, and adjacency matrices (m, n, n). Lone atoms
        are left out: all that is said of them is 0.
    """
    start = np.cumsum(parts.sizes) - parts.sizes
    order = np.argsort(parts.label, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order)) - start[parts.label[order]]
    bond_label = parts.label[parts.ends[:, 0]]
    bond_order = np.argsort(bond_label, kind="stable")
    bond_ptr = np.concatenate([[0], np.cumsum(np.bincount(bond_label, minlength=len(parts.sizes)))])
    for size in np.unique(parts.sizes[parts.sizes > 1]):
        alike = np.flatnonzero(parts.sizes == size)
        step = max(1, _MAX_ENTRIES // int(size) ** 2)
        for components in np.split(alike, range(step, len(alike), step)):
            adjacency = np.zeros((len(components), size, size))
            for row, component in enumerate(components):
                bonds = bond_order[bond_ptr[component] : bond_ptr[component + 1]]
                one, other = place[parts.ends[bonds]].T
                adjacency[row, one, other] = adjacency[row, other, one] = 1
            yield components, order[start[components][:, None] + np.arange(size)], adjacency
