"""Drops and conflicts: the tables that say what happened to every row that is not in the mix as it was read."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pyarrow as pa

from molmix_bench.vocab import DropReason, Policy, Split

DROPS_SCHEMA = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("file", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("dataset", pa.string()),
        pa.field("task", pa.string()),
        pa.field("smiles", pa.string()),
        pa.field("value", pa.string()),
        pa.field("labels", pa.int32()),
        pa.field("reason", pa.string()),
        pa.field("detail", pa.string()),
    ]
)
"""`row` counts from 0 within the file, header not counted; `task` null: the whole row; `labels`: how many went."""

CONFLICTS_SCHEMA = pa.schema(
    [
        pa.field("dataset", pa.string()),
        pa.field("split", pa.string()),
        pa.field("mol_id", pa.string()),
        pa.field("task", pa.string()),
        pa.field("node", pa.int32()),
        pa.field("files", pa.list_(pa.string())),
        pa.field("rows", pa.list_(pa.int64())),
        pa.field("values", pa.list_(pa.float64())),
        pa.field("policy", pa.string()),
        pa.field("merged", pa.float64()),
    ]
)
"""One row per cell in which duplicates disagree; `merged` is null where the policy names no winner."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A row of a dataset, or labels of one task in a row, that are not in the mix."""

    source: str
    dataset: str
    file: str
    row: int
    reason: DropReason
    detail: str
    labels: int
    smiles: str | None = None
    task: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A label on which duplicates of a molecule disagree."""

    dataset: str
    split: Split
    mol_id: str
    task: str
    files: tuple[str, ...]
    rows: tuple[int, ...]
    values: tuple[float, ...]
    policy: Policy
    merged: float | None
    node: int | None = None


def drops_table(drops: list[Drop]) -> pa.Table:
    """Returns drops as rows of `drops.parquet`."""
    return pa.Table.from_pylist([asdict(drop) for drop in drops], schema=DROPS_SCHEMA)


def conflicts_table(conflicts: list[Conflict]) -> pa.Table:
    """Returns conflicts as rows of `conflicts.parquet`."""
    return pa.Table.from_pylist([asdict(conflict) for conflict in conflicts], schema=CONFLICTS_SCHEMA)
