"""Files of LargeMix's shape and of any size, and how they are built without RDKit's time for each molecule.

Every molecule has labels of 1,328 assays, 11 % of them there, 25 numbers of its own and four of each of its atoms; one
in 500 rows repeats the molecule before it. There are two parquet files, with the columns and row groups of upstream's.

A pool of generated molecules goes through RDKit once. The molecules of the files are those of the pool, each with one
or two fragments more (a noble gas, an ion, a small molecule): real SMILES, which featurising parses, one by one.
In the build alone, what RDKit would say of such a molecule is composed from what it said of the one in the pool, whose
number stands behind the SMILES as its title, and its identity is made up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from molmix_bench.build import standardize as standardize_module
from molmix_bench.build.engine import Task
from molmix_bench.build.local import LocalEngine
from molmix_bench.chem.generate import generate_chunk
from molmix_bench.chem.molecule import Molecule, Numbering, standardize_all
from molmix_bench.layout.cells import list_array
from molmix_bench.parallel import map_in_order
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.mix import MixSpec

NUM_ASSAYS = 1_328
LABELLED = 0.11
NUM_PROPERTIES = 25
NUM_ATOM_PROPERTIES = 4
REPEATED = 500
FRAGMENTS = (
    *("[He]", "[Ne]", "[Ar]", "[Kr]", "[Xe]", "[Li+]", "[Na+]", "[K+]", "[Rb+]", "[Cs+]", "[F-]", "[Cl-]", "[Br-]"),
    *("[I-]", "F", "Cl", "Br", "I", "O", "S", "N", "C", "[Mg+2]", "[Ca+2]", "[Sr+2]", "[Ba+2]", "[Zn+2]", "[Cu+2]"),
)
"""One atom each."""
_ROW_GROUP = 1 << 20
"""Rows; what pyarrow wrote by default when upstream's files were made."""
_ROWS_AT_ONCE = 32_768
_CHUNK = 2_000
_POOL = pa.schema(
    {"smiles": pa.string(), "mol_id": pa.string(), "inchikey": pa.string(), "order": pa.list_(pa.int16())}
)


def make_pool(path: Path, size: int, *, workers: int) -> None:
    """Writes what RDKit says of so many generated molecules."""
    starts = range(0, size, _CHUNK)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, _POOL) as writer:
        for batch in map_in_order(partial(_pool_batch, size), starts, workers=workers):
            writer.write_batch(batch)


def _pool_batch(size: int, start: int) -> pa.RecordBatch:
    smiles = generate_chunk(start, min(size, start + _CHUNK), num_molecules=size, seed=0)
    found = standardize_all(smiles, max_atoms=1_000, numbered=True)
    return pa.RecordBatch.from_pylist(
        [
            {"smiles": item.smiles, "mol_id": item.mol_id, "inchikey": item.inchikey, "order": item.numbering.raw}
            for item in found
        ],
        schema=_POOL,
    )


def write_files(folder: Path, num_molecules: int, pool: Path) -> MixSpec:
    """Writes the raw files of so many rows to a folder, and returns their mix."""
    assays = [f"assay{task}" for task in range(NUM_ASSAYS)]
    properties = [f"graph_{task}" for task in range(NUM_PROPERTIES)]
    of_atoms = [f"node_{task}" for task in range(NUM_ATOM_PROPERTIES)]
    _write(folder / "assays.parquet", num_molecules, pool, assays, partial(_draw_assays, len(assays)))
    _write(
        folder / "quantum.parquet",
        num_molecules,
        pool,
        [*properties, *of_atoms],
        lambda atoms: [*_draw_numbers(atoms), *_draw_lists(atoms)],
    )
    quantum = {
        "quantum_graph": _dataset("graph", "regression", properties),
        "quantum_node": _dataset("node", "regression", of_atoms),
    }
    sources = [_source("assays", {"assays": _dataset("graph", "binary", assays)}), _source("quantum", quantum)]
    data = {
        **_titled("large_shape"),
        "version": "1.0.0",
        "sources": sources,
        "split": {"validation": 0.04, "test": 0.04},
    }
    return validate_spec(MixSpec, data, where="large_shape")


def _titled(name: str) -> dict[str, str]:
    return {"name": name, "title": name, "description": name, "citation": f"@misc{{{name}}}"}


def _source(name: str, datasets: dict[str, object]) -> dict[str, object]:
    reader = {"form": "table", "smiles": "smiles"}
    files = [{"name": f"{name}.parquet"}]
    return {**_titled(name), "licence": "CC0-1.0", "files": files, "reader": reader, "datasets": datasets}


def _dataset(level: str, kind: str, columns: list[str]) -> dict[str, object]:
    policy = "majority" if kind == "binary" else "mean"
    tasks = [{"name": column, "description": column} for column in columns]
    return {"description": level, "level": level, "kind": kind, "duplicates": policy, "tasks": tasks}


def _write(path: Path, num_rows: int, pool: Path, columns: list[str], draw) -> None:
    known = open_pool(pool)
    writer = None
    for begin in range(0, num_rows, _ROW_GROUP):
        stop = min(num_rows, begin + _ROW_GROUP)
        group = pa.Table.from_batches(
            _batch(known, range(start, min(stop, start + _ROWS_AT_ONCE)), columns, draw)
            for start in range(begin, stop, _ROWS_AT_ONCE)
        )
        writer = writer or pq.ParquetWriter(path, group.schema)
        writer.write_table(group, row_group_size=_ROW_GROUP)
    writer.close()


def _batch(known: _Pool, rows: range, columns: list[str], draw) -> pa.RecordBatch:
    smiles = [smiles_of_row(known, row) for row in rows]
    atoms = atoms_of_rows(known, np.array(rows))
    return pa.RecordBatch.from_arrays([pa.array(smiles), *draw(atoms)], names=["smiles", *columns])


def _draw_assays(num_assays: int, atoms) -> list[pa.Array]:
    return [column.slice(0, len(atoms)) for column in _assay_columns(num_assays)]


@cache
def _assay_columns(num_assays: int) -> list[pa.Array]:
    """Returns columns drawn once and used for every batch of rows: merging looks at molecules, not at patterns."""
    rng = np.random.default_rng(0)
    shape = (num_assays, _ROWS_AT_ONCE)
    absent = rng.random(shape, np.float32) >= LABELLED
    active = rng.random(shape, np.float32) < 0.05
    return [pa.array(ones.astype(np.float32), mask=mask) for ones, mask in zip(active, absent, strict=True)]


def _draw_numbers(atoms) -> list[pa.Array]:
    rng = np.random.default_rng(1)
    return [pa.array(rng.normal(size=len(atoms)).astype(np.float32)) for _ in range(NUM_PROPERTIES)]


def _draw_lists(atoms) -> list[pa.Array]:
    rng = np.random.default_rng(2)
    values = [pa.array(rng.normal(size=int(atoms.sum())).astype(np.float32)) for _ in range(NUM_ATOM_PROPERTIES)]
    return [list_array(column, atoms) for column in values]


class _Pool(NamedTuple):
    table: pa.Table
    num_atoms: np.ndarray


@cache
def open_pool(path: Path) -> _Pool:
    """Returns what `make_pool` wrote."""
    table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    return _Pool(table, np.concatenate([chunk.value_lengths().to_numpy() for chunk in table["order"].chunks]))


def smiles_of_row(pool: _Pool, row: int) -> str:
    """Returns a row's SMILES, with its number in the pool as title."""
    turn, number = divmod(_molecule_of(row), len(pool.num_atoms))
    return f"{'.'.join([pool.table['smiles'][number].as_py(), *_added(turn)])} {number}"


def atoms_of_rows(pool: _Pool, rows: np.ndarray) -> np.ndarray:
    """Returns the number of atoms of each row."""
    turns, numbers = np.divmod(_molecule_of(rows), len(pool.num_atoms))
    added = np.array([len(_added(turn)) for turn in range(turns.max(initial=0) + 1)])
    return pool.num_atoms[numbers] + added[turns]


def _molecule_of(row):
    return row - (row % REPEATED == 1)


def _added(turn: int) -> list[str]:
    more = [FRAGMENTS[turn // len(FRAGMENTS) - 1]] if turn >= len(FRAGMENTS) else []
    return [FRAGMENTS[turn % len(FRAGMENTS)], *more]


class PoolEngine(LocalEngine):
    """The local engine, where `standardize` asks the pool instead of RDKit, and which notes in a file where it is."""

    def __init__(self, pool: Path, notes: Path, *, workers: int) -> None:
        super().__init__(workers=workers)
        self._file = pool
        self._notes = notes

    def execute(self, step: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, object]]:
        """Yields each piece with its value as it finishes."""
        self._notes.write_text(step, encoding="utf-8")
        yield from self._execute(step, tasks)
        self._notes.write_text(f"after {step}", encoding="utf-8")

    def _execute(self, step: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, object]]:
        if step != "standardize":
            yield from super().execute(step, tasks)
            return
        pooled = [Task(task.name, partial(_call_with_pool, self._file, task.call), task.size) for task in tasks]
        by_pooled = dict(zip(map(id, pooled), tasks, strict=True))
        for task, value in super().execute(step, pooled):
            yield by_pooled[id(task)], value


def _call_with_pool(pool: Path, call):
    with patch.object(standardize_module, "standardize_apart", partial(_ask_pool, pool)):
        return call()


def _ask_pool(pool: Path, smiles: Iterable[str], *, max_atoms: int, numbered: bool = False) -> list[Molecule]:
    known = open_pool(pool)
    texts = [text.rpartition(" ") for text in smiles]
    found = known.table.take(pa.array([int(number) for _, _, number in texts], pa.int64())).to_pylist()
    return [_vary(item, text, numbered=numbered) for (text, _, _), item in zip(texts, found, strict=True)]


def _vary(item: dict[str, Any], smiles: str, *, numbered: bool) -> Molecule:
    added = smiles.removeprefix(item["smiles"])
    digest = hashlib.blake2b(f"{item['mol_id']}{added}".encode(), digest_size=25).digest()
    letters = "".join(chr(ord("A") + byte % 26) for byte in digest)
    old = len(item["order"])
    size = old + added.count(".")
    return Molecule(
        mol_id=f"{letters[:14]}-{letters[14:24]}-{letters[24]}",
        smiles=smiles,
        inchikey=item["inchikey"],
        num_atoms=size,
        numbering=Numbering((*item["order"], *range(old, size)), size) if numbered else None,
    )
