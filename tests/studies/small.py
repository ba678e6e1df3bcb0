"""Studies of seconds on the mix of chains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from molmix_bench.mix import Mix
from molmix_bench.specs.study import AnyStudy, parse_study
from tests.build.tiny import build_tiny, table_source
from tests.training.small import ENDS, atoms_source

NETWORK: dict[str, Any] = {
    "features": {"rwse": 3, "laplacian": 2},
    "model": {"architecture": "gine", "width": 8, "depth": 2, "head": {"width": 8}},
    "training": {"epochs": 1, "batch_size": 16},
}
TUNE: dict[str, Any] = {
    "mode": "probe",
    "tuning": {"epochs": 1, "head_epochs": 1, "batch_size": 16},
    "trees": [{"architecture": "gradient_boosting", "num_trees": 3, "min_leaf": 2, "fingerprint": {"bits": 64}}],
}


def study(kind: str, table: Path | None = None, **changes: Any) -> AnyStudy:
    """Returns a small study of some kind, with other values for some keys."""
    tasks = [] if table is None else [{"file": str(table), "tasks": ["size"], "folds": {"folds": 2}}]
    own: dict[str, dict[str, Any]] = {
        "diversity": {
            "mix": "chains",
            "datasets": ["energies", "groups", "grades"],
            "num_datasets": [1, 2],
            "num_molecules": [8, 16],
            "tasks": tasks,
            "num_labels": 16,
            "pretrain": NETWORK,
            "tune": TUNE,
        },
        "scale": {"mix": "chains", "datasets": ["energies"], "fractions": [0.5, 1], "widths": [4, 8], "train": NETWORK},
        "efficiency": {"mix": "chains", "datasets": ["energies"], "baselines": ["minimix/none", "minimix/none"]},
        "representation": {
            "mix": "chains",
            "datasets": ["energies", "groups", "atoms"],
            "num_molecules": 20,
            "probe_molecules": 30,
            "probe_tasks": 2,
            "train": NETWORK,
        },
        "transfer": {
            "bodies": [
                {"name": "all", "mix": "chains", "subset": {"molecules": 20}},
                {"name": "groups", "mix": "chains", "datasets": ["groups"]},
            ],
            "tasks": tasks,
            "num_labels": [16, 20, 1_000],
            "pretrain": NETWORK,
            "tune": TUNE,
        },
    }
    data = {"study": kind, "name": f"small-{kind}", "description": "a small study", "seeds": [0, 1], **own[kind]}
    return parse_study(data | changes, where="test")


def build_long_chains(folder: Path, *, longest: int = 40) -> Mix:
    """Builds a mix with test molecules enough for reliable tasks, but for `rare`, which has six positives."""
    chains = [("C" * length, end) for length in range(1, longest + 1) for end in ENDS]
    energies = [f"{chain}{end},{len(chain) - ENDS[end]:.1f}" for chain, end in chains]
    groups = [f"{chain}{end},{int(len(chain) > longest // 2)}" for chain, end in chains]
    rare = [f"{chain}{end},{int(len(chain) == longest)}" for chain, end in chains]
    return build_tiny(
        folder,
        table_source("energies", "\n".join(["smiles,energy", *energies, ""]), folder),
        table_source("groups", "\n".join(["smiles,long", *groups, ""]), folder, kind="binary"),
        table_source("rare", "\n".join(["smiles,longest", *rare, ""]), folder, kind="binary"),
        atoms_source(folder),
        method="hash",
        validation=0.2,
        test=0.2,
    )
