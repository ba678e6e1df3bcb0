"""What every form of table can do; the rest of the package asks for nothing else."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from molmix_bench.layout.cells import Cells, Ints


class Layout(Protocol):
    """The label columns of one dataset's tables."""

    @property
    def schema(self) -> pa.Schema:
        """The label columns, behind the identity columns."""

    @property
    def mix_type(self) -> pa.DataType:
        """The type of the dataset's column in the mix table."""

    def has_label(self, labels: pa.Table) -> npt.NDArray[np.bool_]:
        """Returns, for every row, whether it has a label at all."""

    def count(self, labels: pa.Table) -> Ints:
        """Returns the number of labels of each row."""

    def to_cells(self, labels: pa.Table) -> Cells:
        """Returns the labels as cells."""

    def from_cells(self, cells: Cells, num_nodes: Ints) -> pa.Table:
        """Returns the table that holds exactly these cells; `num_nodes` has the number of atoms of each of its rows."""

    def mix_column(self, labels: pa.Table, lengths: Ints) -> pa.Array:
        """Returns the dataset's column of the mix table.

        Args:
            labels: rows of the dataset, in the order of the mix table's.
            lengths: (rows of the mix table,), 1 where the molecule is in the dataset, 0 where it is not.
        """

    def task_values(self, labels: pa.Table) -> list[npt.NDArray[np.generic]]:
        """Returns the labels that are there, task by task."""
