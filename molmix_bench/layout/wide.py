"""One nullable column per task: labels of molecules, few tasks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from molmix_bench.layout.cells import ARROW_DTYPES, Cells, Ints, list_array
from molmix_bench.specs.source import DatasetSpec


class WideLayout:
    """Columns named after the tasks; in the mix table one list in task order, empty where there is no label."""

    def __init__(self, dataset: DatasetSpec) -> None:
        self.schema = pa.schema([pa.field(task.name, ARROW_DTYPES[dataset.task_dtype(task)]) for task in dataset.tasks])
        self._value_type = ARROW_DTYPES[dataset.list_dtype]
        self.mix_type = pa.list_(self._value_type)

    def has_label(self, labels: pa.Table) -> npt.NDArray[np.bool_]:
        """Returns, for every row, whether it has a label at all."""
        present = np.zeros(labels.num_rows, dtype=bool)
        for column in labels.columns:
            present |= column.is_valid().to_numpy()
        return present

    def count(self, labels: pa.Table) -> Ints:
        """Returns the number of labels of each row."""
        total = np.zeros(labels.num_rows, dtype=np.int64)
        for column in labels.columns:
            total += column.is_valid().to_numpy()
        return total

    def to_cells(self, labels: pa.Table) -> Cells:
        """Returns the labels as cells, task by task."""
        present = [np.flatnonzero(column.is_valid().to_numpy()) for column in labels.columns]
        row = np.concatenate(present)
        task = np.repeat(np.arange(len(present)), [len(rows) for rows in present])
        value = np.concatenate([values.astype(np.float64) for values in self.task_values(labels)])
        return Cells(row=row, task=task, node=np.zeros_like(row), value=value)

    def from_cells(self, cells: Cells, num_nodes: Ints) -> pa.Table:
        """Returns the table that holds exactly these cells."""
        columns = []
        for task, field in enumerate(self.schema):
            here = cells.task == task
            values = np.zeros(len(num_nodes), dtype=field.type.to_pandas_dtype())
            absent = np.ones(len(num_nodes), dtype=bool)
            values[cells.row[here]] = cells.value[here]
            absent[cells.row[here]] = False
            columns.append(pa.array(values, field.type, mask=absent))
        return pa.table(columns, schema=self.schema)

    def mix_column(self, labels: pa.Table, lengths: Ints) -> pa.Array:
        """Returns lists of all tasks' labels, null where one is missing."""
        values = np.empty((labels.num_rows, labels.num_columns), dtype=self._value_type.to_pandas_dtype())
        absent = np.empty(values.shape, dtype=bool)
        for task, column in enumerate(labels.columns):
            values[:, task] = pc.fill_null(column, 0).to_numpy()
            absent[:, task] = column.is_null().to_numpy()
        flat = pa.array(values.ravel(), self._value_type, mask=absent.ravel())
        return list_array(flat, lengths * labels.num_columns)

    def task_values(self, labels: pa.Table) -> list[npt.NDArray[np.generic]]:
        """Returns the labels that are there, task by task."""
        return [column.drop_null().to_numpy() for column in labels.columns]
