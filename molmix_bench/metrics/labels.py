"""The labels of one split of a dataset, read from any form of table as cells grouped by task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from molmix_bench.errors import MixError
from molmix_bench.metrics.cells import FloatArray, IntArray, group_starts
from molmix_bench.mix import Dataset
from molmix_bench.vocab import LABEL, MOL_ID, TASK_IDX, Kind, Level


@dataclass(frozen=True, slots=True, eq=False)
class LabelCells:
    """Labels in long form, task after task.

    Shapes:
        mol_id: (n,)
        num_nodes: (n,), atoms of each molecule; none at graph level.
        starts: (T + 1,)
        rows: (L,) int32, positions in `mol_id`.
        nodes: (L,) int32, atoms, counted along the molecule's stored SMILES; 0 at graph level.
        labels: (L,)
    """

    mol_id: pl.Series
    num_nodes: IntArray | None
    starts: IntArray
    rows: NDArray[np.int32]
    nodes: NDArray[np.int32]
    labels: FloatArray


def read_labels(table: pl.LazyFrame, dataset: Dataset, *, where: str) -> LabelCells:
    """Returns the labels of a table of the dataset.

    Raises:
        MixError: labels are not of the dataset's kind, or lists not as long as the molecules have atoms.
    """
    if dataset.level is Level.NODE:
        cells = _node_cells(table, dataset.tasks, where=where)
    else:
        cells = (_sparse_cells if dataset.is_sparse else _wide_cells)(table, dataset.tasks)
    _check_labels(cells.labels, dataset.kind, dataset.num_classes, where=where)
    return cells


def _wide_cells(table: pl.LazyFrame, tasks: tuple[str, ...]) -> LabelCells:
    """Returns the cells of a table with one nullable column per task."""
    frame = table.select(MOL_ID, *tasks).collect()
    rows = [frame[task].is_not_null().arg_true().to_numpy() for task in tasks]
    labels = [frame[task].drop_nulls().to_numpy().astype(np.float64) for task in tasks]
    starts = _starts([len(part) for part in rows])
    return _graph_cells(frame[MOL_ID], starts, np.concatenate(rows).astype(np.int32), np.concatenate(labels))


def _sparse_cells(table: pl.LazyFrame, tasks: tuple[str, ...]) -> LabelCells:
    """Returns the cells of a table with the pair `task_idx`, `label`."""
    frame = table.select(MOL_ID, TASK_IDX, LABEL).collect()
    rows = np.repeat(np.arange(frame.height, dtype=np.int32), frame[TASK_IDX].list.len().to_numpy())
    task_of_cell, labels = (frame[name].list.explode(empty_as_null=False).to_numpy() for name in (TASK_IDX, LABEL))
    order = np.argsort(task_of_cell, kind="stable")  # a radix sort, as task_idx is int16
    starts = group_starts(task_of_cell, len(tasks))
    return _graph_cells(frame[MOL_ID], starts, rows[order], labels[order].astype(np.float64))


def _graph_cells(mol_id: pl.Series, starts: IntArray, rows: NDArray[np.int32], labels: FloatArray) -> LabelCells:
    # Zeros that nobody reads take no memory: the system gives pages when they are first written.
    return LabelCells(mol_id, None, starts, rows, np.zeros(len(rows), dtype=np.int32), labels)


def _node_cells(table: pl.LazyFrame, tasks: tuple[str, ...], *, where: str) -> LabelCells:
    """Returns the cells of a table with a list per task, as long as the molecule has atoms, or empty."""
    frame = table.select(MOL_ID, *tasks).collect()
    lengths = np.column_stack([frame[task].list.len().cast(pl.Int64).fill_null(-1).to_numpy() for task in tasks])
    num_nodes = lengths.max(axis=1)
    _check_lengths(frame[MOL_ID], lengths, num_nodes, where=where)
    rows, nodes, labels = [], [], []
    for index, task in enumerate(tasks):
        values = frame[task].list.explode(empty_as_null=False)
        present = values.is_not_null().to_numpy()
        first = np.cumsum(lengths[:, index]) - lengths[:, index]
        rows.append(np.repeat(np.arange(frame.height, dtype=np.int32), lengths[:, index])[present])
        nodes.append((np.arange(len(values)) - np.repeat(first, lengths[:, index])).astype(np.int32)[present])
        labels.append(values.drop_nulls().to_numpy().astype(np.float64))
    starts = _starts([len(part) for part in rows])
    return LabelCells(
        frame[MOL_ID], num_nodes, starts, np.concatenate(rows), np.concatenate(nodes), np.concatenate(labels)
    )


def _check_lengths(mol_id: pl.Series, lengths: IntArray, num_nodes: IntArray, *, where: str) -> None:
    wrong = (num_nodes < 1) | ((lengths != 0) & (lengths != num_nodes[:, None])).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        shown = ", ".join("null" if length < 0 else str(length) for length in lengths[row, :10].tolist())
        raise MixError(
            where,
            found=f"lists of lengths {shown}{', ...' if lengths.shape[1] > 10 else ''} for {mol_id[row]}",  # noqa: PLR2004  # as many as are shown
            expected="in each the number of its atoms, or 0, and not 0 in all",
            fix="validate the mix",
        )


def _starts(counts: list[int]) -> IntArray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _check_labels(labels: FloatArray, kind: Kind, num_classes: int | None, *, where: str) -> None:
    if kind is Kind.REGRESSION:
        valid, expected = np.isfinite(labels), "finite numbers or null"
    else:
        last = (num_classes or 2) - 1
        valid = (labels >= 0) & (labels <= last) & (labels == np.floor(labels))
        expected = "0, 1 or null" if kind is Kind.BINARY else f"whole numbers from 0 to {last}, or null"
    if not valid.all():
        raise MixError(where, found=f"the label {labels[~valid][0]:g}", expected=expected, fix="validate the mix")
