"""Tests of centred kernel alignment."""

from __future__ import annotations

import numpy as np
import pytest

from molmix_bench.studies.alignment import NUM_BLOCKS, cka, cka_replicates

NUMBERS = np.random.default_rng(0)
POINTS = NUMBERS.normal(size=(60, 5))


def _by_kernels(first, second):
    """Returns the same from kernels of molecules, as Song et al. write it."""

    def _hsic(left, right):
        count = len(left)
        left, right = left - np.diag(np.diag(left)), right - np.diag(np.diag(right))
        both = left.sum() * right.sum() / ((count - 1) * (count - 2))
        return (np.trace(left @ right) + both - 2 / (count - 2) * (left @ right).sum()) / (count * (count - 3))

    first, second = first @ first.T, second @ second.T
    return _hsic(first, second) / np.sqrt(_hsic(first, first) * _hsic(second, second))


def test_it_is_that_of_kernels():
    """The estimate in feature space is the one from kernels, for embeddings of other widths too."""
    other = POINTS @ NUMBERS.normal(size=(5, 8)) + NUMBERS.normal(size=(60, 8))
    centred = [item - item.mean(axis=0) for item in (POINTS, other)]
    assert cka(POINTS, other) == pytest.approx(_by_kernels(*centred))


def test_rotation_scale_and_shift_change_nothing():
    """Embeddings that differ by these alone are the same to it."""
    rotation, _ = np.linalg.qr(NUMBERS.normal(size=(5, 5)))
    assert cka(POINTS, 3 * POINTS @ rotation + 7) == pytest.approx(1.0)


def test_nothing_in_common_is_near_zero():
    """Wide embeddings of independent numbers are not alike, where the plain estimate is far above 0."""
    wide = [NUMBERS.normal(size=(80, 200)) for _ in range(2)]
    assert abs(cka(*wide)) < 0.1


def test_standard_error_is_that_of_other_molecules():
    """The spread of the replicates is about that of CKA over samples of molecules."""
    mixing = NUMBERS.normal(size=(5, 5))

    def _sample():
        points = NUMBERS.normal(size=(200, 5))
        return points, points @ mixing + 2 * NUMBERS.normal(size=(200, 5))

    found = np.std([cka(*_sample()) for _ in range(200)])
    errors = [cka_replicates(*_sample()).std() for _ in range(20)]
    assert len(cka_replicates(*_sample())) == NUM_BLOCKS
    assert 0.7 < np.mean(errors) / found < 1.4


def test_what_cannot_be_compared():
    """Constant embeddings have no likeness; other molecules, or three, are a mistake."""
    assert np.isnan(cka(POINTS, np.ones((60, 2))))
    with pytest.raises(ValueError, match="60 and 59 molecules"):
        cka(POINTS, POINTS[1:])
    with pytest.raises(ValueError, match="3 and 3"):
        cka(POINTS[:3], POINTS[:3])
