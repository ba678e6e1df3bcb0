"""A build of LargeMix's shape that begins behind routing: merge and write alone, of any number of molecules.

What reading and standardising would have left is written down as it would have been: for every molecule of
`large_shape` an identity made up from its number, and labels of the same pattern for every chunk of rows. The two raw
files are there for the plan and need not have more than some rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from molmix_bench.build.buckets import write_buckets, write_table
from molmix_bench.build.engine import Task
from molmix_bench.build.ingest import ROW
from molmix_bench.build.ledger import drops_table
from molmix_bench.build.paths import findings_file, part_name, routed_file
from molmix_bench.build.plan import Plan
from molmix_bench.build.route import INPUT, Part, partition_of
from molmix_bench.build.standardize import GROUP, MOLECULES_SCHEMA, NUM_ATOMS
from molmix_bench.layout.cells import list_array
from molmix_bench.layout.choose import layout_of
from molmix_bench.sources.read import MAX_CELLS
from molmix_bench.vocab import INCHIKEY, LABEL, MOL_ID, SMILES, TASK_IDX, Level
from tests.benchmarks.large_shape import LABELLED, NUM_ASSAYS, PoolEngine, atoms_of_rows, open_pool, smiles_of_row

_ROWS_PER_PART = MAX_CELLS // NUM_ASSAYS
"""As many as reading gives at once where there are 1,328 assays."""


class MergeEngine(PoolEngine):
    """The local engine, which makes up what the steps before `split` would have left."""

    def __init__(self, pool: Path, notes: Path, *, workers: int, num_molecules: int) -> None:
        super().__init__(pool, notes, workers=workers)
        self._pool_file = pool
        self._num_molecules = num_molecules

    def execute(self, step: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, object]]:
        """Yields each piece with its value as it finishes."""
        if step == "ingest":
            for task in tasks:
                plan, position = task.call.args
                yield task, _ingested(plan, position, self._num_molecules, self._pool_file)
        elif step == "standardize":
            yield from ((task, {"distinct": 0}) for task in tasks)
        elif step == "route":
            made_up = [Task(task.name, partial(_route, self._pool_file, task.call), task.size) for task in tasks]
            by_made_up = dict(zip(map(id, made_up), tasks, strict=True))
            for task, value in super().execute(step, made_up):
                yield by_made_up[id(task)], value
        else:
            yield from super().execute(step, tasks)


def _ingested(plan: Plan, position: int, num_molecules: int, pool: Path) -> dict[str, Any]:
    """Returns what the ingest step would have said of a file with a row a molecule."""
    rows = [min(_ROWS_PER_PART, num_molecules - start) for start in range(0, num_molecules, _ROWS_PER_PART)]
    labels = dict.fromkeys(plan.sources[plan.inputs[position].source].datasets, 0)
    for part, size in enumerate(rows):
        atoms = atoms_of_rows(open_pool(pool), _numbers(part, size))
        for name in labels:
            labels[name] += int(_counts(plan, name, atoms).sum())
    return {
        "parts": [part_name(position, part) for part in range(len(rows))],
        "rows": rows,
        "read": num_molecules,
        "labels": labels,
        "unsampled_labels": dict.fromkeys(labels, 0),
    }


def _route(pool: Path, call: partial[Any]) -> dict[str, Any]:
    """Writes what routing would have left of a part, and returns what it would have said."""
    plan, part = call.args
    num_partitions = call.keywords["num_partitions"]
    numbers = _numbers(int(part.name.rpartition("-")[2]), part.rows)
    atoms = atoms_of_rows(open_pool(pool), numbers)
    identity = _identity(pool, part, numbers, atoms)
    partition = partition_of(identity[MOL_ID], num_partitions)
    counts = {}
    for name in plan.sources[part.source].datasets:
        labels = _labels(plan, name, atoms)
        schema = pa.schema([*identity.schema, *labels.schema])
        table = pa.Table.from_arrays([*identity.columns, *labels.columns], schema=schema)
        write_buckets(routed_file(plan, part.name, name), table, partition, num_buckets=num_partitions)
        counts[name] = {
            "rows": {},
            "labels": {},
            "sent": np.bincount(partition, minlength=num_partitions).tolist(),
        }
    write_table(findings_file(plan, "route", part.name, "drops"), drops_table([]))
    return counts


def _numbers(part: int, size: int) -> np.ndarray:
    return np.arange(part * _ROWS_PER_PART, part * _ROWS_PER_PART + size)


def _identity(pool: Path, part: Part, numbers: np.ndarray, atoms: np.ndarray) -> pa.Table:
    smiles = [smiles_of_row(open_pool(pool), int(number)) for number in numbers]
    digests = [hashlib.blake2b(text.encode(), digest_size=25).digest() for text in smiles]
    letters = [bytes(ord("A") + byte % 26 for byte in digest).decode() for digest in digests]
    mol_ids = [f"{text[:14]}-{text[14:24]}-{text[24]}" for text in letters]
    fields = [MOLECULES_SCHEMA.field(name) for name in (MOL_ID, SMILES, INCHIKEY, GROUP, NUM_ATOMS)]
    fields += [pa.field(INPUT, pa.int32()), pa.field(ROW, pa.int64())]
    no_groups = [None] * len(smiles)
    columns = [mol_ids, smiles, mol_ids, no_groups, atoms, np.full(len(smiles), part.input_index), numbers]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    return pa.table(arrays, schema=pa.schema(fields))


def _counts(plan: Plan, name: str, atoms: np.ndarray) -> np.ndarray:
    dataset = plan.datasets[name][1]
    if dataset.level is Level.NODE:
        return atoms * len(dataset.tasks)
    if len(dataset.tasks) < NUM_ASSAYS:
        return np.full(len(atoms), len(dataset.tasks))
    return layout_of(dataset).count(_assays().slice(0, len(atoms)))


def _labels(plan: Plan, name: str, atoms: np.ndarray) -> pa.Table:
    dataset = plan.datasets[name][1]
    if len(dataset.tasks) == NUM_ASSAYS:
        return _assays().slice(0, len(atoms))
    layout = layout_of(dataset)
    rng = np.random.default_rng(0)
    if dataset.level is Level.NODE:
        drawn = [pa.array(rng.normal(size=int(atoms.sum())).astype(np.float32)) for _ in dataset.tasks]
        columns = [list_array(values, atoms) for values in drawn]
    else:
        columns = [pa.array(rng.normal(size=len(atoms)).astype(np.float32)) for _ in dataset.tasks]
    return pa.table(columns, schema=layout.schema)


@cache
def _assays() -> pa.Table:
    """Returns labels of as many rows as a part has, drawn once in each process."""
    rng = np.random.default_rng(0)
    shape = (_ROWS_PER_PART, NUM_ASSAYS)
    row, task = np.nonzero(rng.random(shape, np.float32) < LABELLED)
    lengths = np.bincount(row, minlength=_ROWS_PER_PART)
    active = (rng.random(len(row), np.float32) < 0.05).astype(np.int8)
    return pa.table(
        {TASK_IDX: list_array(pa.array(task.astype(np.int16)), lengths), LABEL: list_array(pa.array(active), lengths)}
    )
