"""Tests of how often molecules are drawn in each replicate."""

from __future__ import annotations

import numpy as np
import pytest

from molmix_bench.errors import UsageError
from molmix_bench.metrics.resample import Resampling, resample

MASK = 2**64 - 1
STEP = 0x9E3779B97F4A7C15


def _mix(state):
    """splitmix64's output function, in whole numbers of Python."""
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return state ^ (state >> 31)


def _drawn(key, num_molecules, replicate):
    """Returns the weights of one replicate."""
    counts = [0] * num_molecules
    state = _mix((key + STEP * (replicate + 1)) & MASK)
    for _ in range(num_molecules):
        state = (state + STEP) & MASK
        counts[int((_mix(state) >> 11) * 2.0**-53 * num_molecules)] += 1
    return counts


def test_weights_are_those_of_the_published_generator():
    """Against splitmix64 written in Python's own numbers, and its first output for the key 0 as published."""
    assert _mix(STEP) == 0xE220A8397B1DCDAF
    found = Resampling(key=MASK - 5, num_molecules=37, num_replicates=9).weights(4, 9)
    assert found.T.tolist() == [_drawn(MASK - 5, 37, replicate) for replicate in range(4, 9)]


def test_weights_are_those_of_draws_with_replacement():
    """Mean 1, variance 1 - 1/n, and the covariance -1/n of a multinomial, within five standard errors."""
    weights = Resampling(key=3, num_molecules=50, num_replicates=20_000).weights(0, 20_000).astype(np.float64)
    assert (weights.sum(axis=0) == 50).all()
    assert np.abs(weights.mean(axis=1) - 1).max() < 5 / np.sqrt(20_000)
    covariance = np.cov(weights)
    assert np.abs(np.diag(covariance) - 0.98).max() < 5 * np.sqrt(3 / 20_000)
    assert np.abs(covariance[~np.eye(50, dtype=bool)] + 0.02).max() < 5 / np.sqrt(20_000)


def test_a_replicate_does_not_depend_on_how_many_there_are_or_where_blocks_begin(monkeypatch):
    """The first 70 of 70 and of 1,000, in one block or in many, by one thread or several."""
    few, many = (Resampling(key=1, num_molecules=30, num_replicates=count) for count in (70, 1_000))
    whole = few.weights(0, 70)
    joined = few.map_blocks(lambda weights: weights.astype(np.float64))
    assert (joined == whole).all()
    assert (many.map_blocks(lambda weights: weights.astype(np.float64))[:, :70] == whole).all()
    small = few.map_blocks(lambda weights: weights.astype(np.float64), cell_bytes=1 << 24)
    assert (small == whole).all()
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    assert (few.map_blocks(lambda weights: weights.astype(np.float64)) == whole).all()


def test_splits_and_datasets_are_drawn_apart_and_models_alike():
    """The key, of the dataset and split, is that of `b2sum -l 64` (GNU coreutils), bytes from the lowest up."""
    keys = [
        resample(dataset, split, num_molecules=9, replicates=5).key
        for dataset, split in (("qm9", "test"), ("qm9", "validation"), ("tox21", "test"))
    ]
    digests = "f190a4bb739f9ceb", "01514b80380c6901", "c1595b63a31be242"
    assert keys == [int.from_bytes(bytes.fromhex(digest), "little") for digest in digests]


def test_without_replicates_nothing_is_drawn():
    """0 means no intervals; a number below or far too large is a mistake."""
    assert resample("qm9", "test", num_molecules=9, replicates=0) is None
    for number in (-1, 1_000_000_000):
        with pytest.raises(UsageError, match="replicates: found"):
            resample("qm9", "test", num_molecules=9, replicates=number)
