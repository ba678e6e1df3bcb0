"""An effect, and how far chance may have moved it: intervals and chances where variances are known from few seeds.

The error of an effect has two parts. The variance that test molecules make is known, as that of many replicates. Those
that seeds make are estimated from a few: s2 with k degrees of freedom, of a true variance that may be any. To take the
estimate for the truth, or to give the sum the degrees of freedom that it suggests, finds too much where seeds happen to
lie close together, the more so the more comparisons there are to choose from. So the unknown variances are averaged
over, k s2 / chi2(k), as in Fisher's solution of the Behrens-Fisher problem (Annals of Eugenics 1935, 6, 391), which
finds too little rather than too much (Robinson, Annals of Statistics 1976, 4, 963). With seeds alone it is Student's t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import chi2

from molmix_bench.metrics.cells import FloatArray
from molmix_bench.metrics.protocol import CONFIDENCE

_TAIL = 1e-15
"""Chance of variances beyond those looked at."""
_NODES = {1: 4_001, 2: 301}
"""Variances looked at, by how many are unknown."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference or a slope.

    Attributes:
        error: its standard error, by the variances as estimated; None where seeds are too few to tell.
        seeds: that it rests on.
        of_seeds: each variance that seeds make, of the effect, with its degrees of freedom; at most two.
        of_molecules: the variance that test molecules make.
    """

    value: float
    error: float | None
    seeds: int
    of_seeds: tuple[tuple[float, int], ...] = ()
    of_molecules: float = 0.0

    @classmethod
    def of(cls, value: float, of_seeds: tuple[tuple[float, int], ...], of_molecules: float, seeds: int) -> Effect:
        """Returns an effect with the error that its variances make."""
        total = sum(variance for variance, _ in of_seeds) + of_molecules
        return cls(value, float(np.sqrt(total)), seeds, of_seeds, of_molecules)

    def interval(self) -> tuple[float, float] | None:
        """Returns both ends of the 95 % interval; None where there is none."""
        if self.error is None:
            return None
        if self.error == 0:
            return self.value, self.value
        variances, weights = self._variances()
        high = self.error
        while _chance(high, variances, weights) > 1 - CONFIDENCE:
            high *= 2
        half = brentq(lambda size: _chance(size, variances, weights) - (1 - CONFIDENCE), 0, high, xtol=1e-12 * high)
        return self.value - half, self.value + half

    def p_value(self) -> float | None:
        """Returns the chance of an effect as large, either way, were there none; None where there is no interval."""
        if self.error is None:
            return None
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return min(1.0, _chance(abs(self.value), *self._variances()))

    def _variances(self) -> tuple[FloatArray, FloatArray]:
        """Returns variances that may be the true one, and how likely each is, both (n,)."""
        variances, weights = np.array([self.of_molecules]), np.ones(1)
        for estimate, freedom in self.of_seeds:
            low, high = np.log(chi2.ppf(_TAIL, freedom)), np.log(chi2.isf(_TAIL, freedom))
            grid = np.linspace(low, high, _NODES[len(self.of_seeds)])
            likely = np.exp(chi2.logpdf(np.exp(grid), freedom) + grid)
            variances = np.add.outer(variances, estimate * freedom / np.exp(grid)).ravel()
            weights = np.multiply.outer(weights, likely / likely.sum()).ravel()
        return variances, weights


def _chance(size: float, variances: FloatArray, weights: FloatArray) -> float:
    return float(weights @ (2 * ndtr(-size / np.sqrt(variances))))
