"""Labels as cells, one entry per label that is there: the form in which duplicates are merged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from molmix_bench.vocab import DType

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ARROW_DTYPES = {DType.FLOAT32: pa.float32(), DType.FLOAT64: pa.float64(), DType.INT8: pa.int8()}


@dataclass(frozen=True, slots=True)
class Cells:
    """Labels in long form.

    Shapes:
        row: (num_cells,), the row of a table.
        task: (num_cells,), the position of the task.
        node: (num_cells,), the atom, counted along the molecule's SMILES; 0 for labels of whole molecules.
        value: (num_cells,), never NaN.
    """

    row: Ints
    task: Ints
    node: Ints
    value: Floats

    def __len__(self) -> int:
        """Number of labels."""
        return len(self.row)

    def take(self, at: Ints | npt.NDArray[np.bool_]) -> Cells:
        """Returns the cells at some positions."""
        return Cells(self.row[at], self.task[at], self.node[at], self.value[at])


def list_array(values: pa.Array, lengths: npt.NDArray[np.integer]) -> pa.ListArray:
    """Returns consecutive values as lists of the given lengths; no list is null."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def empty_lists(num_rows: int, value_type: pa.DataType) -> pa.ListArray:
    """Returns as many empty lists."""
    return list_array(pa.array([], value_type), np.zeros(num_rows, dtype=np.int64))
