"""Where prediction files lie, and writing them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molmix_bench.errors import UsageError
from molmix_bench.vocab import MOL_ID, PREDICTION, SEED_STEM, Split

ROW_GROUP_VALUES = 1 << 23
"""Predictions in a row group: a reader holds one group at a time, 64 MiB at most."""


def prediction_path(folder: Path, dataset: str, *, split: str | Split, seed: int) -> Path:
    """Returns where the predictions for one dataset, split and seed lie in a folder of predictions.

    >>> prediction_path(Path("predictions"), "tox21", split="test", seed=0).as_posix()
    'predictions/tox21/test/seed=0.parquet'
    """
    return folder / dataset / str(split) / f"{SEED_STEM.format(seed=seed)}.parquet"


def write_predictions(path: Path, mol_id: Sequence[str] | pl.Series, prediction: NDArray[np.floating]) -> None:
    """Writes one prediction file, whole or not at all; the same values give the same bytes.

    Args:
        path: where; folders are made.
        mol_id: the molecules.
        prediction: float16, float32 or float64, written as such.

    Shapes:
        mol_id: (n,)
        prediction: (n, T), tasks in the mix's order.
    """
    if prediction.ndim != 2 or len(prediction) != len(mol_id):  # noqa: PLR2004  # a row per molecule, a column per task
        expected = f"({len(mol_id)}, number of tasks)"
        raise UsageError("prediction", found=f"shape {prediction.shape}", expected=expected)
    num_rows, width = prediction.shape
    lists = pa.ListArray.from_arrays(pa.array(np.arange(num_rows + 1) * width, pa.int32()), prediction.ravel())
    table = pa.table({MOL_ID: pa.array(list(mol_id), pa.string()), PREDICTION: lists})
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.tmp")
    try:
        pq.write_table(
            table,
            unfinished,
            compression="zstd",
            use_dictionary=False,  # ids and predictions hardly repeat
            write_statistics=False,
            row_group_size=max(1, ROW_GROUP_VALUES // max(1, width)),
        )
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
