"""Published split files: `torch.save` archives of row numbers, read without torch and without trusting them.

A pickle can run anything it likes when it is loaded. The reader below knows integers, lists, dictionaries of them and
NumPy's integer arrays; whatever else a file asks for is refused by name.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from molmix_bench.errors import SourceError
from molmix_bench.specs.base import nearest
from molmix_bench.vocab import Split

MAX_PICKLE_BYTES = 4 << 30
"""Of the pickle within the archive; row numbers of 100 M molecules take a fifth of it."""
KEYS = {"train": Split.TRAIN, "val": Split.VALIDATION, "test": Split.TEST, "test_seen": Split.TEST_SEEN}


def read_split_file(path: Path) -> dict[Split, npt.NDArray[np.int64]]:
    """Returns the row numbers of each split.

    Raises:
        SourceError: the file is no such archive, holds anything but row numbers, or names a row twice.
    """
    try:
        data = _Loader(io.BytesIO(_read_pickle(path))).load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        found = f"no dictionary of row numbers ({error})"
        raise SourceError(str(path), found=found, fix="fetch the file again") from None
    if not isinstance(data, dict) or not set(data) <= set(KEYS):
        keys = (
            ", ".join(f"{key!r:.40}{nearest(str(key), KEYS)}" for key in data) if isinstance(data, dict) else type(data)
        )
        raise SourceError(str(path), found=f"keys {keys}", expected=f"only {', '.join(KEYS)}")
    splits = {KEYS[key]: _row_numbers(value, f"{path}, {key}") for key, value in data.items()}
    every = np.concatenate([*splits.values(), np.empty(0, np.int64)])
    if len(np.unique(every)) < len(every):
        raise SourceError(str(path), found="a row in two splits, or twice in one", expected="each at most once")
    return splits


def split_codes(path: Path, num_rows: int) -> npt.NDArray[np.int8]:
    """Returns the position in `vocab.Split` of each row's split, -1 for rows that the file does not name.

    Raises:
        SourceError: as `read_split_file`, or the file names a row that the source does not have.
    """
    codes = np.full(num_rows, -1, dtype=np.int8)
    for split, rows in read_split_file(path).items():
        if len(rows) and (rows.min() < 0 or rows.max() >= num_rows):
            found = f"row {int(rows.max() if rows.max() >= num_rows else rows.min()):,} in {split}"
            raise SourceError(
                str(path), found=found, expected=f"0 to {num_rows - 1:,}", fix="check that file and rows match"
            )
        codes[rows] = list(Split).index(split)
    return codes


def _read_pickle(path: Path) -> bytes:
    if not path.is_file():
        raise SourceError(str(path), found="no such file", fix="check the path")
    if not zipfile.is_zipfile(path):
        raise SourceError(str(path), found="no zip archive", expected="what torch.save writes since version 1.6")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info for info in archive.infolist() if info.filename.endswith("/data.pkl")]
            if len(names) != 1 or names[0].file_size > MAX_PICKLE_BYTES:
                raise SourceError(str(path), found="no single data.pkl of a sane size", fix="fetch the file again")
            return archive.read(names[0])
    except zipfile.BadZipFile as error:
        raise SourceError(str(path), found=f"a damaged archive ({error})", fix="fetch the file again") from None


class _Integers(np.ndarray):
    """An array that only takes the state of an integer array."""

    def __setstate__(self, state: Any) -> None:
        dtype = state[2] if isinstance(state, tuple) and len(state) == 5 else None  # noqa: PLR2004 - NumPy's own form
        if not isinstance(dtype, np.dtype) or dtype.kind not in "iu":
            raise pickle.UnpicklingError("it holds an array that is not of integers")
        super().__setstate__(state)


def _reconstruct(_kind: Any, _shape: Any, _code: Any) -> Any:
    return np.ndarray.__new__(_Integers, (0,), dtype=np.int64)


def _integer_dtype(code: Any, *_flags: Any) -> np.dtype[Any]:
    if not isinstance(code, str) or code.lstrip("<>=|") not in {
        f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)
    }:
        raise pickle.UnpicklingError(f"it asks for numbers of type {code!r:.40}")
    return np.dtype(code)


def _scalar(dtype: Any, data: Any) -> int:
    return int(np.frombuffer(data, dtype=dtype, count=1)[0])


def _from_buffer(buffer: Any, dtype: Any, shape: Any, _order: Any) -> npt.NDArray[Any]:
    if not isinstance(dtype, np.dtype) or dtype.kind not in "iu":
        raise pickle.UnpicklingError("it holds an array that is not of integers")
    return np.frombuffer(buffer, dtype=dtype).reshape(shape)


def _encode(text: Any, encoding: Any) -> bytes:
    # Old pickles write bytes as Latin-1 text.
    if encoding != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError("it encodes something else than bytes")
    return text.encode("latin1")


# NumPy 1 and 2 name the same functions differently. "ndarray" stands for the class, which only `_reconstruct` is given.
_CONSTRUCTORS: Mapping[tuple[str, str], Any] = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): _integer_dtype,
    ("_codecs", "encode"): _encode,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


class _Loader(pickle.Unpickler):
    """Builds integers, lists, dictionaries and integer arrays, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """Returns one of the few constructors that an integer array needs."""
        if (module, name) not in _CONSTRUCTORS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _CONSTRUCTORS[module, name]

    def persistent_load(self, pid: Any) -> Any:
        """Refuses torch's tensors, whose storages lie outside the pickle."""
        raise pickle.UnpicklingError(f"it holds a tensor, not row numbers ({pid!r:.80})")


def _row_numbers(value: Any, where: str) -> npt.NDArray[np.int64]:
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iu":
        return np.asarray(value, dtype=np.int64)
    if isinstance(value, list) and all(type(item) is int for item in value):
        return np.array(value, dtype=np.int64)
    raise SourceError(where, found=f"{type(value).__name__}", expected="a list or array of row numbers")
