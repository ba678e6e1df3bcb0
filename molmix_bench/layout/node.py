"""A list per task over the atoms of the stored SMILES: labels of atoms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from molmix_bench.layout.cells import ARROW_DTYPES, Cells, Ints, list_array
from molmix_bench.specs.source import DatasetSpec


class NodeLayout:
    """Columns named after the tasks, each a list as long as the molecule has atoms, or empty.

    In the mix table they are a list of lists.
    """

    def __init__(self, dataset: DatasetSpec) -> None:
        self._types = [ARROW_DTYPES[dataset.task_dtype(task)] for task in dataset.tasks]
        self.schema = pa.schema(
            [pa.field(task.name, pa.list_(dtype)) for task, dtype in zip(dataset.tasks, self._types, strict=True)]
        )
        self._value_type = ARROW_DTYPES[dataset.list_dtype]
        self.mix_type = pa.list_(pa.list_(self._value_type))

    def has_label(self, labels: pa.Table) -> npt.NDArray[np.bool_]:
        """Returns, for every row, whether it has a label at all."""
        return self.count(labels) > 0

    def count(self, labels: pa.Table) -> Ints:
        """Returns the number of labels of each row."""
        # Not by way of cells, which take 32 bytes a label.
        total = np.zeros(labels.num_rows, dtype=np.int64)
        for column in labels.columns:
            lengths = pc.list_value_length(column).to_numpy().astype(np.int64)
            present = pc.list_flatten(column).is_valid().to_numpy()
            before = np.concatenate([[0], np.cumsum(present, dtype=np.int32)])
            ends = np.cumsum(lengths)
            total += before[ends] - before[ends - lengths]
        return total

    def to_cells(self, labels: pa.Table) -> Cells:
        """Returns the labels as cells, task by task."""
        parts = [_list_cells(column, task) for task, column in enumerate(labels.columns)]
        return Cells(*(np.concatenate([getattr(part, name) for part in parts]) for name in Cells.__slots__))

    def from_cells(self, cells: Cells, num_nodes: Ints) -> pa.Table:
        """Returns the table that holds exactly these cells; a task without any label of a row is an empty list."""
        columns = []
        for task, dtype in enumerate(self._types):
            here = cells.take(cells.task == task)
            lengths = np.where(np.bincount(here.row, minlength=len(num_nodes)) > 0, num_nodes, 0)
            starts = np.cumsum(lengths) - lengths
            values = np.zeros(lengths.sum(), dtype=dtype.to_pandas_dtype())
            absent = np.ones(len(values), dtype=bool)
            at = starts[here.row] + here.node
            values[at], absent[at] = here.value, False
            columns.append(list_array(pa.array(values, dtype, mask=absent), lengths))
        return pa.table(columns, schema=self.schema)

    def mix_column(self, labels: pa.Table, lengths: Ints) -> pa.Array:
        """Returns lists of the tasks' lists; one empty list where the molecule has no labels."""
        num_tasks = labels.num_columns
        tasks = [column.cast(pa.list_(self._value_type)) for column in labels.columns]
        if labels.num_rows == 0:
            return list_array(pa.array([], pa.list_(self._value_type)), lengths * num_tasks)
        stacked = pa.concat_arrays([chunk for column in tasks for chunk in column.chunks])
        # From task by task to row by row.
        order = np.arange(num_tasks * labels.num_rows).reshape(num_tasks, labels.num_rows).T.ravel()
        return list_array(stacked.take(pa.array(order)), lengths * num_tasks)

    def task_values(self, labels: pa.Table) -> list[npt.NDArray[np.generic]]:
        """Returns the labels that are there, task by task."""
        return [pc.list_flatten(column).drop_null().to_numpy() for column in labels.columns]


def _list_cells(column: pa.ChunkedArray, task: int) -> Cells:
    lengths = pc.list_value_length(column).to_numpy()
    values = pc.list_flatten(column)
    row = np.repeat(np.arange(len(column)), lengths)
    node = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    present = values.is_valid().to_numpy()
    value = values.drop_null().to_numpy().astype(np.float64)
    return Cells(row=row[present], task=np.full(len(value), task), node=node[present], value=value)
