"""Molecules per second against the size of batches: our loader beside PyG's `DataLoader`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

from torch_geometric.loader import DataLoader

from molmix_bench.graphs.cached import open_store
from molmix_bench.graphs.store import GraphStore
from tests.benchmarks.graphs import BARE, FULL, make_mix, named, one_thread, separate
from tests.benchmarks.turns import Record, median_speeds, record

BATCH_SIZES = tuple(1 << power for power in range(4, 13))
TURNS = 5
NUM_PEER_BATCHES, NUM_PEER_GRAPHS = 4, 4_096
"""Of a turn of the peer's loader, at least; ours takes whole epochs."""


def throughput(
    smiles: list[str], *, folder: Path, batch_sizes: Iterable[int] = BATCH_SIZES, turns: int = TURNS
) -> list[Record]:
    """Returns a record for every size, with encodings and without; its `batch_size` and `features` say which.

    Args:
        smiles: distinct molecules.
        folder: for a mix of them and its stores.
        batch_sizes: molecules per batch.
        turns: of which the medians are taken.
    """
    mix = make_mix(smiles, folder)
    records = []
    for spec in (FULL, BARE):
        store = open_store(mix, spec, workers=1, cache=folder)
        for batch_size in batch_sizes:
            ours, peer = _speeds(store, batch_size, turns=turns)
            name = f"load, {named(spec)}, {batch_size} a batch"
            where = {"batch_size": batch_size, "features": named(spec)}
            records.append(record(name, ours, peer, unit="graphs/s") | where)
    return records


def _speeds(store: GraphStore, batch_size: int, *, turns: int) -> tuple[float, float]:
    """Returns molecules per second of ours and of the peer, shuffled, with all labels, in one thread."""
    loader = DataLoader(separate(store), batch_size=batch_size, shuffle=True)
    num_batches = max(NUM_PEER_BATCHES, NUM_PEER_GRAPHS // batch_size)

    def ours(turn: int) -> int:
        epoch = store.loader("train", batch_size=batch_size, seed=0, epoch=turn)
        return sum(batch.num_graphs for batch in epoch)

    def peer(turn: int) -> int:  # it shuffles anew by itself
        return sum(batch.num_graphs for batch in itertools.islice(loader, num_batches))

    with one_thread():
        speeds = median_speeds({"ours": ours, "peer": peer}, turns=turns)
    return speeds["ours"], speeds["peer"]
