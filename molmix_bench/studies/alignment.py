"""How alike two sets of embeddings of the same molecules are: linear centred kernel alignment (CKA), without its bias.

CKA (Kornblith et al., ICML 2019) is 1 for embeddings that a rotation and a scale turn into each other. Its plain
estimate is far above 0 for embeddings that have nothing in common, once they are as wide as molecules are many; here
each of its three parts is the unbiased estimate of the Hilbert-Schmidt independence criterion (Song et al., JMLR 2012),
so that it is near 0 there, and may be a little below.
"""

from __future__ import annotations

import numpy as np

from molmix_bench.metrics.cells import FloatArray

NUM_BLOCKS = 20
"""Of molecules, left out in turn for the standard error."""
_LEAST = 4
"""Molecules that the unbiased estimate needs."""


def cka(first: FloatArray, second: FloatArray) -> float:
    """Returns the CKA of two sets of embeddings; NaN where one of them is constant.

    Shapes:
        first: (n, width); second: (n, another width); n at least 4.

    >>> points = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(cka(points, 2 * points[:, ::-1] + 1), 9)
    1.0
    """
    if len(first) != len(second) or len(first) < _LEAST:
        raise ValueError(f"{len(first)} and {len(second)} molecules, and not the same {_LEAST} or more")
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    own = _hsic(first, first) * _hsic(second, second)
    return float(_hsic(first, second) / np.sqrt(own)) if own > 0 else float("nan")


def cka_replicates(first: FloatArray, second: FloatArray) -> FloatArray:
    """Returns the CKA without each of 20 blocks of molecules in turn, (20,).

    They are spread so that their standard deviation is the jackknife's standard error.
    """
    block = np.arange(len(first)) % NUM_BLOCKS
    left_out = np.array([cka(first[block != place], second[block != place]) for place in range(NUM_BLOCKS)])
    mean = left_out.mean()
    return np.asarray(mean + np.sqrt(NUM_BLOCKS - 1) * (left_out - mean))


def _hsic(first: FloatArray, second: FloatArray) -> float:
    """Returns the unbiased estimate for linear kernels, in time that grows with molecules, not with their square."""
    count = len(first)
    own_first, own_second = (first**2).sum(axis=1), (second**2).sum(axis=1)
    # Rows of the kernels, whose diagonals are left out.
    rows_first = first @ first.sum(axis=0) - own_first
    rows_second = second @ second.sum(axis=0) - own_second
    trace = ((first.T @ second) ** 2).sum() - own_first @ own_second
    both = rows_first.sum() * rows_second.sum() / ((count - 1) * (count - 2))
    cross = 2 / (count - 2) * (rows_first @ rows_second)
    return float((trace + both - cross) / (count * (count - 3)))
