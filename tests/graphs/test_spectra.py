"""Tests of eigenvalues and eigenvectors: by hand, against LAPACK, and against what they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from molmix_bench.graphs import spectra
from molmix_bench.graphs.spectra import MAX_SIZE, decompose
from tests.strategies import symmetric_matrices


def _check(matrices):
    values, vectors = decompose(matrices)
    scale = max(1e-300, np.abs(matrices).max(initial=0))
    np.testing.assert_allclose(values / scale, np.linalg.eigvalsh(matrices) / scale, atol=1e-13)
    np.testing.assert_allclose(matrices @ vectors / scale, vectors * values[:, None, :] / scale, atol=1e-13)
    identity = np.broadcast_to(np.eye(matrices.shape[1]), matrices.shape)
    np.testing.assert_allclose(vectors.transpose(0, 2, 1) @ vectors, identity, atol=1e-13)
    assert (np.diff(values, axis=1) >= 0).all()


def test_by_hand():
    """Of [[2, 1], [1, 2]] the eigenvalues are 1 and 3, their vectors along (1, -1) and (1, 1)."""
    values, vectors = decompose(np.array([[[2.0, 1.0], [1.0, 2.0]]]))
    assert values[0] == pytest.approx([1, 3])
    first, second = vectors[0].T
    assert first[0] == pytest.approx(-first[1])
    assert second[0] == pytest.approx(second[1])
    assert np.abs(vectors) == pytest.approx(0.5**0.5)


@given(symmetric_matrices())
def test_any_matrices(matrices):
    """Of any matrices, degenerate ones among them, values are LAPACK's, and vectors are eigenvectors."""
    _check(matrices)


@pytest.mark.parametrize("size", [1, 2, 3, MAX_SIZE, MAX_SIZE + 1])
@pytest.mark.parametrize("make", [np.ones, lambda shape: np.broadcast_to(np.eye(shape[1]), shape).copy(), np.zeros])
def test_extremes(size, make):
    """Matrices of all ones, unit matrices and zeros, on both sides of the size from which LAPACK takes over."""
    _check(make((3, size, size)))


def test_many_sizes_of_random_matrices():
    """Dense matrices of every size that is not left to LAPACK, more of them than are taken at once."""
    rng = np.random.default_rng(0)
    for size in range(1, MAX_SIZE + 1, 7):
        entries = rng.standard_normal((spectra._LANES + 3, size, size))
        _check(entries + entries.transpose(0, 2, 1))


def test_neighbours_change_no_bit():
    """A matrix gives the same bits alone, and beside others that take more or fewer sweeps."""
    rng = np.random.default_rng(1)
    matrices = rng.integers(-1, 2, (spectra._LANES + 5, 12, 12)).astype(float)
    matrices += matrices.transpose(0, 2, 1)
    matrices[3] = 0
    values, vectors = decompose(matrices)
    for index in (0, 3, 17, spectra._LANES - 1, spectra._LANES):
        alone = decompose(matrices[index : index + 1])
        assert alone[0].tobytes() == values[index].tobytes()
        assert alone[1].tobytes() == vectors[index].tobytes()


def test_the_argument_stays_as_it_is():
    """Matrices are not overwritten."""
    matrices = np.ones((2, 3, 3))
    decompose(matrices)
    assert (matrices == 1).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite(bad):
    """What has no eigenvalues is refused, as by NumPy."""
    matrices = np.ones((2, 4, 4))
    matrices[1, 1, 2] = matrices[1, 2, 1] = bad
    with pytest.raises(np.linalg.LinAlgError):
        decompose(matrices)
