"""Step 5, per partition of molecules: choose each molecule's SMILES, assign splits, merge duplicates.

A partition holds all rows of its molecules, of all datasets, so that everything here is local.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from molmix_bench.build.buckets import read_bucket, write_table
from molmix_bench.build.groups import DatasetMerge
from molmix_bench.build.index import RowIndex
from molmix_bench.build.ledger import Conflict, Drop, conflicts_table, drops_table
from molmix_bench.build.paths import findings_file, merged_file, routed_file, row_split_file
from molmix_bench.build.plan import Plan
from molmix_bench.build.split import SplitCodes, split_keys, unite_splits
from molmix_bench.build.standardize import GROUP, MOLECULES_SCHEMA, NUM_ATOMS
from molmix_bench.build.tables import mix_table
from molmix_bench.layout.cells import Ints
from molmix_bench.layout.choose import layout_of
from molmix_bench.parallel import give_back_memory
from molmix_bench.vocab import IDENTITY_COLUMNS, MIX_CONFIG, MOL_ID, SMILES, SPLITS, Split


def merge_partition(plan: Plan, partition: int, index: RowIndex) -> dict[str, Any]:
    """Merges one partition and writes a table per dataset and split, and the mix table per split.

    Returns:
        Per dataset: rows and labels by split, rows and labels merged and dropped, distinct molecules, conflicts;
        `mix`: rows and labels by split; `molecules`: distinct molecules; `bytes`: sizes by config and split.
    """
    routed = {
        name: read_bucket([routed_file(plan, part, name) for part in index.parts[name]], partition)
        for name in plan.datasets
    }
    molecules = _choose_molecules(routed)
    members = {name: _positions(table[MOL_ID], molecules[MOL_ID]) for name, table in routed.items()}
    codes = _assign_splits(plan, index, routed=routed, molecules=molecules, members=members)
    summary: dict[str, Any] = {"datasets": {}, "mix": {}, "bytes": {}}
    merged: dict[Split, dict[str, pa.Table]] = {split: {} for split in SPLITS}
    conflicts: list[Conflict] = []
    drops: list[Drop] = []
    for name in plan.datasets:
        # What is done with is let go: a partition may take half of a worker's memory.
        result = DatasetMerge(plan, name, molecules)(routed.pop(name), members.pop(name), codes.pop(name))
        give_back_memory()
        conflicts += result.conflicts
        drops += result.drops
        summary["datasets"][name] = result.counts
        for split, rows in result.tables.items():
            merged[split][name] = rows
            _write(plan, partition, name, split=split, table=rows, summary=summary)
    layouts = {name: layout_of(dataset) for name, (_, dataset) in plan.datasets.items()}
    kept: set[str] = set()
    for split, tables in merged.items():
        if tables:
            table = mix_table(tables, layouts)
            tables.clear()
            kept.update(table[MOL_ID].to_pylist())
            labels = sum(item["splits"].get(split, {"labels": 0})["labels"] for item in summary["datasets"].values())
            summary["mix"][split] = {"rows": table.num_rows, "labels": labels}
            _write(plan, partition, MIX_CONFIG, split=split, table=table, summary=summary)
    summary["molecules"] = len(kept)
    write_table(findings_file(plan, "merge", f"{partition:05d}", "conflicts"), conflicts_table(conflicts))
    write_table(findings_file(plan, "merge", f"{partition:05d}", "drops"), drops_table(drops))
    return summary


def _write(plan: Plan, partition: int, config: str, *, split: Split, table: pa.Table, summary: dict[str, Any]) -> None:
    write_table(merged_file(plan, partition, config, split), table)
    summary["bytes"][f"{config}/{split}"] = table.nbytes


def _choose_molecules(routed: Mapping[str, pa.Table]) -> pa.Table:
    """Returns each molecule once, sorted by mol_id, with the shortest of its canonical SMILES (then the first by text).

    Inputs that are one molecule may still canonicalise apart (resonance forms); the choice must not depend on their
    order, and must be one for all datasets, since atoms are counted along it.
    """
    columns = [*IDENTITY_COLUMNS, GROUP, NUM_ATOMS]
    frames = [pl.from_arrow(table.select(columns)) for table in routed.values()]
    rows = pl.concat([frame for frame in frames if isinstance(frame, pl.DataFrame)]).unique([MOL_ID, SMILES])
    rows = rows.sort(MOL_ID, pl.col(SMILES).str.len_bytes(), SMILES).unique(MOL_ID, keep="first", maintain_order=True)
    schema = pa.schema([MOLECULES_SCHEMA.field(name) for name in columns])
    return rows.to_arrow().cast(schema).combine_chunks()


def _positions(values: pa.ChunkedArray, where: pa.ChunkedArray) -> Ints:
    """Returns the position of each value in a column that holds all of them."""
    found: Ints = pc.index_in(values, value_set=where.combine_chunks()).to_numpy().astype(np.int64)
    return found


def _assign_splits(
    plan: Plan,
    index: RowIndex,
    *,
    routed: Mapping[str, pa.Table],
    molecules: pa.Table,
    members: Mapping[str, Ints],
) -> dict[str, SplitCodes]:
    """Returns the split of every row, per dataset."""
    spec = plan.spec.split
    if spec.method in ("paper", "published"):
        codes = {name: _row_codes(plan, index, name, table) for name, table in routed.items()}
    else:
        of_molecule = split_keys(molecules[GROUP if spec.method == "scaffold" else MOL_ID].to_pylist(), spec)
        codes = {name: of_molecule[rows] for name, rows in members.items()}
    if spec.strict and codes:
        united = unite_splits(
            np.concatenate(list(members.values())),
            np.concatenate(list(codes.values())),
            num_molecules=molecules.num_rows,
        )
        bounds = np.cumsum([len(rows) for rows in members.values()])[:-1]
        codes = dict(zip(codes, np.split(united, bounds), strict=True))
    return codes


def _row_codes(plan: Plan, index: RowIndex, name: str, table: pa.Table) -> SplitCodes:
    of_row = np.load(row_split_file(plan, plan.datasets[name][0]), mmap_mode="r", allow_pickle=False)
    codes: SplitCodes = np.asarray(of_row[index.source_rows(table)])
    return codes
