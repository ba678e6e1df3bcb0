"""The streaming order: shuffled by blocks of neighbours and within a buffer, for stores larger than memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molmix_bench.graphs.order import shuffled


def block_order(size: int, numbers: np.random.Philox, *, block_size: int, buffer_blocks: int) -> NDArray[np.int64]:
    """Returns 0 to size - 1, each once, so that neighbours in the order come from few places.

    Blocks of neighbours (the last may be smaller) are put in random order. The buffer then takes so many of them at a
    time, and gives their members in random order before it takes the next.

    Args:
        size: how many.
        numbers: of the seed and epoch.
        block_size: neighbours that are read together.
        buffer_blocks: blocks that are mixed with each other.
    """
    block_size = min(block_size, max(size, 1))  # a larger one is the same, and may be more than there is memory for
    num_blocks = -(-size // block_size)
    buffer_blocks = min(buffer_blocks, num_blocks + 1)
    blocks = shuffled(num_blocks, numbers)
    order = np.empty(size, np.int64)
    filled = 0
    for start in range(0, num_blocks, buffer_blocks):
        taken = blocks[start : start + buffer_blocks]
        members = (taken[:, np.newaxis] * block_size + np.arange(block_size)).ravel()
        members = members[members < size]
        order[filled : filled + len(members)] = members[shuffled(len(members), numbers)]
        filled += len(members)
    return order


def release(arrays: Iterable[NDArray[Any]]) -> None:
    """Takes the pages of mapped arrays out of this process; those used again are mapped again.

    Pages that a process has mapped count as its memory until the kernel wants them back, and many a cluster ends
    processes by that count.
    """
    for array in arrays:
        # The base of a view of a memmap is the memmap, whose base is the mapping.
        mapping = getattr(array.base, "base", None)
        if isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # not on every system
            mapping.madvise(mmap.MADV_DONTNEED)


def buffer_starts(order: NDArray[np.int64], *, block_size: int, buffer_blocks: int) -> NDArray[np.int64]:
    """Returns where the buffers of an order of `block_order` begin.

    >>> buffer_starts(np.array([8, 9, 5, 4, 6, 7, 1, 2, 3, 0]), block_size=4, buffer_blocks=1).tolist()
    [0, 2, 6]

    Args:
        order: the order.
        block_size: as for `block_order`.
        buffer_blocks: as for `block_order`.
    """
    # Huge sizes are the whole order, as there.
    block_size = min(int(block_size), len(order) + 1)
    members = min(block_size * int(buffer_blocks), len(order) + 1)
    starts = np.arange(0, len(order), members)
    short = -len(order) % block_size
    if short:
        # The last block is that much smaller, wherever it is in the order, and so is its buffer.
        starts[order.argmax() // members + 1 :] -= short
    return starts


def buffer_ends(begins: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns whether each batch is the last that begins in its buffer.

    >>> buffer_ends(np.array([0, 4, 8, 12]), np.array([0, 8])).tolist()
    [False, True, False, True]

    Args:
        begins: where batches begin, increasing.
        starts: where buffers begin, increasing.
    """
    numbers = [*np.searchsorted(starts, begins, side="right").tolist(), -1]
    return np.array([one != other for one, other in pairwise(numbers)], bool)
