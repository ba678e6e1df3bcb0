"""A mix of a few dozen small molecules whose labels follow from their formulas, and runs of a second on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from molmix_bench.mix import Mix
from molmix_bench.specs.base import apply_overrides, validate_spec
from molmix_bench.specs.run import RunSpec
from tests.build.tiny import build_tiny, table_source

ENDS = {"C": -39.5, "O": -75.1, "N": -54.6, "F": -99.7, "Cl": -460.1, "C#N": -92.7}
"""The end of a chain, and its share of a made-up total energy, Hartree."""
MOLECULES = tuple(("C" * length, end) for length in range(1, 13) for end in ENDS)


def build_chains(folder: Path, *, step: float = -39.25) -> Mix:
    """Builds a mix of chains: `energies`, regression with a float64 task, and `groups`, binary with missing labels.

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
        method="hash",
        validation=0.2,
        test=0.2,
    )


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


def read_run(path: Path) -> dict[str, Any]:
    """Returns everything a run left that may not depend on when and how often it was interrupted."""
    left: dict[str, Any] = {}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.name == "metrics.jsonl":
            left[name] = [_without_times(json.loads(line)) for line in file.read_text().splitlines()]
        elif name == "result.json":
            left[name] = _without_times(json.loads(file.read_text()))
        elif file.is_file():
            left[name] = file.read_bytes()
    return left


def _without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if "second" not in key}
