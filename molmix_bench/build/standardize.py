"""Step 2, per range of buckets of SMILES: every distinct SMILES once through RDKit and InChI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import polars as pl
import pyarrow as pa

from molmix_bench.build.align import NO_RAW
from molmix_bench.build.buckets import read_buckets, write_buckets
from molmix_bench.build.ingest import POSITION, PROBLEM, RAW_SMILES
from molmix_bench.build.paths import molecules_file, rows_file
from molmix_bench.build.plan import Plan
from molmix_bench.chem.apart import standardize_apart
from molmix_bench.chem.molecule import Molecule, Rejected, written_hydrogens
from molmix_bench.chem.scaffold import scaffold_group
from molmix_bench.layout.cells import Ints
from molmix_bench.vocab import INCHIKEY, MOL_ID, SMILES, DropReason, Level

GROUP, NUM_ATOMS, NUMBERING, NUM_RAW = "/group", "/num_atoms", "/numbering", "/num_raw"
REASON, DETAIL = "/reason", "/detail"
MOLECULES_SCHEMA = pa.schema(
    [
        pa.field(MOL_ID, pa.string()),
        pa.field(SMILES, pa.string()),
        pa.field(INCHIKEY, pa.string()),
        pa.field(GROUP, pa.string()),
        pa.field(NUM_ATOMS, pa.int32()),
        pa.field(NUMBERING, pa.list_(pa.int32())),
        pa.field(NUM_RAW, pa.int32()),
        pa.field(REASON, pa.string()),
        pa.field(DETAIL, pa.string()),
    ]
)
"""Either the molecule or the reason why there is none; group and numbering only where the build needs them."""

_DEMAND = "/demand"
_ROWS_AT_ONCE = 8_192

Row = tuple[str | int | tuple[int, ...] | None, ...]


@dataclass(frozen=True, slots=True)
class _Demand:
    """What a source asks of standardisation beside the SMILES."""

    max_atoms: int
    numbered: bool
    hydrogen_labels: bool


def standardize_buckets(plan: Plan, buckets: range, parts: tuple[tuple[str, int], ...]) -> dict[str, Any]:
    """Standardises the SMILES of some buckets and sends each row's molecule back to its part.

    Args:
        plan: the build.
        buckets: which.
        parts: (name, position of its source) of every part, in order.

    Returns:
        `distinct`: number of distinct SMILES that went through RDKit, times the ways in which sources ask for them.
    """
    demands = [
        _Demand(
            source.max_atoms,
            any(dataset.level is Level.NODE for dataset in source.datasets.values()),
            source.hydrogen_labels,
        )
        for source in plan.sources
    ]
    # Sources that ask for the same share the work.
    asked = list(dict.fromkeys(demands))
    tables = [read_buckets(rows_file(plan, part), buckets) for part, _ in parts]
    rows = [table.num_rows for table in tables]
    sender = np.repeat(np.arange(len(parts), dtype=np.int32), rows)
    demand = np.repeat(np.array([asked.index(demands[source]) for _, source in parts], dtype=np.int32), rows)
    table = pa.concat_tables(tables).append_column(_DEMAND, pa.array(demand))
    distinct, place = _distinct(table.select([RAW_SMILES, PROBLEM, _DEMAND]))
    molecules = _standardize_rows(plan, distinct, asked).take(pa.array(place))
    molecules = molecules.append_column(POSITION, table[POSITION])
    write_buckets(molecules_file(plan, buckets.start), molecules, sender, num_buckets=len(parts))
    return {"distinct": distinct.num_rows}


def _distinct(keys: pa.Table) -> tuple[pa.Table, Ints]:
    """Returns the distinct rows, in order of appearance, and for every row the place of its like among them."""
    rows = cast("pl.DataFrame", pl.from_arrow(keys))
    distinct = rows.unique(maintain_order=True, keep="first")
    numbered = distinct.with_row_index("/place")
    places = rows.join(numbered, on=rows.columns, how="left", nulls_equal=True, maintain_order="left")["/place"]
    return distinct.to_arrow(), places.to_numpy().astype(np.int64)


def _standardize_rows(plan: Plan, distinct: pa.Table, demands: list[_Demand]) -> pa.Table:
    """Returns a row of `MOLECULES_SCHEMA` for each; Python objects exist for some thousands of them at once."""
    tables = [MOLECULES_SCHEMA.empty_table()]
    for batch in distinct.to_batches(max_chunksize=_ROWS_AT_ONCE):
        texts, problems, asked = (column.to_pylist() for column in batch.columns)
        done: list[Row] = [()] * len(texts)
        for number, demand in enumerate(demands):
            places = [place for place, one in enumerate(asked) if one == number]
            mine = [(texts[place], problems[place]) for place in places]
            for place, row in zip(places, _standardize_alike(plan, mine, demand), strict=True):
                done[place] = row
        columns = zip(*done, strict=True)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, MOLECULES_SCHEMA, strict=True)]
        tables.append(pa.table(arrays, schema=MOLECULES_SCHEMA))
    return pa.concat_tables(tables).combine_chunks()


def _standardize_alike(plan: Plan, rows: list[tuple[str | None, str | None]], demand: _Demand) -> Iterator[Row]:
    """Yields rows of `MOLECULES_SCHEMA` for pairs of a SMILES and what the reader found wrong with it."""
    sound = [smiles for smiles, problem in rows if smiles is not None and problem is None]
    found = iter(standardize_apart(sound, max_atoms=demand.max_atoms, numbered=demand.numbered))
    for smiles, problem in rows:
        if problem is not None:
            yield _rejected(Rejected(DropReason.UNPARSABLE, problem))
        elif smiles is None:
            yield _rejected(Rejected(DropReason.EMPTY_SMILES, "the SMILES is missing"))
        else:
            result = next(found)
            yield _rejected(result) if isinstance(result, Rejected) else _accepted(plan, result, demand)


def _accepted(plan: Plan, molecule: Molecule, demand: _Demand) -> Row:
    group = scaffold_group(molecule.smiles, molecule.mol_id) if plan.needs_scaffolds else None
    numbering = molecule.numbering
    raw, num_raw = (None, None) if numbering is None else (numbering.raw, numbering.num_raw)
    if raw is not None and not demand.hydrogen_labels:
        hydrogens = written_hydrogens(molecule.smiles)
        raw = tuple(NO_RAW if place in hydrogens else atom for place, atom in enumerate(raw))
    return (molecule.mol_id, molecule.smiles, molecule.inchikey, group, molecule.num_atoms, raw, num_raw, None, None)


def _rejected(result: Rejected) -> Row:
    return (None,) * 7 + (str(result.reason), result.detail)
