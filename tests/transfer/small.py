"""A table of some dozens of molecules with labels that follow from their formulas, and fine-tunings of a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from molmix_bench.specs.finetune import FinetuneSpec
from molmix_bench.transfer.read import Columns, OwnData, read_measurements

RINGS = ("c1ccccc1", "C1CCCC1", "C1CCCCC1", "c1ccncc1", "c1ccoc1")
MOLECULES = tuple(f"{'C' * length}{ring}" for ring in RINGS for length in range(6)) + tuple(
    f"{'C' * length}O" for length in range(1, 21)
)
"""Thirty molecules of five scaffolds, and twenty without rings, of which some are in the labels of the small mix."""
QUICK = (
    "tuning.epochs=2",
    "tuning.head_epochs=1",
    "tuning.batch_size=16",
    "seeds=[0, 1]",
    "folds.folds=2",
    "trees=[{architecture: gradient_boosting, num_trees: 3, min_leaf: 2, fingerprint: {bits: 64}}]",
)
"""Settings of a fine-tuning of a second or two."""


def write_table(path: Path, **columns: Any) -> Path:
    """Writes the molecules as a CSV file with `size`, `aromatic` and `ring`, and further columns."""
    values = {
        "smiles": MOLECULES,
        "size": [round(len(text) * 0.5 - 1.25, 3) for text in MOLECULES],
        "aromatic": [int("c" in text) for text in MOLECULES],
        "ring": [len(RINGS) if "1" not in text else position // 6 for position, text in enumerate(MOLECULES)],
    }
    pl.DataFrame(values | columns).write_csv(path)
    return path


def own_data(folder: Path, *tasks: str, **columns: Any) -> OwnData:
    """Returns the measurements of such a table."""
    return read_measurements(write_table(folder / "mine.csv", **columns), Columns(tasks=tasks))


def quick_spec(*settings: str) -> FinetuneSpec:
    """Returns the spec of a fine-tuning of a second or two, changed by settings."""
    return FinetuneSpec().changed((*QUICK, *settings))


def left_in(path: Path) -> dict[str, Any]:
    """Returns all bytes of a folder that may not depend on when and how often a fine-tuning was interrupted."""
    import numpy as np

    left: dict[str, Any] = {}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.suffix == ".npz":
            left[name] = np.load(file)["test"].tolist()
        elif file.is_file() and file.name not in ("result.json", "lock"):
            left[name] = file.read_bytes()
    return left
