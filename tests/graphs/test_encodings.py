"""Tests of encodings: by hand on tiny graphs, against powers of the matrix and the Laplacian's definition on others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import rdBase

from molmix_bench.graphs import encodings as module
from molmix_bench.graphs.encodings import Encodings, encode
from molmix_bench.graphs.parse import parse
from molmix_bench.specs.features import FeatureSpec
from tests.graphs.reference import adjacency, components, laplacian, of_smiles, random_walk
from tests.strategies import featurized

HALF = 1e-3
"""Half-precision numbers up to 2 are off by at most 2**-11 * 2."""


def _encode(*smiles, rwse=4, laplacian=3):
    return encode(of_smiles(*smiles), FeatureSpec(rwse=rwse, laplacian=laplacian))


def _walks(found):
    return found.atom_encodings[:, :4].tolist()


def _vectors(found):
    return found.atom_encodings[:, 4:]


def test_lone_atom():
    """A lone atom never returns, and has neither eigenvectors nor eigenvalues."""
    found = _encode("C")
    assert _walks(found) == [[0, 0, 0, 0]]
    assert _vectors(found).tolist() == [[0, 0, 0]]
    assert found.laplacian_values.tolist() == [[0, 0, 0]]
    assert (found.component.tolist(), found.component_ptr.tolist()) == ([0], [0, 1])


def test_two_atoms():
    """A walk between two atoms is back after every even number of steps; the one other eigenvalue is 2."""
    found = _encode("CC")
    assert _walks(found) == [[0, 1, 0, 1]] * 2
    root = float(np.float16(0.5**0.5))
    # Both entries are equally large, so the first atom's is positive.
    assert _vectors(found).tolist() == [[root, 0, 0], [-root, 0, 0]]
    assert found.laplacian_values.tolist() == [[2, 0, 0]]


def test_three_atoms():
    """A chain has the eigenvalues 0, 1, 2; the largest entry of the last eigenvector is that of the middle atom."""
    found = _encode("CCC")
    assert _walks(found) == [[0, 0.5, 0, 0.5], [0, 1, 0, 1], [0, 0.5, 0, 0.5]]
    root = 0.5**0.5
    assert found.laplacian_values.tolist() == pytest.approx(np.array([[1, 2, 0]]), abs=HALF)
    assert _vectors(found) == pytest.approx(np.array([[root, -0.5, 0], [0, root, 0], [-root, -0.5, 0]]), abs=HALF)


def test_ring():
    """In a triangle, half of the walks are back after 2 steps, a quarter after 3; the eigenvalues are 3/2 twice."""
    found = _encode("C1CC1")
    assert _walks(found) == [[0, 0.5, 0.25, 0.375]] * 3
    assert found.laplacian_values.tolist() == [[1.5, 1.5, 0]]


def test_large_molecule():
    """A chain of 1,200 atoms has the eigenvalues 1 - cos(pi j / 1199); far from its ends a walk is a binomial one."""
    found = _encode("C" * 1_200)
    expected = 1 - np.cos(np.pi * np.arange(1, 4) / 1_199)
    np.testing.assert_allclose(found.laplacian_values[0].astype(float), expected, atol=2**-25)  # half the least step
    assert _walks(found)[600] == [0, 0.5, 0, 0.375]


def test_components():
    """Each component is encoded by itself and counted within its molecule, also where its atoms are not adjacent."""
    found = _encode("C1.O.N1", "O", "[Na+].CC")
    assert found.component.tolist() == [0, 1, 0, 0, 0, 1, 1]
    assert found.component_ptr.tolist() == [0, 2, 3, 5]
    assert found.laplacian_values[:, 0].tolist() == [2, 0, 0, 0, 2]
    assert found.atom_encodings[:, 1].tolist() == [1, 0, 1, 0, 0, 1, 1]


def test_nothing_to_encode():
    """No molecules, molecules without atoms, and encodings of no columns give arrays of the right shapes."""
    found = encode(of_smiles(), FeatureSpec())
    assert (found.atom_encodings.shape, found.laplacian_values.shape, found.component_ptr.tolist()) == (
        (0, 24),
        (0, 8),
        [0],
    )
    assert _encode("", "C").component_ptr.tolist() == [0, 0, 1]
    without = _encode("CC", rwse=0, laplacian=0)
    assert (without.atom_encodings.shape, without.laplacian_values.shape) == ((2, 0), (1, 0))


def test_pieces_of_any_size_give_the_same(monkeypatch):
    """How many components are decomposed at once changes no bit."""
    smiles = ["CCO", "CCC", "C1CC1", "CCCC", "CC", "COC"]
    together = _encode(*smiles)
    monkeypatch.setattr(module, "_MAX_ENTRIES", 9)
    alone = _encode(*smiles)
    for name in ("atom_encodings", "laplacian_values"):
        assert getattr(together, name).tobytes() == getattr(alone, name).tobytes()


def test_no_negative_zeros():
    """Rounding leaves no negative zeros, which would make equal stores differ in bytes."""
    found = _encode("CCCCCC", "C1CCCC1C", "CC(C)(C)C", rwse=16, laplacian=8)
    for values in (found.atom_encodings, found.laplacian_values):
        assert not np.signbit(values[values == 0]).any()


def _check_against_definitions(graphs, spec):
    _compare_with_definitions(graphs, spec, encode(graphs, spec), tolerance=HALF)


def _compare_with_definitions(graphs, spec, found, *, tolerance):
    assert found.component_ptr[-1] == len(found.laplacian_values)
    for molecule in range(len(graphs.atom_ptr) - 1):
        first, last = graphs.atom_ptr[molecule], graphs.atom_ptr[molecule + 1]
        matrix = adjacency(graphs, molecule)
        walks, eigenvectors = np.split(found.atom_encodings[first:last].astype(float), [spec.rwse], axis=1)
        np.testing.assert_allclose(walks, random_walk(matrix, spec.rwse), atol=tolerance)
        parts = components(matrix)
        assert len(parts) == found.component_ptr[molecule + 1] - found.component_ptr[molecule]
        for number, members in enumerate(parts):
            assert set(found.component[first:last][members].tolist()) == {number}
            values = found.laplacian_values[found.component_ptr[molecule] + number].astype(float)
            part = matrix[np.ix_(members, members)]
            _check_eigenvectors(part, values, eigenvectors[members], tolerance=tolerance)


def _check_eigenvectors(matrix, values, vectors, *, tolerance):
    kept = min(len(values), len(matrix) - 1)
    assert not values[kept:].any()
    assert not vectors[:, kept:].any()
    if not kept:
        return
    operator = laplacian(matrix)
    np.testing.assert_allclose(values[:kept], np.linalg.eigvalsh(operator)[1 : kept + 1], atol=tolerance)
    kept_vectors = vectors[:, :kept]
    np.testing.assert_allclose(operator @ kept_vectors, kept_vectors * values[:kept], atol=3 * tolerance)
    np.testing.assert_allclose(kept_vectors.T @ kept_vectors, np.eye(kept), atol=3 * tolerance)
    largest = np.abs(kept_vectors).max(axis=0)
    assert (kept_vectors.max(axis=0) >= largest - tolerance - module._TIE).all()


@given(featurized(), st.integers(0, 9), st.integers(0, 9))
def test_any_graph_against_definitions(graphs, steps, count):
    """On any graphs, encodings are what matrix powers and the Laplacian's eigenvalue equation say."""
    _check_against_definitions(graphs, FeatureSpec(rwse=steps, laplacian=count))


def _rebuild(encodings):
    """Returns the Laplacian of the one molecule encoded (after 8 steps of walks) from all its eigenvectors."""
    vectors = encodings.atom_encodings[:, 8:].astype(float)
    values = encodings.laplacian_values[encodings.component].astype(float)
    together = encodings.component[:, None] == encodings.component[None, :]
    return (vectors * values) @ vectors.T * together


@given(featurized(max_graphs=1), st.randoms(use_true_random=False))
def test_encodings_follow_the_atoms(graphs, rng):
    """Renumbering atoms renumbers the walks, and the operator that all eigenvectors together make up.

    Single eigenvectors follow only up to sign, and within degenerate eigenspaces up to a rotation.
    """
    spec = FeatureSpec(rwse=8, laplacian=7)
    order = rng.sample(range(len(graphs.atom_code)), len(graphs.atom_code))
    place = np.argsort(np.array(order, np.int64)).astype(np.uint16)
    bonds = graphs.bonds.copy()
    bonds[:, :2] = place[bonds[:, :2]]
    one, other = encode(graphs, spec), encode(replace(graphs, bonds=bonds), spec)
    np.testing.assert_allclose(other.atom_encodings[:, :8], one.atom_encodings[order, :8], atol=HALF)
    np.testing.assert_allclose(_rebuild(other), _rebuild(one)[np.ix_(order, order)], atol=10 * HALF)


@pytest.mark.real_data
def test_real_molecules_against_definitions(raw_data):
    """On real molecules, the store's encodings are what the definitions say."""
    smiles = pl.read_csv(raw_data / "toymix/ZINC12k.csv.gz")["smiles"].to_list()[::40]
    _check_against_definitions(of_smiles(*smiles), FeatureSpec())


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["qm9", "Tox21-7k-12-labels", "ZINC12k"])
def test_all_of_toymix_before_rounding(raw_data, name):
    """On all real molecules of ToyMix, encodings are what the definitions say to 1e-6, before they are rounded."""
    smiles = pl.read_csv(raw_data / f"toymix/{name}.csv.gz", columns=["smiles"])["smiles"].to_list()
    with rdBase.BlockLogs():
        graphs = of_smiles(*(text for text in smiles if parse(text) is not None))
    encodings, values, parts = module._encode_unrounded(graphs, FeatureSpec())
    found = Encodings(encodings, values, parts.component, parts.component_ptr)
    _compare_with_definitions(graphs, FeatureSpec(), found, tolerance=1e-6)


def test_rounding_is_that_of_numpy():
    """Every half-precision number, the middle between any two, and what lies next to it are rounded as NumPy does."""
    halves = np.arange(0x7800, dtype=np.uint16).view(np.float16)
    exact = halves.astype(np.float32)
    middle = (exact[1:] + exact[:-1]) / 2
    numbers = np.concatenate(
        [exact, middle, np.nextafter(middle, np.float32(0)), np.nextafter(middle, np.float32(9e9))]
    )
    for some in (numbers, -numbers):
        expected = some.astype(np.float16) + np.float16(0)  # without negative zeros
        assert module._to_half(some).tobytes() == expected.tobytes()
