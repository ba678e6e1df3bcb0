"""Pairs of task and label: labels of molecules, over a hundred tasks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from molmix_bench.layout.cells import ARROW_DTYPES, Cells, Ints, empty_lists, list_array
from molmix_bench.specs.source import DatasetSpec
from molmix_bench.vocab import LABEL, TASK_IDX


class SparseLayout:
    """Two lists per row, `task_idx` increasing and `label` beside it; in the mix table a struct of the two."""

    def __init__(self, dataset: DatasetSpec) -> None:
        self._value_type = ARROW_DTYPES[dataset.list_dtype]
        self._num_tasks = len(dataset.tasks)
        fields = [pa.field(TASK_IDX, pa.list_(pa.int16())), pa.field(LABEL, pa.list_(self._value_type))]
        self.schema = pa.schema(fields)
        self.mix_type = pa.struct(fields)

    def has_label(self, labels: pa.Table) -> npt.NDArray[np.bool_]:
        """Returns, for every row, whether it has a label at all."""
        return self.count(labels) > 0

    def count(self, labels: pa.Table) -> Ints:
        """Returns the number of labels of each row."""
        lengths: Ints = pc.list_value_length(labels[TASK_IDX]).to_numpy().astype(np.int64)
        return lengths

    def to_cells(self, labels: pa.Table) -> Cells:
        """Returns the labels as cells, row by row."""
        row = np.repeat(np.arange(labels.num_rows), self.count(labels))
        task = pc.list_flatten(labels[TASK_IDX]).to_numpy().astype(np.int64)
        value = pc.list_flatten(labels[LABEL]).to_numpy().astype(np.float64)
        return Cells(row=row, task=task, node=np.zeros_like(row), value=value)

    def from_cells(self, cells: Cells, num_nodes: Ints) -> pa.Table:
        """Returns the table that holds exactly these cells."""
        order = np.lexsort((cells.task, cells.row))
        lengths = np.bincount(cells.row, minlength=len(num_nodes))
        value = cells.value[order].astype(self._value_type.to_pandas_dtype())
        return self._table(cells.task[order].astype(np.int16), value, lengths)

    def from_columns(self, columns: list[tuple[npt.NDArray[np.generic], npt.NDArray[np.bool_]]]) -> pa.Table:
        """Returns the table of as many dense columns as there are tasks, each as its values and where they are.

        Shapes:
            columns: (num_rows,) values in the dtype of storage, and (num_rows,) presence.
        """
        num_rows = len(columns[0][0])
        present = np.empty((num_rows, len(columns)), dtype=bool)
        values = np.empty((num_rows, len(columns)), dtype=self._value_type.to_pandas_dtype())
        for task, (column, there) in enumerate(columns):
            values[:, task], present[:, task] = column, there
        tasks = np.nonzero(present)[1].astype(np.int16)
        return self._table(tasks, values[present], present.sum(axis=1))

    def mix_column(self, labels: pa.Table, lengths: Ints) -> pa.Array:
        """Returns structs of the two lists, both empty where the molecule has no labels."""
        row = np.where(lengths > 0, np.cumsum(lengths) - 1, labels.num_rows)
        padded = pa.concat_tables([labels, self._empty_row()]).take(row).combine_chunks()
        return pa.StructArray.from_arrays(
            [padded[name].combine_chunks() for name in (TASK_IDX, LABEL)], fields=list(self.schema)
        )

    def task_values(self, labels: pa.Table) -> list[npt.NDArray[np.generic]]:
        """Returns the labels that are there, task by task."""
        task = pc.list_flatten(labels[TASK_IDX]).to_numpy()
        order = np.argsort(task, kind="stable")
        bounds = np.searchsorted(task[order], np.arange(self._num_tasks + 1))
        value = pc.list_flatten(labels[LABEL]).to_numpy()[order]
        return np.split(value, bounds[1:-1])

    def _table(self, task: npt.NDArray[np.int16], value: npt.NDArray[np.generic], lengths: Ints) -> pa.Table:
        columns = [list_array(pa.array(task), lengths), list_array(pa.array(value), lengths)]
        return pa.table(columns, schema=self.schema)

    def _empty_row(self) -> pa.Table:
        return pa.table([empty_lists(1, pa.int16()), empty_lists(1, self._value_type)], schema=self.schema)
