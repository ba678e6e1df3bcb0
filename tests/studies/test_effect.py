"""Tests that chances of effects are what they say, however few the seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from molmix_bench.studies.effect import Effect


@pytest.mark.parametrize("freedom", [1, 2, 4, 30])
@pytest.mark.parametrize("size", [0.5, 3.0, 40.0])
def test_seeds_alone_are_students(freedom, size):
    """Where test molecules make no variance, chance and interval are SciPy's of Student's t."""
    effect = Effect.of(size * 0.2, ((0.04, freedom),), 0.0, freedom + 1)
    assert effect.p_value() == pytest.approx(2 * stats.t.sf(size, freedom), rel=1e-5)
    half = 0.2 * stats.t.ppf(0.975, freedom)
    assert effect.interval() == pytest.approx((effect.value - half, effect.value + half))


def test_molecules_alone_are_normal():
    """Where seeds make no variance, it is the normal distribution."""
    effect = Effect.of(0.5, ((0.0, 2),), 0.04, 3)
    assert effect.p_value() == pytest.approx(2 * stats.norm.sf(2.5))
    assert effect.interval() == pytest.approx((0.5 - 0.2 * 1.959964, 0.5 + 0.2 * 1.959964))


@pytest.mark.parametrize("freedom", [2, 4])
@pytest.mark.parametrize("ratio", [0.3, 3.0])
@pytest.mark.parametrize("level", [0.05, 0.05 / 426])
def test_finds_no_more_than_it_says(freedom, ratio, level):
    """Over all estimates of the seeds' variance, what is found where there is nothing is at most the level."""
    found, num_estimates = 0.0, 100
    for share in (np.arange(num_estimates) + 0.5) / num_estimates:
        estimate = ratio * stats.chi2.ppf(share, freedom) / freedom
        effect = Effect.of(1.0, ((estimate, freedom),), 1.0, freedom + 1)
        low, high = 0.0, 1e4
        for _ in range(30):
            middle = (low + high) / 2
            chance = replace(effect, value=middle).p_value()
            low, high = (middle, high) if chance > level else (low, middle)
        found += 2 * stats.norm.sf(high / np.sqrt(ratio + 1.0)) / num_estimates
    assert 0 < found <= 1.02 * level
