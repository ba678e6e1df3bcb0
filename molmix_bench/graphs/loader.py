"""One epoch of batches over a split of a store."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from molmix_bench.errors import UsageError
from molmix_bench.graphs.batch import Batch
from molmix_bench.graphs.blocks import block_order, buffer_ends, buffer_starts, release
from molmix_bench.graphs.order import Order, batch_ends, check_integer, equal_ends, generator, shuffled
from molmix_bench.graphs.sampling import draw
from molmix_bench.graphs.source import LoaderSource


class Loader:
    """The batches of one epoch; iterating again gives the same batches again.

    Every molecule comes once; the last batch may be smaller. With a seed, the order is that of as many 64-bit numbers
    from the Philox generator under the key (seed, epoch), equal ones in the order of the store: the same on every
    machine and with every version of NumPy, which keeps generators' raw output but not its shuffles. Without a seed,
    the order is the store's. `Order` has other orders.

    Args:
        source: a split of a store.
        batch_size: molecules per batch.
        seed: 0 or more; None for the order of the store.
        epoch: 0 or more; without effect where there is no seed.
        only_labelled: leave out molecules that have no label in any of the source's datasets.
        order: batches by atoms, sampling by dataset, shuffling by blocks, shares of several processes; None for none
            of these.

    Raises:
        UsageError: a number is out of range, or sampling has no seed or asks for what is not there.
    """

    def __init__(
        self,
        source: LoaderSource,
        *,
        batch_size: int,
        seed: int | None,
        epoch: int,
        only_labelled: bool,
        order: Order | None = None,
    ) -> None:
        check_integer("batch_size", batch_size, least=1)
        check_integer("seed", 0 if seed is None else seed, least=0)
        check_integer("epoch", epoch, least=0)
        order = order or Order()
        self._source = source
        self.batch_size = batch_size
        positions = source.labelled() if only_labelled else np.arange(len(source.molecules))
        numbers = None if seed is None else generator(seed, epoch)
        positions, self._buffers = _ordered(source, positions, order, numbers)
        self._positions = positions
        if order.max_nodes is None:
            ends = equal_ends(len(positions), batch_size)
        else:
            num_nodes = source.num_nodes(positions)
            ends = batch_ends(num_nodes, batch_size=batch_size, max_nodes=order.max_nodes)
        self._begins, self._ends = order.share(ends)

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._ends)

    @property
    def num_molecules(self) -> int:
        """Molecules in the epoch, or in this process's share of it; one that is drawn twice counts twice."""
        return int((self._ends - self._begins).sum())

    def __iter__(self) -> Iterator[Batch]:
        """Yields the batches."""
        last = buffer_ends(self._begins, self._buffers)
        for begin, end, done in zip(self._begins.tolist(), self._ends.tolist(), last.tolist(), strict=True):
            yield self._source.batch(self._positions[begin:end])
            if done:
                release(self._source.mapped)


def _ordered(
    source: LoaderSource, positions: NDArray[np.int64], order: Order, numbers: np.random.Philox | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns places of molecules, at first increasing, in the order of an epoch, and where its buffers begin there.

    `numbers` is None without a seed. Without blocks, there is one buffer.
    """
    one_buffer = np.zeros(1, np.int64)
    if numbers is None:
        for name in ("sampling", "block_size"):
            if getattr(order, name) is not None:
                raise UsageError(f"loader, {name}", found="no seed", expected="a seed, which decides the order")
        return positions, one_buffer
    if order.sampling is not None:
        positions = draw(source, order.sampling, num_draws=len(positions), numbers=numbers)
    if order.block_size is None:
        if order.sampling is None:
            positions = positions[shuffled(len(positions), numbers)]
        return positions, one_buffer
    sizes = {"block_size": order.block_size, "buffer_blocks": order.buffer_blocks}
    blocks = block_order(len(positions), numbers, **sizes)
    # Those that sampling drew stand in its order, not in that of the store.
    return np.sort(positions)[blocks], buffer_starts(blocks, **sizes)
