"""Sums of floats without any rounding before the last, taken piece by piece in bounded memory."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

_MANTISSA_BITS = 53
_LOW_BITS = 26
_AT_ONCE = 1 << 20
"""Halves of mantissas, of 27 bits at most, of which so many add up exactly in a float64."""


class ExactSum:
    """Adds float64 numbers as `math.fsum` does, over any number of pieces: the order of numbers leaves no trace."""

    def __init__(self) -> None:
        self._by_exponent: dict[int, int] = {}

    def add(self, values: npt.NDArray[np.float64]) -> None:
        """Adds finite numbers."""
        for start in range(0, len(values), _AT_ONCE):
            self._add(values[start : start + _AT_ONCE])

    def value(self) -> float:
        """Returns the sum, rounded once."""
        total = sum((Fraction(part) * Fraction(2) ** exponent for exponent, part in self._by_exponent.items()), 0)
        return float(total)

    def _add(self, values: npt.NDArray[np.float64]) -> None:
        fraction, exponent = np.frexp(values)
        mantissa = np.ldexp(fraction, _MANTISSA_BITS).astype(np.int64)
        lowest = int(exponent.min(initial=0))
        place = exponent - lowest
        high = np.bincount(place, weights=mantissa >> _LOW_BITS)
        low = np.bincount(place, weights=mantissa & ((1 << _LOW_BITS) - 1))
        for at in np.flatnonzero((high != 0) | (low != 0)).tolist():
            part = (int(high[at]) << _LOW_BITS) + int(low[at])
            key = at + lowest - _MANTISSA_BITS
            self._by_exponent[key] = self._by_exponent.get(key, 0) + part


class Moments:
    """Mean and standard deviation (ddof 0) in two passes over the same numbers, each piece by piece."""

    def __init__(self) -> None:
        self._sum, self._squares, self._num = ExactSum(), ExactSum(), 0
        self._mean: float | None = None

    def add(self, values: npt.NDArray[np.float64]) -> None:
        """Adds numbers in the first pass."""
        self._sum.add(values)
        self._num += len(values)

    def add_again(self, values: npt.NDArray[np.float64]) -> None:
        """Adds the same numbers in the second pass."""
        mean = self.mean
        if mean is not None:
            self._squares.add((values - mean) ** 2)

    @property
    def mean(self) -> float | None:
        """The mean after the first pass; None of no numbers."""
        if self._mean is None and self._num:
            self._mean = self._sum.value() / self._num
        return self._mean

    @property
    def std(self) -> float | None:
        """The standard deviation after the second pass; None of no numbers."""
        return math.sqrt(self._squares.value() / self._num) if self._num else None
