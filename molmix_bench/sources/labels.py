"""Raw columns to typed labels: numbers, classes, bins; whatever cannot be a label stops the build, with its place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from molmix_bench.errors import SourceError
from molmix_bench.layout.cells import Floats, list_array
from molmix_bench.layout.choose import layout_of
from molmix_bench.layout.sparse import SparseLayout
from molmix_bench.sources.chunk import row_variance
from molmix_bench.sources.frames import truths_of
from molmix_bench.specs.source import DatasetSpec, TaskSpec
from molmix_bench.vocab import Kind, Level

_SHOWN = 5
"""Offending cells that an error names; it counts the rest."""

Column = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]
"""Values, and where there is one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame of raw columns comes from, for errors: the file, and the number of its first row there."""

    file: str
    start: int


def type_labels(
    frame: pl.DataFrame, dataset: DatasetSpec, place: Place, *, missing: tuple[str, ...] = ()
) -> tuple[pa.Table, Floats]:
    """Returns the labels of one dataset in the form of its layout, and the variance of each row's raw labels.

    Args:
        frame: the raw columns, text or numbers; lists for labels of atoms.
        dataset: which columns, kinds and dtypes.
        place: where the frame comes from.
        missing: texts that stand for a missing label; NaN always does in columns of numbers.

    Raises:
        SourceError: a label is no number, is infinite, or no class of its dataset; names file, row and column.
    """
    if dataset.level is Level.NODE:
        return _node_labels(frame, dataset, place, missing), np.zeros(len(frame))
    columns = [_column(frame[task.column or task.name], dataset, task, place, missing) for task in dataset.tasks]
    spread = row_variance(columns)
    typed = [
        _store(values, present, dataset, task) for (values, present), task in zip(columns, dataset.tasks, strict=True)
    ]
    layout = layout_of(dataset)
    if isinstance(layout, SparseLayout):
        return layout.from_columns(
            [(values, present) for values, (_, present) in zip(typed, columns, strict=True)]
        ), spread
    arrays = [
        pa.array(values, field.type, mask=~present)
        for values, (_, present), field in zip(typed, columns, layout.schema, strict=True)
    ]
    return pa.table(arrays, schema=layout.schema), spread


def check_labels(
    raw: pl.Series, dataset: DatasetSpec, task: TaskSpec, place: Place, *, missing: tuple[str, ...] = ()
) -> pl.Series:
    """Returns one task's raw column as float64, null for missing, before binning; raises as `type_labels`."""
    numbers = _to_numbers(raw, missing, truths=dataset.kind is Kind.BINARY)
    _refuse(raw, numbers, dataset, task, place, rows=None)
    return numbers


def _node_labels(frame: pl.DataFrame, dataset: DatasetSpec, place: Place, missing: tuple[str, ...]) -> pa.Table:
    """Returns list columns; a missing list is empty, and NaN within a list a missing label."""
    arrays = []
    schema = layout_of(dataset).schema
    for task, field in zip(dataset.tasks, schema, strict=True):
        column = frame[task.column or task.name]
        if not isinstance(column.dtype, pl.List):
            where = f"{place.file}, column {column.name!r}"
            raise SourceError(
                where, found=f"{column.dtype}", expected="lists, one value per atom", fix="check the level"
            )
        lengths = column.list.len().fill_null(0).to_numpy().astype(np.int64)
        # Empty lists give a null of their own when they are flattened.
        flat = column.filter(pl.Series(lengths > 0)).explode()
        rows = np.repeat(np.arange(len(column)), lengths)
        values, present = _column(flat, dataset, task, place, missing, rows=rows)
        stored = _store(values, present, dataset, task)
        arrays.append(list_array(pa.array(stored, field.type.value_type, mask=~present), lengths))
    return pa.table(arrays, schema=schema)


def _column(
    raw: pl.Series,
    dataset: DatasetSpec,
    task: TaskSpec,
    place: Place,
    missing: tuple[str, ...],
    *,
    rows: npt.NDArray[np.int64] | None = None,
) -> Column:
    """Returns a column's numbers before binning; `rows` are those of the values where there are several a row."""
    numbers = _to_numbers(raw, missing, truths=dataset.kind is Kind.BINARY)
    _refuse(raw, numbers, dataset, task, place, rows=rows)
    present = numbers.is_not_null().to_numpy()
    return numbers.fill_null(0.0).to_numpy(), present


def _store(
    values: npt.NDArray[np.float64], present: npt.NDArray[np.bool_], dataset: DatasetSpec, task: TaskSpec
) -> npt.NDArray[np.generic]:
    """Returns numbers in the dtype of storage, or the classes that they fall into."""
    if dataset.bins is not None:
        values = np.where(present, np.searchsorted(np.array(dataset.bins), values, side="right"), 0)
    return values.astype(np.dtype(str(dataset.task_dtype(task))))


def _to_numbers(column: pl.Series, missing: tuple[str, ...], *, truths: bool) -> pl.Series:
    """Returns float64 with null for missing and NaN for what is no number; with `truths`, `True` is 1, `False` 0."""
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        absent = text.is_null() | text.is_in(list(missing))
        numbers = text.cast(pl.Float64, strict=False)
        if truths:
            numbers = numbers.fill_null(truths_of(text))
        numbers = numbers.fill_null(float("nan"))
        return pl.select(pl.when(absent).then(None).otherwise(numbers)).to_series()
    if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
        return pl.Series([float("nan")] * len(column), dtype=pl.Float64)
    return column.cast(pl.Float64).fill_nan(None)


def _refuse(
    raw: pl.Series,
    numbers: pl.Series,
    dataset: DatasetSpec,
    task: TaskSpec,
    place: Place,
    *,
    rows: npt.NDArray[np.int64] | None,
) -> None:
    """Raises where a cell cannot be a label of its dataset."""
    if dataset.kind is Kind.REGRESSION or dataset.bins is not None:
        dtype = np.float64 if dataset.bins is not None else np.dtype(str(dataset.task_dtype(task)))
        good = numbers.is_finite() & (numbers.abs() <= float(np.finfo(dtype).max))
        expected = f"a finite number that {np.dtype(dtype).name} holds"
    else:
        last = 1 if dataset.num_classes is None else dataset.num_classes - 1
        good = numbers.is_between(0, last) & (numbers == numbers.round())
        expected = f"a whole number from 0 to {last}"
    bad = (numbers.is_not_null() & ~good).arg_true().to_list()
    if not bad:
        return
    cells = ", ".join(
        f"{_shown(raw, at)} in row {place.start + (at if rows is None else int(rows[at])):,}" for at in bad[:_SHOWN]
    )
    more = f" and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
    raise SourceError(
        f"{place.file}, column {raw.name!r}",
        found=f"{cells}{more}",
        expected=expected,
        fix="correct the file, or list the text under the reader's `missing` if it means no label",
    )


def _shown(raw: pl.Series, at: int) -> str:
    """Returns a cell for an error: one line, and not all of a list."""
    value = raw[at]
    return f"{(value.to_list() if isinstance(value, pl.Series) else value)!r:.60}"
