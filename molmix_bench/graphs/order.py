"""Which molecules an epoch has, in which order, and where its batches end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molmix_bench.errors import UsageError
from molmix_bench.graphs.compiled import compiled

Array = NDArray[Any]

MAX_SEED = (1 << 64) - 1
"""Seed and epoch are the two halves of the generator's 128-bit key."""
_MAX_NODES = (1 << 62) - 1
"""Leaves room to add a molecule's atoms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an epoch has beyond the plain order of `Loader`; all of it off unless set.

    The order of molecules and the ends of batches are decided for all ranks together. Rank r of w then has the batches
    r, r + w, r + 2w, ...: together the ranks have those batches that one process alone would have, each once, shuffled
    or not, and none of them has more than one batch more than another.

    Attributes:
        max_nodes: atoms that a batch may have, besides its number of molecules: a batch ends before the molecule that
            would exceed either. A single molecule of more atoms is a batch of its own.
        sampling: draws molecules by dataset instead of each once; see `sampling.draw`. Weights by dataset, or the
            temperature T that makes a dataset's weight its number of molecules to the power of 1 / T: 1 is in
            proportion, infinity is all alike. Needs a seed.
        block_size: for a store larger than memory: shuffles by blocks of so many neighbours instead of all at once; see
            `blocks.block_order`. Pages of the store are given back after every buffer. Needs a seed.
        buffer_blocks: blocks that are mixed with each other; only they are held in memory.
        rank: which share of the batches, from 0.
        world_size: shares.
        even: leave out the last batches where not every rank would have one, as training that exchanges gradients
            after each batch must; evaluation leaves nothing out.
        join_single: a last batch of one molecule joins the one before it, as training wants whose norms see nothing in
            one molecule, of maybe one atom, to normalise by; not where `max_nodes` bounds the batches.
    """

    max_nodes: int | None = None
    sampling: Mapping[str, float] | float | None = None
    block_size: int | None = None
    buffer_blocks: int = 64
    rank: int = 0
    world_size: int = 1
    even: bool = False
    join_single: bool = False

    def __post_init__(self) -> None:
        """Refuses numbers out of range.

        Raises:
            UsageError: there is one.
        """
        check_integer("max_nodes", 1 if self.max_nodes is None else self.max_nodes, least=1)
        check_integer("block_size", 1 if self.block_size is None else self.block_size, least=1)
        check_integer("buffer_blocks", self.buffer_blocks, least=1)
        check_integer("world_size", self.world_size, least=1)
        check_integer("rank", self.rank, least=0)
        if self.rank >= self.world_size:
            expected = f"below the world_size, {self.world_size}"
            raise UsageError("loader, rank", found=str(self.rank), expected=expected)

    def share(self, ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns where this rank's batches begin and end.

        Shapes:
            ends: (num_batches + 1,), 0 and the end of every batch of the epoch.
        """
        if self.join_single and self.max_nodes is None:
            sizes = np.diff(ends)
            if len(sizes) > 1 and sizes[-1] == 1:
                ends = np.delete(ends, -2)
        num_batches = len(ends) - 1
        if self.even:
            num_batches -= num_batches % self.world_size
        own = slice(self.rank, num_batches, self.world_size)
        return ends[:-1][own], ends[1:][own]


def generator(seed: int, epoch: int) -> np.random.Philox:
    """Returns the numbers that an epoch's order is made of, the same on every machine and with every NumPy.

    Only its raw output is to be used: what NumPy makes of it, it does not promise to keep.
    """
    # The key is one number, the epoch its high half: none of NumPy's integers, which would lose it in silence.
    return np.random.Philox(key=int(seed) + (int(epoch) << 64))


def shuffled(size: int, numbers: np.random.Philox) -> NDArray[np.intp]:
    """Returns 0 to size - 1 in the order of as many raw numbers, those with equal ones increasing."""
    return _argsort(numbers.random_raw(size))


def batch_ends(num_nodes: NDArray[np.int64], *, batch_size: int, max_nodes: int) -> NDArray[np.int64]:
    """Returns 0 and the end of every batch, (num_batches + 1,).

    >>> batch_ends(np.array([5, 5, 5, 20, 1, 1, 1]), batch_size=3, max_nodes=12).tolist()
    [0, 2, 3, 4, 7]

    Args:
        num_nodes: atoms of the molecules in their order, (n,).
        batch_size: molecules, at most.
        max_nodes: atoms, at most, but for single molecules that have more.
    """
    # Python's integers know no largest; those of machine code do.
    return _cut(num_nodes, min(batch_size, len(num_nodes) + 1), min(max_nodes, _MAX_NODES))


def equal_ends(size: int, batch_size: int) -> NDArray[np.int64]:
    """Returns 0 and the end of every batch where all but the last have one size.

    >>> equal_ends(5, 2).tolist(), equal_ends(0, 2).tolist()
    ([0, 2, 4, 5], [0])
    """
    return np.array([*range(0, size, batch_size), size], np.int64)


def check_integer(name: str, value: int, *, least: int) -> None:
    """Refuses a number out of range, and what is no integer.

    Raises:
        UsageError: it is one.
    """
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_integer or not least <= value <= MAX_SEED:
        raise UsageError(f"loader, {name}", found=repr(value), expected=f"an integer from {least} to 2**64 - 1")


def _argsort(numbers: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Returns the places of numbers in increasing order, those of equal ones in theirs."""
    order = np.argsort(numbers)  # by vector registers, at a fifth of the time of a stable sort
    in_order = numbers[order]
    return np.argsort(numbers, kind="stable") if (in_order[1:] == in_order[:-1]).any() else order


@compiled
def _cut(num_nodes: Array, batch_size: int, max_nodes: int) -> Array:
    ends = np.zeros(len(num_nodes) + 1, np.int64)
    count, begin, nodes = 0, 0, 0
    for index, size in enumerate(num_nodes):
        if index > begin and (index - begin == batch_size or nodes + size > max_nodes):
            count += 1
            ends[count] = index
            begin, nodes = index, 0
        nodes += size
    if len(num_nodes):
        count += 1
        ends[count] = len(num_nodes)
    return ends[: count + 1]
