"""The columns of one batch of a prediction file, checked and brought into arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.cells import BoolArray, IntArray
from molmix_bench.metrics.predictions import atom_positions
from molmix_bench.vocab import MOL_ID, Level

MAX_MOL_ID_BYTES = 64
"""An InChIKey has 27, `SMI-` and a hash 36."""
MAX_NODES = 65_535
"""Atoms of a molecule: as many as a source may allow."""
FLOATS = (pa.float16(), pa.float32(), pa.float64())


@dataclass(frozen=True, slots=True)
class PredictionShape:
    """What a prediction file of one dataset must look like."""

    level: Level
    num_tasks: int
    num_classes: int | None = None
    """Multiclass only."""

    @property
    def num_columns(self) -> int:
        """Predictions for each molecule, at node level for each of its atoms."""
        return self.num_tasks * (self.num_classes or 1)

    @property
    def is_node(self) -> bool:
        """Whether predictions are of atoms."""
        return self.level is Level.NODE

    def __str__(self) -> str:
        if self.is_node:
            return f"list<list<float16, float32 or float64>> of {self.num_tasks:,} lists each"
        return f"list<float16, float32 or float64> of {self.num_columns:,} each"


def float_type(lists: pa.DataType, shape: PredictionShape) -> pa.DataType | None:
    """Returns the float type of a column of predictions, or nothing where its type is not one of such a column."""
    outer = shape.num_tasks if shape.is_node else shape.num_columns
    # A null takes the room of a whole list of fixed size, so a wrong size is refused here, before one is read.
    if not (_is_list(lists) or (pa.types.is_fixed_size_list(lists) and lists.list_size == outer)):
        return None
    values = lists.value_type
    if shape.is_node:
        # Molecules differ in atoms, so these cannot be of fixed size.
        if not _is_list(values):
            return None
        values = values.value_type
    return values if values in FLOATS else None


def mol_ids(column: pa.DictionaryArray, first_row: int, *, where: str) -> pl.Series:
    """Returns a batch's ids; rows are counted from `first_row` on, the batch's first in the file."""
    if column.null_count:
        row = first_row + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise SubmissionError(f"{where} row {row}", found=f"no {MOL_ID}", expected="one in each row")
    longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
    if longest > MAX_MOL_ID_BYTES:
        expected = f"at most {MAX_MOL_ID_BYTES}"
        raise SubmissionError(where, found=f"a {MOL_ID} of {longest:,} bytes", expected=expected)
    return pl.Series(MOL_ID, pl.from_arrow(column.dictionary_decode()), dtype=pl.String)


def graph_values(column: pa.Array, shape: PredictionShape, first_row: int, *, where: str) -> NDArray[np.floating]:
    """Returns a batch's predictions of molecules, (rows, T * C)."""
    each = "one per task" if shape.num_classes is None else f"{shape.num_classes} classes per task"
    lengths = _lengths(column)
    expected = f"a list of {shape.num_columns:,}, {each}"
    _check(lengths != shape.num_columns, lengths, first_row, where=where, expected=expected)
    values: NDArray[np.floating] = column.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), shape.num_columns)


def node_values(
    column: pa.Array, shape: PredictionShape, first_row: int, *, where: str, limit: int
) -> tuple[NDArray[np.floating], IntArray]:
    """Returns a batch's predictions of atoms, (num_nodes.sum(), T * C), and the atoms of each molecule, (rows,).

    `limit` is how many predictions there may be.
    """
    num_classes = shape.num_classes or 1
    outer = _lengths(column)
    expected = f"a list of {shape.num_tasks:,} lists, one per task"
    _check(outer != shape.num_tasks, outer, first_row, where=where, expected=expected, what="lists")
    inner = column.flatten()
    lengths = _lengths(inner).reshape(len(column), shape.num_tasks)
    each = "" if num_classes == 1 else f", {num_classes} classes per atom"
    expected = f"lists of 1 to {MAX_NODES:,} atoms{each}, equally long in a row"
    wrong = (lengths < 1) | (lengths % num_classes != 0) | (lengths != lengths[:, :1])
    wrong |= lengths > MAX_NODES * num_classes
    shown = lengths[np.arange(len(lengths)), wrong.argmax(axis=1)]
    _check(wrong.any(axis=1), shown, first_row, where=where, expected=expected)
    if lengths.sum() > limit:
        found = f"{lengths.sum():,} predictions from row {first_row} on"
        raise SubmissionError(where, found=found, expected=f"at most {limit:,} more")
    num_nodes = lengths[:, 0] // num_classes
    flat = inner.flatten().to_numpy(zero_copy_only=False).reshape(-1, num_classes)
    values: NDArray[np.floating] = flat[atom_positions(num_nodes, shape.num_tasks)]
    return values.reshape(-1, shape.num_columns), num_nodes


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _lengths(lists: pa.Array) -> IntArray:
    """Returns the length of each list, (n,); -1 where there is none."""
    # A null becomes NaN here. Arrow's own `fill_null` would import pandas, which takes longer than the rest of a check.
    found = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    lengths: IntArray = np.nan_to_num(found, nan=-1).astype(np.int64)
    return lengths


def _check(
    wrong: BoolArray, lengths: IntArray, first_row: int, *, where: str, expected: str, what: str = "predictions"
) -> None:
    """Refuses the first row that is wrong, with the length (rows,) that is."""
    if wrong.any():
        row = int(np.argmax(wrong))
        found = "no list" if lengths[row] < 0 else f"{lengths[row]:,} {what}"
        raise SubmissionError(f"{where} row {first_row + row}", found=found, expected=expected)
