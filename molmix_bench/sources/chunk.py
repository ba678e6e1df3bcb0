"""What every reader yields: a run of raw rows with their SMILES and their labels, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from molmix_bench.layout.cells import Floats


@dataclass(frozen=True, slots=True)
class RawChunk:
    """Consecutive rows of one raw file.

    Attributes:
        start: number of the first row in its file, from 0, the header not counted.
        smiles: as written; null where the cell is missing.
        problems: why a row has no readable molecule, where the reader knows; null elsewhere.
        labels: a table per dataset in the form of its layout. Place i of a list of atom labels belongs to the atom with
            map number i, or to the i-th atom of a SMILES without maps.
        spread: per dataset, the variance of each row's raw labels, before they became classes; 0 without labels.
    """

    start: int
    smiles: pa.Array
    problems: pa.Array
    labels: Mapping[str, pa.Table]
    spread: Mapping[str, Floats]

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.smiles)


def no_problems(num_rows: int) -> pa.Array:
    """Returns the `problems` of rows that have none."""
    return pa.nulls(num_rows, pa.string())


def row_variance(columns: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]) -> Floats:
    """Returns the variance (ddof 0) over the labels of each row, 0 where there is none.

    Args:
        columns: per task, (num_rows,) values and (num_rows,) presence.
    """
    count, total, square = (np.zeros(len(columns[0][0])) for _ in range(3))
    for values, present in columns:
        count += present
        total += np.where(present, values, 0.0)
    mean = total / np.maximum(count, 1)
    for values, present in columns:
        square += np.where(present, (values - mean) ** 2, 0.0)
    return square / np.maximum(count, 1)
