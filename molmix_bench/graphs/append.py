"""Writing arrays of unknown length: rows are appended as they come, so that memory stays flat."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from molmix_bench.graphs.layout import Array, ArrayEntry, array_file, map_array


@dataclass(slots=True)
class _Growing:
    file: BinaryIO
    dtype: np.dtype[np.generic]
    columns: tuple[int, ...]
    rows: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)


class ArrayWriter:
    """Writes the arrays of one store; a context manager that closes its files.

    Args:
        folder: where the arrays' files go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._arrays: dict[str, _Growing] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for array in self._arrays.values():
            array.file.close()

    def append(self, name: str, rows: Array) -> None:
        """Adds rows to an array; the first rows, if they are none, settle its dtype and columns.

        Shapes:
            rows: (n, ...), of the dtype and columns of the rows before.
        """
        array = self._arrays.get(name) or self._start(name, rows)
        if (rows.dtype, rows.shape[1:]) != (array.dtype, array.columns):
            raise ValueError(f"{name}: {rows.dtype} {rows.shape} after rows of {array.dtype} (n, *{array.columns})")
        data = np.ascontiguousarray(rows, rows.dtype.newbyteorder("<")).view(np.uint8).data
        array.file.write(data)
        array.digest.update(data)
        array.rows += len(rows)

    def written(self, name: str) -> Array:
        """Returns the rows of an array so far, read from the disk where they are used."""
        array = self._arrays[name]
        array.file.flush()
        return map_array(array_file(self._folder, name), array.dtype, (array.rows, *array.columns))

    def finish(self) -> dict[str, ArrayEntry]:
        """Returns what was written, by name, once it is safely on the disk."""
        entries = {}
        for name, array in self._arrays.items():
            array.file.flush()
            os.fsync(array.file.fileno())
            entries[name] = ArrayEntry(
                dtype=array.dtype.newbyteorder("<").str,
                shape=(array.rows, *array.columns),
                sha256=array.digest.hexdigest(),
            )
        return entries

    def _start(self, name: str, rows: Array) -> _Growing:
        path = array_file(self._folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._arrays[name] = _Growing(path.open("wb"), rows.dtype, rows.shape[1:])
        return self._arrays[name]
