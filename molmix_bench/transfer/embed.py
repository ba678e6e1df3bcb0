"""`embed`: the vectors that a network has for molecules, of any number of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from molmix_bench.atomic import written_whole
from molmix_bench.errors import UsageError
from molmix_bench.metrics.cells import FloatArray
from molmix_bench.models.network import Network
from molmix_bench.transfer.chunk import Chunk, Demand
from molmix_bench.transfer.ensemble import Ensemble, embed_batch
from molmix_bench.transfer.rows import (
    HEAD,
    TAIL,
    RowCounts,
    batches_of,
    fingerprints_of,
    head_columns,
    tail_columns,
)
from molmix_bench.transfer.stream import Reading, TableWriter, check_form, open_table, stream

EMBEDDING = "embedding"
SCHEMA = pa.schema([*HEAD, pa.field(EMBEDDING, pa.list_(pa.float32())), *TAIL])


@dataclass(frozen=True, slots=True)
class Embedded:
    """What `embed_table` has written."""

    path: Path
    network: str
    layer: int
    width: int
    rows: int
    embedded: int
    problems: dict[str, int]
    """Rows without a vector, by reason."""


def choose_network(ensemble: Ensemble, place: int) -> Network:
    """Returns a network of an ensemble, by its place.

    Raises:
        UsageError: there is no such place.
    """
    if not 0 <= place < len(ensemble.members):
        names = "; ".join(f"{number}: {member.name}" for number, member in enumerate(ensemble.members[:8]))
        expected = f"0 to {len(ensemble.members) - 1} ({names})"
        raise UsageError(str(ensemble.path), found=f"no network {place}", expected=expected)
    return ensemble.members[place].open()


def choose_layer(ensemble: Ensemble, network: Network, layer: int | None) -> int:
    """Returns the number of a layer; the last where None.

    Raises:
        UsageError: the network has no such layer.
    """
    last = network.num_layers
    if layer is not None and not 0 <= layer <= last:
        expected = f"0, for atoms as they are encoded, to {last}, the last" if last else "0: its layers are not ours"
        raise UsageError(str(ensemble.path), found=f"no layer {layer}", expected=expected)
    return last if layer is None else layer


def embed_table(
    ensemble: Ensemble,
    path: Path,
    out: Path,
    *,
    layer: int | None = None,
    place: int = 0,
    reading: Reading | None = None,
) -> Embedded:
    """Writes a vector for each molecule of a file, in the order of its rows, in memory that does not grow with them.

    What is no molecule has a row too, with the reason.

    Args:
        ensemble: whose network embeds.
        path: CSV, TSV or parquet.
        out: the parquet file to write.
        layer: 0 for atoms as they are first encoded, n for those after layer n, pooled as the network pools; None for
            the last.
        place: of the network among the ensemble's: its seeds, or its folds and seeds.
        reading: columns, processes and device.

    Raises:
        UsageError: there is no such file, column, network or layer.
        SourceError: the file is damaged.
    """
    check_form(out, SCHEMA)
    reading = reading or Reading()
    network = choose_network(ensemble, place)
    number = choose_layer(ensemble, network, layer)
    table = open_table(path, reading.smiles)
    network.to(reading.device)
    counts, width = RowCounts(), 0
    with written_whole(out) as part, TableWriter(part, out, SCHEMA) as writer:
        for chunk in stream(table, Demand(ensemble.spec.features, ensemble.fingerprint), workers=reading.workers):
            vectors = embed_chunk(network, chunk, number, device=reading.device)
            width = max(width, vectors.shape[1])
            writer.write(_rows(chunk, vectors, counts))
    name = ensemble.members[place].name
    return Embedded(out, name, number, width, counts.rows, counts.good, dict(sorted(counts.problems.items())))


def embed_chunk(network: Network, chunk: Chunk, layer: int, *, device: torch.device | str) -> FloatArray:
    """Returns the vectors of a chunk's molecules, (n, width) float32; (0, 0) without any."""
    table = fingerprints_of(chunk)
    parts = [embed_batch(network, batch.to(device), layer, table=table) for batch in batches_of(chunk)]
    return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)


def _rows(chunk: Chunk, vectors: FloatArray, counts: RowCounts) -> pa.Table:
    good = np.atleast_1d(np.isfinite(vectors).all(axis=1))
    lengths = np.zeros(len(chunk.smiles), np.int64)
    lengths[chunk.places[good]] = vectors.shape[1]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    flat = pa.array(vectors[good].ravel().astype(np.float32))
    lists = pa.ListArray.from_arrays(pa.array(offsets), flat, mask=pa.array(lengths == 0))
    return pa.table([*head_columns(chunk), lists, *tail_columns(chunk, good, counts)], schema=SCHEMA)
