"""Resampled molecules: how often each molecule of a split is drawn in each replicate of the bootstrap.

Weights follow from the split's key, the number of a replicate and the number of molecules, and from nothing else: not
from the model, the machine, the threads or the version of a library. Two models scored years apart are compared on
the same resampled molecules.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from molmix_bench.errors import UsageError
from molmix_bench.metrics.protocol import PROTOCOL

Weights = NDArray[np.uint8]

BLOCK = 64
"""Replicates computed together: their weights of one molecule fill a cache line, those of 62,000 an L2 cache."""
MAX_REPLICATES = 100_000
_MAX_BLOCK_BYTES = 1 << 26
"""Of what a thread holds for each cell of a task and each replicate of a block."""
_STEP = 0x9E3779B97F4A7C15  # of splitmix64 (Steele, Lea and Flood, 2014), as the factors below


@dataclass(frozen=True, slots=True)
class Resampling:
    """Replicates of a split of `num_molecules`, each of as many molecules, drawn with replacement."""

    key: int
    num_molecules: int
    num_replicates: int

    def weights(self, first: int, end: int) -> Weights:
        """Returns how often each molecule is drawn in the replicates from `first` to before `end`.

        Shapes:
            weights: (num_molecules, end - first); each column sums to num_molecules.

        >>> Resampling(key=1, num_molecules=5, num_replicates=9).weights(0, 9).sum(axis=0).tolist()
        [5, 5, 5, 5, 5, 5, 5, 5, 5]
        """
        counts = _draw(np.uint64(self.key), self.num_molecules, first, end)
        return np.ascontiguousarray(counts.T)

    def map_blocks(self, compute: Callable[[Weights], NDArray[np.float64]], cell_bytes: int = 0) -> NDArray[np.float64]:
        """Returns what `compute` makes of the weights, blocks of replicates joined along the last axis.

        Blocks are computed by as many threads as there are cores; each is computed alone, so the result does not
        depend on their number.

        Args:
            compute: from (num_molecules, b) to (..., b), and no replicate depends on another; it should not hold the
                interpreter's lock.
            cell_bytes: memory that `compute` takes for each replicate, which makes blocks smaller.
        """
        size = max(1, min(BLOCK, _MAX_BLOCK_BYTES // max(cell_bytes, 1)))
        edges = list(pairwise([*range(0, self.num_replicates, size), self.num_replicates]))
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            blocks: Iterator[NDArray[np.float64]] = pool.map(lambda edge: compute(self.weights(*edge)), edges)
            return np.concatenate(list(blocks), axis=-1)


def resample(dataset: str, split: str, *, num_molecules: int, replicates: int) -> Resampling | None:
    """Returns the resampling of one split of a dataset, the same for every model; none for no replicates.

    Raises:
        UsageError: the number of replicates is negative, or more than are of any use.
    """
    if not 0 <= replicates <= MAX_REPLICATES:
        expected = f"a number from 0, for no intervals, to {MAX_REPLICATES:,}"
        raise UsageError("replicates", found=str(replicates), expected=expected)
    if replicates == 0:
        return None
    digest = blake2b(f"{PROTOCOL}/{dataset}/{split}".encode(), digest_size=8).digest()
    return Resampling(int.from_bytes(digest, "little"), num_molecules, replicates)


@numba.njit(cache=True, nogil=True)
def _draw(key: np.uint64, num_molecules: int, first: int, end: int) -> Weights:
    """Returns the weights, (end - first, num_molecules), of numbers that splitmix64 makes of the key and a counter.

    A weight over 255 would take 256 draws of the same molecule, against odds of one to 256 factorial.
    """
    counts = np.zeros((end - first, num_molecules), np.uint8)
    for replicate in range(first, end):
        state = _mix(key + np.uint64(_STEP) * np.uint64(replicate + 1))
        row = counts[replicate - first]
        for _ in range(num_molecules):
            state += np.uint64(_STEP)
            # The upper 53 bits, as a number from 0 to before 1.
            share = np.float64(_mix(state) >> np.uint64(11)) * 2.0**-53
            row[int(share * num_molecules)] += 1
    return counts


@numba.njit(cache=True, nogil=True)
def _mix(state: np.uint64) -> np.uint64:
    """Returns 64 bits of which each depends on each of the state's."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.uint64(state ^ (state >> np.uint64(31)))
