"""Graphs beside their peers: featurising, bytes on the disk, opening, loading.

Peers are OGB's `smiles2graph`, which makes no encodings, and a `DataLoader` of PyTorch Geometric over a list of `Data`
that hold the same atoms, bonds, encodings and labels as the store they are taken from.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch
from rdkit import rdBase
from threadpoolctl import threadpool_limits
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader

from molmix_bench.build.plan import Layout
from molmix_bench.graphs.cached import open_store
from molmix_bench.graphs.layout import array_file, write_header
from molmix_bench.graphs.piece import featurize_piece
from molmix_bench.graphs.store import GraphStore
from molmix_bench.mix import Mix
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.vocab import MOL_ID
from tests.benchmarks.turns import Record, median_speeds, record
from tests.benchmarks.workers import FULL, pieces_of, two_workers
from tests.build.tiny import build_tiny, table_source

BARE = FeatureSpec(rwse=0, laplacian=0)
TURNS = 9
BATCH_SIZE = 512
NUM_PEER_BATCHES = 6
"""A turn of the peer's loader; ours takes whole epochs."""
NUM_ASSAYS, LABELLED = 128, 0.11
"""Of the sparse dataset; PCBA has as many labels for each of its 1,328 assays."""
MANY = 1_000_000


def graphs(smiles: list[str], *, folder: Path) -> list[Record]:
    """Returns all records of this file.

    Args:
        smiles: distinct molecules.
        folder: for a mix of them, its stores, and one that only seems large.
    """
    mix = make_mix(smiles, folder)
    stores = {spec: open_store(mix, spec, workers=1, cache=folder) for spec in (BARE, FULL)}
    return [
        featurizing(smiles),
        *two_workers(smiles, folder=folder),
        *(storing(store, spec) for spec, store in stores.items()),
        *(record for spec, store in stores.items() for record in loading(store, spec)),
        opening(stores[FULL], folder / "large"),
    ]


def make_mix(smiles: list[str], folder: Path) -> Mix:
    """Returns a mix of three datasets that all molecules are in: regression, binary, and sparse."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((len(smiles), 3)).round(4).astype(str)
    assays = rng.integers(0, 2, (len(smiles), 12)).astype(str)
    many = np.where(rng.random((len(smiles), NUM_ASSAYS)) < LABELLED, rng.integers(0, 2, (len(smiles), 1)), -1)
    many = np.where(many < 0, "", many.astype(str))
    sources = [
        table_source("values", _table(smiles, values), folder),
        table_source("assays", _table(smiles, assays), folder, kind="binary"),
        table_source("many", _table(smiles, many), folder, kind="binary"),
    ]
    return build_tiny(folder, *sources, layout=Layout(), validation=0.0, test=0.0)


def _table(smiles: list[str], cells: np.ndarray) -> str:
    header = ",".join(["smiles", *(f"t{task}" for task in range(cells.shape[1]))])
    return "\n".join([header, *(",".join([text, *row]) for text, row in zip(smiles, cells, strict=True)), ""])


def featurizing(smiles: list[str]) -> Record:
    """Returns molecules per second in one thread: ours with RWSE(16) and Laplacian(8), OGB's without encodings."""
    from ogb.utils import smiles2graph

    pieces = pieces_of(smiles)

    def ours(turn: int) -> int:
        piece = pieces[turn % len(pieces)]
        featurize_piece(FULL, (piece, piece))
        return len(piece)

    def peer(turn: int) -> int:
        piece = pieces[turn % len(pieces)]
        for text in piece:
            smiles2graph(text)
        return len(piece)

    with rdBase.BlockLogs(), threadpool_limits(limits=1):
        speeds = median_speeds({"ours": ours, "peer": peer}, turns=TURNS)
    return record("featurize with encodings, against OGB without", speeds["ours"], speeds["peer"], unit="molecules/s")


def storing(store: GraphStore, features: FeatureSpec) -> Record:
    """Returns bytes per molecule on the disk, labels and identities included, against a saved list of `Data`."""
    data = separate(store)
    file = io.BytesIO()
    torch.save(data, file)
    ours = sum(entry.num_bytes for entry in store.header.arrays.values()) / store.num_graphs
    peer = file.tell() / len(data)
    return record(f"store, {named(features)}", round(ours), round(peer), unit="bytes/graph", less_is_better=True)


def loading(store: GraphStore, features: FeatureSpec) -> list[Record]:
    """Returns molecules per second from shuffled batches of all labels, against PyG's `DataLoader`, in one thread.

    Ours are batches as they are, codes and numbers in half precision, and batches that everything which PyG's hold has
    been asked of: atom and bond features, and encodings in single precision.
    """
    loader = DataLoader(separate(store), batch_size=BATCH_SIZE, shuffle=True)

    def ours(turn: int) -> int:
        epoch = store.loader("train", batch_size=BATCH_SIZE, seed=0, epoch=turn)
        return sum(batch.num_graphs for batch in epoch)

    def looked_up(turn: int) -> int:
        done = 0
        for batch in store.loader("train", batch_size=BATCH_SIZE, seed=0, epoch=turn):
            _ = batch.x, batch.edge_attr, batch.encodings
            done += batch.num_graphs
        return done

    def peer(turn: int) -> int:  # it shuffles anew by itself
        return sum(batch.num_graphs for batch in itertools.islice(loader, NUM_PEER_BATCHES))

    with one_thread():
        speeds = median_speeds({"ours": ours, "looked up": looked_up, "peer": peer}, turns=TURNS)
    name = f"load, {named(features)}, against PyG's DataLoader"
    return [
        record(name, speeds["ours"], speeds["peer"], unit="graphs/s"),
        record(f"{name}, all looked up", speeds["looked up"], speeds["peer"], unit="graphs/s"),
    ]


def opening(store: GraphStore, folder: Path) -> Record:
    """Returns seconds to open a store of a million molecules, against reading one of its arrays.

    Its files have the right sizes and no content, which opening does not look at.
    """
    scale = MANY / store.num_graphs
    arrays = {}
    for name, entry in store.header.arrays.items():
        extra = 1 if name.endswith("ptr") else 0
        rows = entry.shape[0] if name.endswith("table") else round((entry.shape[0] - extra) * scale) + extra
        arrays[name] = entry.model_copy(update={"shape": (rows, *entry.shape[1:])})
        file = array_file(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as stream:
            stream.truncate(arrays[name].num_bytes)
    write_header(folder, store.header.model_copy(update={"arrays": arrays}))

    def opens(turn: int) -> int:  # every turn is the same
        if GraphStore(folder).num_graphs != MANY:
            raise AssertionError("the large store is not as large as it should be")
        return 1

    def reads(turn: int) -> int:  # every turn is the same
        array_file(folder, MOL_ID).read_bytes()
        return 1

    speeds = median_speeds({"ours": opens, "peer": reads}, turns=TURNS)
    ours, peer = 1 / speeds["ours"], 1 / speeds["peer"]
    return record(f"open {MANY:,} graphs, against reading their mol_ids", ours, peer, unit="s", less_is_better=True)


def named(features: FeatureSpec) -> str:
    """Returns how the records call stores of these features."""
    return "with encodings" if features.rwse else "without encodings"


@cache
def separate(store: GraphStore) -> list[Data]:
    """Returns the train split as PyG's own graphs, each with memory of its own."""
    batches = store.loader("train", batch_size=BATCH_SIZE)
    return [graph.clone() for batch in batches for graph in batch.to_pyg().to_data_list()]


@contextmanager
def one_thread() -> Iterator[None]:
    """Keeps torch to one thread for a while."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
