"""Tests of exact sums in pieces."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.build.exact import ExactSum, Moments

FLOATS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


@given(st.lists(FLOATS, max_size=60), st.integers(1, 7))
def test_sum_is_that_of_fsum(values, size):
    """The sum is `math.fsum`'s to the last bit, subnormal numbers and cancellation included, however it is cut."""
    total = ExactSum()
    for start in range(0, len(values), size):
        total.add(np.array(values[start : start + size]))
    assert total.value() == math.fsum(values)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_numbers(dtype):
    """Over a million numbers of one exponent add up exactly: no half of a mantissa overflows."""
    values = np.full(2_200_000, np.nextafter(dtype(2), dtype(0)), dtype=dtype).astype(np.float64)
    total = ExactSum()
    total.add(values)
    assert total.value() == math.fsum(values)


def test_moments():
    """Mean and deviation are those of the whole, by hand; of nothing there are none."""
    moments = Moments()
    for add in (moments.add, moments.add_again):
        add(np.array([2.0, 4.0, 4.0, 4.0]))
        add(np.array([5.0, 5.0, 7.0, 9.0]))
    assert (moments.mean, moments.std) == (5.0, 2.0)
    assert (Moments().mean, Moments().std) == (None, None)
