"""Order-independent digests of tables: equal for equal rows, however they are sorted, split into files or encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import groupby, pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_MODULUS = 1 << 128
_ROWS_AT_ONCE = 8_192
"""Bounds the bytes objects that exist at once."""


class ContentDigest:
    """The sum modulo 2**128 of the hashes of rows; a row's hash is the blake2b of its cells in column order.

    Null and value are told apart, text and lists carry their lengths, numbers are little-endian in their own dtype.
    """

    def __init__(self) -> None:
        self._sum = 0

    def update(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Adds the rows of the batches."""
        for batch in batches:
            for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
                self._add(batch.slice(start, _ROWS_AT_ONCE))

    def hexdigest(self) -> str:
        """Returns the digest as 32 hex digits."""
        return f"{self._sum:032x}"

    def _add(self, batch: pa.RecordBatch) -> None:
        runs = groupby(batch.columns, key=lambda column: pa.types.is_primitive(column.type))
        cells = [part for fixed, columns in runs for part in (_fixed_rows if fixed else _columns_bytes)(list(columns))]
        total = 0
        for row in zip(*cells, strict=True):
            total += int.from_bytes(hashlib.blake2b(b"".join(row), digest_size=16).digest(), "little")
        self._sum = (self._sum + total) % _MODULUS


def add_digests(digests: Iterable[str]) -> str:
    """Returns the digest of the union of tables.

    >>> add_digests(["00000000000000000000000000000001", "0000000000000000000000000000000f"])
    '00000000000000000000000000000010'
    """
    return f"{sum(int(digest, 16) for digest in digests) % _MODULUS:032x}"


def _fixed_rows(columns: list[pa.Array]) -> list[list[bytes]]:
    """Returns the cells of neighbouring columns of numbers as one column: an object a row, not one a number."""
    cells = np.hstack([_fixed_bytes(column) for column in columns])
    return [_slices(cells.tobytes(), np.arange(len(cells) + 1) * cells.shape[1])]


def _columns_bytes(columns: list[pa.Array]) -> list[list[bytes]]:
    return [_row_bytes(column) for column in columns]


def _row_bytes(column: pa.Array) -> list[bytes]:
    if pa.types.is_list(column.type):
        return _list_bytes(column)
    if pa.types.is_struct(column.type):
        return [b"".join(fields) for fields in zip(*map(_row_bytes, column.flatten()), strict=True)]
    if pa.types.is_string(column.type):
        return [b"\x00" if text is None else _length(text) + text for text in column.cast(pa.binary()).to_pylist()]
    return _fixed_rows([column])[0]


def _fixed_bytes(column: pa.Array) -> npt.NDArray[np.uint8]:
    """Returns (num_rows, 1 + width) bytes: 1 and the number, or 0 and zeros for null."""
    values = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    present = column.is_valid().to_numpy(zero_copy_only=False).astype(np.uint8)
    return np.hstack([present[:, None], values.view(np.uint8).reshape(len(column), values.itemsize)])


def _list_bytes(column: pa.ListArray) -> list[bytes]:
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    values = column.flatten()
    if pa.types.is_primitive(values.type):
        # Cells of one width lie one behind the other: no object per label, of which a batch may hold millions.
        cells = _fixed_bytes(values)
        contents = _slices(cells.tobytes(), bounds * cells.shape[1])
    else:
        items = _row_bytes(values)
        contents = [b"".join(items[start:stop]) for start, stop in pairwise(bounds.tolist())]
    return [_length(range(length)) + content for length, content in zip(lengths.tolist(), contents, strict=True)]


def _length(sized: bytes | range) -> bytes:
    return b"\x01" + len(sized).to_bytes(4, "little")


def _slices(buffer: bytes, bounds: npt.NDArray[np.int64]) -> list[bytes]:
    return [buffer[start:stop] for start, stop in pairwise(bounds.tolist())]
