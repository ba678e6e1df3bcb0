"""A mix of a few dozen small molecules whose labels follow from their formulas, and runs of a second on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from molmix_bench.mix import Mix
from molmix_bench.specs.base import apply_overrides, validate_spec
from molmix_bench.specs.run import RunSpec
from tests.build.tiny import build_tiny, table_source

ENDS = {"C": -39.5, "O": -75.1, "N": -54.6, "F": -99.7, "Cl": -460.1, "C#N": -92.7}
"""The end of a chain, and its share of a made-up total energy, Hartree."""
MOLECULES = tuple(("C" * length, end) for length in range(1, 13) for end in ENDS)


NUM_TESTS = 104
"""Tasks of `panel`: enough for its labels to be stored as sparse ones."""
DATASETS = ("energies", "groups", "grades", "panel", "atoms")


def build_chains(folder: Path, *, step: float = -39.25) -> Mix:
    """Builds a mix of chains that has every level, kind and form of labels.

    `energies` is regression with a float64 task, `groups` binary with missing labels, `grades` multiclass, `panel`
    sparse, and `atoms` regression of atoms, some of which have no label.

    Args:
        folder: where the raw files and the mix go.
        step: energy of a carbon atom; another one gives another mix of the same name.
    """
    energies = ["smiles,size,energy"]
    groups = ["smiles,oxygen,halogen"]
    for position, (chain, end) in enumerate(MOLECULES):
        size = len(chain) if position % 5 else ""
        energies.append(f"{chain}{end},{size},{step * len(chain) + ENDS[end]:.6f}")
        if position % 3:
            halogen = int(end in ("F", "Cl")) if position % 4 else ""
            groups.append(f"{chain}{end},{int(end == 'O')},{halogen}")
    tasks = [{"name": "size", "description": "-"}, {"name": "energy", "description": "-", "dtype": "float64"}]
    return build_tiny(
        folder,
        table_source("energies", "\n".join([*energies, ""]), folder, tasks=tasks),
        table_source("groups", "\n".join([*groups, ""]), folder, kind="binary"),
        table_source("grades", _grades(), folder, kind="multiclass", num_classes=4),
        table_source("panel", _panel(), folder, kind="binary"),
        atoms_source(folder),
        method="hash",
        validation=0.2,
        test=0.2,
    )


def _grades() -> str:
    """Returns a table of two tasks of four classes: how long a chain is, missing for every seventh, and its end."""
    rows = [
        f"{chain}{end},{min(len(chain) // 3, 3) if position % 7 else ''},{position % len(ENDS) % 4}"
        for position, (chain, end) in enumerate(MOLECULES)
    ]
    return "\n".join(["smiles,length,end", *rows, ""])


def _panel() -> str:
    """Returns a table of very many tasks, one in five of them labelled: whether a chain is longer than task % 8."""
    header = ",".join(["smiles", *(f"t{task}" for task in range(NUM_TESTS))])
    rows = [
        ",".join(
            [
                f"{chain}{end}",
                *(str(int(len(chain) > task % 8)) if (task + position) % 5 == 0 else "" for task in range(NUM_TESTS)),
            ]
        )
        for position, (chain, end) in enumerate(MOLECULES)
    ]
    return "\n".join([header, *rows, ""])


def atoms_source(folder: Path) -> dict[str, Any]:
    """Returns a source of two labels of each carbon, up to 2: its place, and in half the chains that from the end."""
    lists: dict[str, list[list[float | None]]] = {"place": [], "distance": []}
    for position, (chain, end) in enumerate(MOLECULES):
        # `C#N` has two more atoms, of which the first is a carbon; neither is labelled.
        others: list[float | None] = [None] * (2 if end == "C#N" else 1)
        lists["place"].append([min(place, 2) for place in range(len(chain))] + others)
        labelled = position % 2 == 0
        lists["distance"].append(
            [min(place, 2) if labelled else None for place in reversed(range(len(chain)))] + others
        )
    source = table_source("atoms", "smiles,place,distance\n", folder, level="node")
    columns = {name: pa.array(values, pa.list_(pa.float32())) for name, values in lists.items()}
    smiles = [f"{chain}{end}" for chain, end in MOLECULES]
    pq.write_table(pa.table({"smiles": smiles, **columns}), folder / "atoms.parquet")
    return source | {"files": [{"name": "atoms.parquet"}]}


def run_spec(**settings: Any) -> RunSpec:
    """Returns the spec of a small run; settings are `training__epochs=2` for `training.epochs`."""
    data = {
        "name": "small",
        "description": "a small run",
        "mix": "tiny",
        "features": {"rwse": 3, "laplacian": 2},
        "model": {"architecture": "gine", "width": 8, "depth": 2, "dropout": 0.1, "head": {"width": 8}},
        "training": {"epochs": 4, "batch_size": 7, "optimizer": {"learning_rate": 0.01}},
    }
    overrides = [f"{key.replace('__', '.')}={json.dumps(value)}" for key, value in settings.items()]
    return validate_spec(RunSpec, apply_overrides(data, overrides, where="test"), where="test")


def fitted_spec(architecture: str, **model: Any) -> RunSpec:
    """Returns the spec of a small run of a model that is fitted task by task."""
    data = {"name": "small", "description": "a small run", "mix": "tiny", "features": {"rwse": 0, "laplacian": 0}}
    model = {"architecture": architecture, **model}
    return validate_spec(RunSpec, {**data, "model": model, "training": {}}, where="test")


def read_run(path: Path) -> dict[str, Any]:
    """Returns everything a run left that may not depend on when and how often it was interrupted."""
    left: dict[str, Any] = {}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if "tensorboard" in file.parts:  # its files' names hold the time
            continue
        if file.name == "metrics.jsonl":
            left[name] = [_without_times(json.loads(line)) for line in file.read_text().splitlines()]
        elif name == "result.json":
            left[name] = _without_times(json.loads(file.read_text()))
        elif file.is_file():
            left[name] = file.read_bytes()
    return left


def _without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if "second" not in key}
