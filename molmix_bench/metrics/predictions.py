"""Where prediction files lie, and writing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molmix_bench.atomic import written_whole
from molmix_bench.errors import UsageError
from molmix_bench.layout.cells import list_array
from molmix_bench.metrics.cells import IntArray
from molmix_bench.vocab import MOL_ID, PREDICTION, SEED_STEM, Split

ROW_GROUP_VALUES = 1 << 23
"""Predictions in a row group: a reader holds one group at a time, 64 MiB at most."""


def prediction_path(folder: Path, dataset: str, *, split: str | Split, seed: int) -> Path:
    """Returns where the predictions for one dataset, split and seed lie in a folder of predictions.

    >>> prediction_path(Path("predictions"), "tox21", split="test", seed=0).as_posix()
    'predictions/tox21/test/seed=0.parquet'
    """
    return folder / dataset / str(split) / f"{SEED_STEM.format(seed=seed)}.parquet"


def write_predictions(
    path: Path,
    mol_id: Sequence[str] | pl.Series,
    prediction: NDArray[np.floating],
    *,
    num_nodes: NDArray[np.integer] | None = None,
    num_classes: int | None = None,
) -> None:
    """Writes one prediction file, whole or not at all; the same values give the same bytes.

    At graph level a row holds a list, at node level a list per task, atom by atom.

    Args:
        path: where; folders are made.
        mol_id: the molecules.
        prediction: float16, float32 or float64, written as such.
        num_nodes: node level only, the atoms of each molecule, which have rows of `prediction` in the same order.
        num_classes: multiclass only; C below, which is 1 for other kinds.

    Shapes:
        mol_id: (n,)
        prediction: (n, T * C), node level (num_nodes.sum(), T * C); tasks in the mix's order, each with its classes.
        num_nodes: (n,)

    Raises:
        UsageError: the shapes do not fit each other, or a molecule has no atom.
    """
    _check_shapes(len(mol_id), prediction, num_nodes, num_classes=num_classes or 1)
    ids = _id_array(mol_id)
    counts = np.ones(len(mol_id), np.int64) if num_nodes is None else num_nodes.astype(np.int64)
    nesting = pa.list_(pa.from_numpy_dtype(prediction.dtype))
    schema = pa.schema([(MOL_ID, pa.string()), (PREDICTION, nesting if num_nodes is None else pa.list_(nesting))])
    # Ids and predictions hardly repeat, so a dictionary would only cost.
    options = {"compression": "zstd", "use_dictionary": False, "write_statistics": False}
    with written_whole(path) as part, pq.ParquetWriter(part, schema, **options) as writer:
        first_row = 0
        for first, end in _row_groups(counts * prediction.shape[1]):
            end_row = first_row + int(counts[first:end].sum())
            values = prediction[first_row:end_row]
            if num_nodes is None:
                lists = list_array(values.ravel(), np.full(end - first, values.shape[1]))
            else:
                lists = _node_lists(values, counts[first:end], num_classes or 1)
            group = pa.table([ids[first:end], lists], schema=schema)
            writer.write_table(group, row_group_size=max(1, end - first))
            first_row = end_row


def atom_positions(num_nodes: IntArray, num_tasks: int) -> IntArray:
    """Returns where a file of node level has each task of each atom, in units of a cell, (num_nodes.sum(), num_tasks).

    A file has the atoms of a molecule for the first task, then the same atoms for the second.

    >>> atom_positions(np.array([2, 1]), 2).tolist()
    [[0, 2], [1, 3], [4, 5]]
    """
    first = np.cumsum(num_nodes) - num_nodes
    # Tasks before this one take num_nodes each, molecules before this one num_nodes * num_tasks.
    start = np.repeat(first * (num_tasks - 1), num_nodes) + np.arange(num_nodes.sum())
    positions: IntArray = start[:, None] + np.repeat(num_nodes, num_nodes)[:, None] * np.arange(num_tasks)
    return positions


def _check_shapes(
    num_molecules: int, prediction: NDArray[np.floating], num_nodes: NDArray[np.integer] | None, *, num_classes: int
) -> None:
    if num_nodes is not None and (num_nodes.shape != (num_molecules,) or num_nodes.min(initial=1) < 1):
        found = f"shape {num_nodes.shape}, lowest {num_nodes.min(initial=1)}"
        raise UsageError("num_nodes", found=found, expected=f"({num_molecules},), at least 1 atom each")
    num_rows = num_molecules if num_nodes is None else int(num_nodes.sum())
    # A row per molecule or atom, a column per task and class.
    if prediction.ndim != 2 or len(prediction) != num_rows or prediction.shape[1] % num_classes:  # noqa: PLR2004  # rows, columns
        times = f" * {num_classes}" if num_classes > 1 else ""
        expected = f"({num_rows}, number of tasks{times})"
        raise UsageError("prediction", found=f"shape {prediction.shape}", expected=expected)


def _id_array(mol_id: Sequence[str] | pl.Series) -> pa.StringArray:
    if isinstance(mol_id, pl.Series) and mol_id.dtype == pl.String:
        return mol_id.to_arrow().cast(pa.string())
    return pa.array(list(mol_id), pa.string())


def _row_groups(sizes: IntArray) -> Iterator[tuple[int, int]]:
    """Yields the first molecule of each row group and the one behind its last; one group where there is no molecule.

    Args:
        sizes: the predictions of each molecule.
    """
    ends = np.cumsum(sizes)
    first = 0
    while first < len(ends) or first == 0:
        written = int(ends[first - 1]) if first else 0
        end = int(np.searchsorted(ends, written + ROW_GROUP_VALUES, side="right"))
        end = min(max(end, first + 1), len(ends))
        yield first, end
        first = max(end, 1)


def _node_lists(values: NDArray[np.floating], num_nodes: IntArray, num_classes: int) -> pa.ListArray:
    """Returns a list per molecule of a list per task of the classes of its atoms."""
    num_tasks = values.shape[1] // num_classes
    flat = np.empty((len(values) * num_tasks, num_classes), dtype=values.dtype)
    flat[atom_positions(num_nodes, num_tasks)] = values.reshape(len(values), num_tasks, num_classes)
    of_tasks = list_array(flat.ravel(), np.repeat(num_nodes * num_classes, num_tasks))
    return list_array(of_tasks, np.full(len(num_nodes), num_tasks))
