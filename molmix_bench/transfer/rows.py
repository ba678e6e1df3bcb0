"""What the rows of every file that is written for a table of molecules begin and end with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molmix_bench.graphs.batch import Batch
from molmix_bench.graphs.collate import Collator
from molmix_bench.models.fingerprints import FingerprintArray
from molmix_bench.training.predict import EVAL_BATCH_SIZE
from molmix_bench.transfer.chunk import Chunk
from molmix_bench.vocab import MOL_ID, SMILES

ROW, REASON, DETAIL = "row", "reason", "detail"
NOT_FINITE = "not_finite"
"""The reason of a molecule for which a network gives no finite number."""
HEAD = (pa.field(ROW, pa.int64()), pa.field(SMILES, pa.string()), pa.field(MOL_ID, pa.string()))
"""Number of the row in the file, from 0, blank lines counted, the header not; the text there; the identity, if any."""
TAIL = (pa.field(REASON, pa.string()), pa.field(DETAIL, pa.string()))
"""Why there is nothing for a row; null where there is."""


@dataclass(slots=True)
class RowCounts:
    """How many rows there were, and how many without a result, by reason."""

    rows: int = 0
    problems: Counter[str] = field(default_factory=Counter)

    @property
    def good(self) -> int:
        """Rows with a result."""
        return self.rows - self.problems.total()


def batches_of(chunk: Chunk) -> Iterator[Batch]:
    """Yields the molecules of a chunk as batches, without labels."""
    collate = Collator(chunk.graphs, chunk.encodings)
    molecules = np.arange(len(chunk.places))
    for first in range(0, len(molecules), EVAL_BATCH_SIZE):
        yield collate(molecules[first : first + EVAL_BATCH_SIZE])


def fingerprints_of(chunk: Chunk) -> FingerprintArray | None:
    """Returns the fingerprints of a chunk's molecules, where they were asked for."""
    return None if chunk.bits is None else FingerprintArray(chunk.bits, chunk.descriptors)


def head_columns(chunk: Chunk) -> list[pa.Array]:
    """Returns the columns of `HEAD`."""
    ids: list[str | None] = [None] * len(chunk.smiles)
    for place, molecule in zip(chunk.places.tolist(), chunk.molecules, strict=True):
        ids[place] = molecule.mol_id
    rows = np.arange(chunk.start, chunk.start + len(chunk.smiles))
    return [pa.array(rows, pa.int64()), pa.array(chunk.smiles, pa.string()), pa.array(ids, pa.string())]


def tail_columns(chunk: Chunk, finite: NDArray[np.bool_], counts: RowCounts) -> list[pa.Array]:
    """Returns the columns of `TAIL`, and counts.

    Args:
        chunk: the rows.
        finite: (n,), which molecules have finite numbers.
        counts: of all chunks so far.
    """
    reasons: list[str | None] = [None] * len(chunk.smiles)
    details: list[str | None] = [None] * len(chunk.smiles)
    for place, rejected in chunk.rejected.items():
        reasons[place], details[place] = str(rejected.reason), rejected.detail
    for place in chunk.places[~finite].tolist():
        reasons[place], details[place] = NOT_FINITE, "a network gives no finite number for it"
    counts.rows += len(chunk.smiles)
    counts.problems.update(reason for reason in reasons if reason is not None)
    return [pa.array(reasons, pa.string()), pa.array(details, pa.string())]


def spread_out(values: NDArray[np.generic], chunk: Chunk, finite: NDArray[np.bool_]) -> pa.Array:
    """Returns numbers of a chunk's molecules, (n,), as a column with a place for each row, null without a number."""
    whole = np.zeros(len(chunk.smiles), values.dtype)
    missing = np.ones(len(chunk.smiles), bool)
    whole[chunk.places[finite]] = values[finite]
    missing[chunk.places[finite]] = False
    return pa.array(whole, mask=missing)
