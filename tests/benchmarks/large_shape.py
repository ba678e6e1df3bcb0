"""A mix of LargeMix's shape and any size: labels drawn at random, molecules by number, no chemistry.

Every molecule has labels of 1,328 assays, 11 % of them there, 25 numbers of its own and four of each of its atoms;
one in 500 rows repeats the molecule before it. All steps of a build run as they are but for two calls: reading a file
gives rows drawn here, and standardising a SMILES gives a made-up identity in place of RDKit's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa

from molmix_bench.build import ingest as ingest_module
from molmix_bench.build import standardize as standardize_module
from molmix_bench.build.engine import Task
from molmix_bench.build.local import LocalEngine
from molmix_bench.chem.molecule import Molecule, Numbering
from molmix_bench.layout.cells import list_array
from molmix_bench.layout.choose import layout_of
from molmix_bench.sources.chunk import RawChunk, no_problems
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.mix import MixSpec

NUM_ASSAYS = 1_328
LABELLED = 0.11
NUM_PROPERTIES = 25
NUM_ATOM_PROPERTIES = 4
REPEATED = 500


def write_spec(folder: Path, num_molecules: int) -> MixSpec:
    """Returns the mix; its raw files, in `folder`, hold their number of rows only."""
    sources = []
    for name, datasets in (
        ("assays", {"assays": ("graph", "binary", NUM_ASSAYS)}),
        (
            "quantum",
            {
                "quantum_graph": ("graph", "regression", NUM_PROPERTIES),
                "quantum_node": ("node", "regression", NUM_ATOM_PROPERTIES),
            },
        ),
    ):
        (folder / f"{name}.csv").write_text(f"smiles,rows\nC,{num_molecules}\n", encoding="utf-8")
        sources.append(
            {
                "name": name,
                "title": name,
                "description": name,
                "licence": "CC0-1.0",
                "citation": f"@misc{{{name}}}",
                "files": [{"name": f"{name}.csv"}],
                "reader": {"form": "table", "smiles": "smiles"},
                "datasets": {
                    key: {
                        "description": key,
                        "level": level,
                        "kind": kind,
                        "duplicates": "majority" if kind == "binary" else "mean",
                        "tasks": [{"name": f"t{task}", "description": f"task {task}"} for task in range(count)],
                    }
                    for key, (level, kind, count) in datasets.items()
                },
            }
        )
    data = {
        "name": "large_shape",
        "version": "1.0.0",
        "title": "Large",
        "description": "LargeMix's shape",
        "citation": "@misc{large}",
        "sources": sources,
        "split": {"validation": 0.04, "test": 0.04},
    }
    return validate_spec(MixSpec, data, where="large_shape")


class DrawnEngine(LocalEngine):
    """The local engine, with drawn rows for read ones and made-up identities for RDKit's."""

    def execute(self, step: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, object]]:
        """Yields each piece with its value as it finishes."""
        drawn = [Task(task.name, partial(_call_drawn, step, task.call), task.size) for task in tasks]
        by_drawn = dict(zip(map(id, drawn), tasks, strict=True))
        for task, value in super().execute(step, drawn):
            yield by_drawn[id(task)], value


def _call_drawn(step: str, call):
    if step == "ingest":
        with patch.object(ingest_module, "_chunks", _draw_chunks):
            return call()
    if step == "standardize":
        with patch.object(standardize_module, "standardize", _make_up):
            return call()
    return call()


def _num_atoms(molecule: int) -> int:
    return 8 + molecule % 13


def _smiles(row: int) -> str:
    molecule = row - 1 if row % REPEATED == 1 else row
    return f"{'C' * _num_atoms(molecule)}|{molecule}"


def _make_up(smiles: str, *, max_atoms: int, numbered: bool = False) -> Molecule:
    num_atoms = smiles.index("|")
    digest = hashlib.blake2b(smiles.encode(), digest_size=25).digest()
    letters = "".join(chr(ord("A") + byte % 26) for byte in digest)
    mol_id = f"{letters[:14]}-{letters[14:24]}-{letters[24]}"
    numbering = Numbering(tuple(range(num_atoms)), num_atoms) if numbered else None
    return Molecule(mol_id=mol_id, smiles=smiles, inchikey=mol_id, num_atoms=num_atoms, numbering=numbering)


def _draw_chunks(plan, input_index: int) -> Iterator[RawChunk]:
    item = plan.inputs[input_index]
    source = plan.sources[item.source]
    num_rows = int(item.path.read_text(encoding="utf-8").rpartition(",")[2])
    for start in range(0, num_rows, plan.layout.rows_per_chunk):
        rows = range(start, min(num_rows, start + plan.layout.rows_per_chunk))
        smiles = [_smiles(row) for row in rows]
        atoms = tuple(text.index("|") for text in smiles)
        yield RawChunk(
            start=start,
            smiles=pa.array(smiles),
            problems=no_problems(len(rows)),
            labels={name: _draw_labels(name, layout_of(dataset).schema, atoms) for name, dataset in _named(source)},
            spread={name: np.zeros(len(rows)) for name in source.datasets},
        )


def _named(source):
    return source.datasets.items()


def _draw_labels(name: str, schema: pa.Schema, atoms: tuple[int, ...]) -> pa.Table:
    rng = np.random.default_rng(len(atoms))
    if name == "assays":
        return _draw_assays(schema, len(atoms))
    if name == "quantum_graph":
        return pa.table([pa.array(rng.normal(size=len(atoms)).astype(np.float32)) for _ in schema], schema=schema)
    values = pa.array(rng.normal(size=sum(atoms)).astype(np.float32))
    return pa.table([list_array(values, np.array(atoms)) for _ in schema], schema=schema)


@lru_cache(maxsize=2)
def _draw_assays(schema: pa.Schema, num_rows: int) -> pa.Table:
    rng = np.random.default_rng(num_rows)
    lengths = rng.binomial(NUM_ASSAYS, LABELLED, num_rows)
    order = rng.random((256, NUM_ASSAYS)).argsort(axis=1).astype(np.int16)
    tasks = np.concatenate([np.sort(order[row % 256, :length]) for row, length in enumerate(lengths)])
    labels = (rng.random(len(tasks)) < 0.05).astype(np.int8)
    return pa.table([list_array(pa.array(tasks), lengths), list_array(pa.array(labels), lengths)], schema=schema)
