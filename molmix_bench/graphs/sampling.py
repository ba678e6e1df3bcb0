"""Drawing an epoch's molecules by dataset: small ones are seen more often, or less, than their size says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from molmix_bench.errors import UsageError
from molmix_bench.graphs.order import shuffled
from molmix_bench.graphs.source import LoaderSource

_WHERE = "loader, sampling"


def draw(
    source: LoaderSource, sampling: Mapping[str, float] | float, *, num_draws: int, numbers: np.random.Philox
) -> NDArray[np.int64]:
    """Returns the places of the molecules of one epoch, in their order.

    Every dataset has the number of draws that its weight says, rounded by the largest remainder. Its molecules come in
    random order, all of them before any comes again. A molecule brings all of its labels, whichever dataset drew it.

    Args:
        source: a split of a store.
        sampling: weights of all datasets of the source, or a temperature; see `order.Order`.
        num_draws: molecules in the epoch, repeated ones counted each time.
        numbers: of the seed and epoch.

    Raises:
        UsageError: a weight is missing, negative, not finite or for no dataset here, or is for one without molecules;
            none is above 0; or the temperature is not above 0.
    """
    molecules = {name: source.labelled_in(name) for name in source.labels}
    if not num_draws:
        return np.empty(0, np.int64)
    sizes = {name: len(places) for name, places in molecules.items()}
    weights = _checked(sampling, sizes) if isinstance(sampling, Mapping) else by_temperature(sizes, sampling)
    if not any(weights.values()):
        raise UsageError(_WHERE, found="no dataset with a weight above 0", expected="at least one, with molecules")
    parts = []
    for name, quota in quotas(weights, num_draws).items():
        places = molecules[name]
        passes = [places[shuffled(len(places), numbers)] for _ in range(-(-quota // max(len(places), 1)))]
        parts.append(np.concatenate([places[:0], *passes])[:quota])
    drawn = np.concatenate(parts)
    return drawn[shuffled(len(drawn), numbers)]


def quotas(weights: Mapping[str, float], total: int) -> dict[str, int]:
    """Returns integers in proportion to weights, exact in their sum; the largest remainders are rounded up.

    >>> quotas({"a": 1, "b": 1, "c": 4}, 10)
    {'a': 2, 'b': 2, 'c': 6}
    """
    exact = {name: Fraction(float(weight)) for name, weight in weights.items()}
    whole = sum(exact.values())
    shares = {name: weight * total / whole for name, weight in exact.items()}
    found = {name: math.floor(share) for name, share in shares.items()}
    # Sorting keeps the order of equal remainders.
    by_remainder = sorted(shares, key=lambda name: found[name] - shares[name])
    for name in by_remainder[: total - sum(found.values())]:
        found[name] += 1
    return found


def by_temperature(sizes: Mapping[str, int], temperature: float) -> dict[str, float]:
    """Returns each dataset's weight, its size to the power of 1 / temperature, the largest being 1.

    >>> by_temperature({"a": 100, "b": 1, "none": 0}, 2.0)
    {'a': 1.0, 'b': 0.1, 'none': 0.0}

    Raises:
        UsageError: the temperature is not above 0.
    """
    if not temperature > 0:
        raise UsageError(_WHERE, found=f"temperature {temperature}", expected="a number above 0")
    largest = max(sizes.values(), default=0)
    return {name: (size / largest) ** (1 / temperature) if size else 0.0 for name, size in sizes.items()}


def _checked(weights: Mapping[str, float], sizes: Mapping[str, int]) -> Mapping[str, float]:
    if weights.keys() != sizes.keys():
        raise UsageError(_WHERE, found=_listed(weights), expected=f"a weight for each of {_listed(sizes)}")
    for name, weight in weights.items():
        if not 0 <= weight < math.inf:
            raise UsageError(_WHERE, found=f"weight {weight} of {name}", expected="a finite number from 0")
        if weight and not sizes[name]:
            raise UsageError(_WHERE, found=f"no molecules of {name} in this split", expected="weight 0 for it")
    # In the datasets' order, which decides which numbers each takes.
    return {name: weights[name] for name in sizes}


def _listed(names: Mapping[str, float]) -> str:
    return ", ".join(names) or "nothing"
