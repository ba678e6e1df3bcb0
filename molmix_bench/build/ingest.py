"""Step 1, per raw input: read, check and type every row; part SMILES from labels.

SMILES go into buckets by their own text, so that each distinct one is standardised once, however many rows,
datasets and sources hold it. Labels stay in the order of rows. Rows that the mix's sample leaves out end here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from molmix_bench.build.buckets import write_buckets, write_table
from molmix_bench.build.paths import labels_file, numbers_file, part_name, rows_file
from molmix_bench.build.plan import Plan
from molmix_bench.layout.choose import layout_of
from molmix_bench.sources.chunk import RawChunk
from molmix_bench.sources.read import read_chunks
from molmix_bench.vocab import Policy

# The slash keeps these apart from tasks, whose names have none.
POSITION, RAW_SMILES, PROBLEM = "/position", "/raw_smiles", "/problem"
ROW, SPREAD = "/row", "/spread"


def ingest(plan: Plan, input_index: int) -> dict[str, Any]:
    """Reads one raw input into parts.

    Returns:
        `parts`: their names in order; `rows`: rows of each that the sample keeps; `read`: rows read in all;
        `labels`, `unsampled_labels`: per dataset, labels read, and those of them in rows left out.
    """
    item = plan.inputs[input_index]
    source = plan.sources[item.source]
    layouts = {name: layout_of(dataset) for name, dataset in source.datasets.items()}
    labels, unsampled = dict.fromkeys(layouts, 0), dict.fromkeys(layouts, 0)
    parts, rows, read = [], [], 0
    for position, chunk in enumerate(_chunks(plan, input_index)):
        part = part_name(input_index, position)
        sampled = _sample(chunk.smiles, plan.spec.sample)
        _write_rows(plan, part, chunk, sampled)
        for name, table in chunk.labels.items():
            counts = layouts[name].count(table)
            labels[name] += int(counts.sum())
            unsampled[name] += int(counts[~sampled].sum())
            by_spread = source.datasets[name].duplicates is Policy.MAX_VARIANCE
            whole = table.append_column(SPREAD, pa.array(chunk.spread[name])) if by_spread else table
            write_table(labels_file(plan, part, name), whole.filter(pa.array(sampled)))
        parts.append(part)
        rows.append(int(sampled.sum()))
        read += chunk.num_rows
    return {"parts": parts, "rows": rows, "read": read, "labels": labels, "unsampled_labels": unsampled}


def _chunks(plan: Plan, input_index: int) -> Iterator[RawChunk]:
    item = plan.inputs[input_index]
    return read_chunks(
        plan.sources[item.source],
        path=item.path,
        companions=item.companions,
        chunk=item.chunk,
        rows_per_chunk=plan.layout.rows_per_chunk,
    )


def _sample(smiles: pa.Array, fraction: float | None) -> npt.NDArray[np.bool_]:
    """Returns which rows a sample keeps: by a keyed hash of the raw SMILES, so that the rest costs no chemistry."""
    if fraction is None:
        return np.ones(len(smiles), dtype=bool)
    key = b"molmix-sample"
    digests = b"".join(
        hashlib.blake2b((text or "").strip().encode(), digest_size=8, key=key).digest() for text in smiles.to_pylist()
    )
    kept: npt.NDArray[np.bool_] = np.frombuffer(digests, dtype=">u8") / 2.0**64 < fraction
    return kept


def _write_rows(plan: Plan, part: str, chunk: RawChunk, sampled: npt.NDArray[np.bool_]) -> None:
    buckets = plan.layout.num_smiles_buckets
    numbers = np.arange(chunk.start, chunk.start + chunk.num_rows, dtype=np.int64)[sampled]
    write_table(numbers_file(plan, part), pa.table({ROW: numbers}))
    smiles = chunk.smiles.filter(pa.array(sampled))
    table = pa.table(
        {
            POSITION: np.arange(len(numbers), dtype=np.int32),
            RAW_SMILES: smiles,
            PROBLEM: chunk.problems.filter(pa.array(sampled)),
        }
    )
    # Which bucket holds which SMILES is seen by nobody outside this build; polars may change its hash.
    hashes = pl.Series(pc.fill_null(smiles, "")).hash(seed=0).to_numpy()
    write_buckets(rows_file(plan, part), table, hashes % np.uint64(buckets), num_buckets=buckets)
