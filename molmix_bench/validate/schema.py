"""Check: columns, types, order and nulls of every table are those of the data contract."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from molmix_bench.build.describe import TASKS_SCHEMA
from molmix_bench.build.ledger import CONFLICTS_SCHEMA, DROPS_SCHEMA
from molmix_bench.mix import Mix
from molmix_bench.validate.findings import Finding, Severity
from molmix_bench.vocab import (
    CONFLICTS_FILE,
    DROPS_FILE,
    IDENTITY_COLUMNS,
    INCHIKEY,
    MIX_CONFIG,
    MOL_ID,
    SMILES,
    TASKS_FILE,
)

CHECK = "schema"


def check_schema(mix: Mix) -> Iterator[Finding]:
    """Yields tables whose columns or types are not the contract's, and rows out of order or without identity."""
    for name, schema in ((TASKS_FILE, TASKS_SCHEMA), (DROPS_FILE, DROPS_SCHEMA), (CONFLICTS_FILE, CONFLICTS_SCHEMA)):
        yield from _compare(name, pq.read_schema(mix.path / name), schema)
    identity = [pa.field(column, pa.string()) for column in IDENTITY_COLUMNS]
    lists = [pa.field(name, dataset.layout.mix_type) for name, dataset in mix.datasets.items()]
    expected = {
        name: (pa.schema([*identity, *dataset.layout.schema]), dataset.splits) for name, dataset in mix.datasets.items()
    }
    expected[MIX_CONFIG] = (pa.schema([*identity[:2], *lists]), mix.splits)
    for config, (schema, splits) in expected.items():
        for split in splits:
            files = mix.files(config, split)
            for path in files:
                yield from _compare(path.relative_to(mix.path).as_posix(), pq.read_schema(path), schema)
            yield from _check_rows(mix, config, split)


def _compare(where: str, found: pa.Schema, expected: pa.Schema) -> Iterator[Finding]:
    if found.names != expected.names:
        missing = [name for name in expected.names if name not in found.names]
        extra = [name for name in found.names if name not in expected.names]
        detail = f"missing {missing}, unexpected {extra}" if missing or extra else "in another order"
        yield Finding(CHECK, Severity.ERROR, where, f"columns are not the contract's: {detail}")
        return
    for have, want in zip(found, expected, strict=True):
        if have.type != want.type:
            yield Finding(CHECK, Severity.ERROR, where, f"column {have.name!r} is {have.type}, expected {want.type}")


def _check_rows(mix: Mix, config: str, split: str) -> Iterator[Finding]:
    scan = mix.scan(config, split)
    columns = scan.collect_schema()
    required = [name for name in columns.names() if name in (MOL_ID, SMILES) or columns[name].is_nested()]
    facts = scan.select(
        (pl.col(MOL_ID) <= pl.col(MOL_ID).shift(1)).sum().alias("/disorder"),
        *(pl.col(name).null_count() for name in required if name != INCHIKEY),
    ).collect()
    where = f"{config}/{split}"
    if disorder := facts["/disorder"].item():
        yield Finding(CHECK, Severity.ERROR, where, "rows are not strictly sorted by mol_id", int(disorder))
    for name in required:
        if nulls := facts[name].item():
            yield Finding(CHECK, Severity.ERROR, where, f"column {name!r} holds nulls; it never may", int(nulls))
