"""Which files hold a dataset's rows, and which number a row has in its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from molmix_bench.build.ingest import ROW
from molmix_bench.build.route import INPUT
from molmix_bench.layout.cells import Ints


@dataclass(frozen=True, slots=True)
class RowIndex:
    """Where the rows of the build come from.

    Attributes:
        parts: per dataset, the names of the parts that hold its rows.
        offsets: per raw input, the number of rows of its source before it.
    """

    parts: Mapping[str, tuple[str, ...]]
    offsets: tuple[int, ...]

    def source_rows(self, routed: pa.Table) -> Ints:
        """Returns the number, in its source, of each routed row: the number that split rules count by."""
        offsets = np.array(self.offsets, dtype=np.int64)[routed[INPUT].to_numpy()]
        rows: Ints = offsets + routed[ROW].to_numpy()
        return rows
