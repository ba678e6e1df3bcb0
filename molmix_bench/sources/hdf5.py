"""Careful access to HDF5 files of others: what is read lies in the file itself, and is measured before it is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from molmix_bench.errors import SourceError

MAX_FIELD_BYTES = 1 << 30
"""Largest one-dimensional field that is read at once."""
MAX_HDF5_CHUNK_BYTES = 256 << 20
"""HDF5 unpacks a compressed chunk as a whole: files with larger ones are refused."""
_CACHE_BYTES = 64 << 20
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Yields an open HDF5 file.

    Raises:
        SourceError: it is no HDF5 file, or is truncated or damaged, be it noticed now or when something is read.
    """
    import h5py  # heavy, and needed by this one file form

    with path.open("rb") as stream:
        if stream.read(len(_SIGNATURE)) != _SIGNATURE:
            fix = "unpack it first: HDF5 is read in place" if path.suffix in (".gz", ".zip") else "fetch the file again"
            raise SourceError(path.name, found="no HDF5 file", expected="its signature at the start", fix=fix)
    try:
        with h5py.File(path, "r", rdcc_nbytes=_CACHE_BYTES) as file:
            yield file
    except (OSError, RuntimeError) as error:  # what h5py raises of truncated files and broken chunks
        text = " ".join(str(error).split())
        raise SourceError(path.name, found=f"unreadable: {text:.300}", fix="fetch the file again") from None


def find_dataset(file: Any, name: str, where: str, *, num_dimensions: int) -> Any:
    """Returns a dataset of a file, checked but not read.

    Raises:
        SourceError: it is not there, lies in another file, or has other dimensions or chunks too large to unpack.
    """
    import h5py

    group, _, last = name.rpartition("/")
    node = file
    for part in name.split("/"):
        link = node.get(part, getlink=True) if isinstance(node, h5py.Group) else None
        if not isinstance(link, h5py.HardLink):
            present = ", ".join(sorted(file[group])) if link is None and part == last and group in file else ""
            found = f"no {name}" if link is None else f"{name}, a link to elsewhere"
            raise SourceError(
                where, found=found, expected=f"a dataset; there are {present}" if present else "a dataset"
            )
        node = node[part]
    if not isinstance(node, h5py.Dataset) or node.is_virtual or node.external:
        raise SourceError(where, found=f"{name}, which is no dataset of this file", expected="a dataset")
    if node.ndim != num_dimensions:
        raise SourceError(where, found=f"{name} of shape {node.shape}", expected=f"{num_dimensions} dimension(s)")
    if node.chunks is not None and math.prod(node.chunks) * node.dtype.itemsize > MAX_HDF5_CHUNK_BYTES:
        raise SourceError(where, found=f"{name} in chunks of {node.chunks}", expected=f"{MAX_HDF5_CHUNK_BYTES:,} bytes")
    return node


def read_texts(dataset: Any, where: str) -> list[str]:
    """Returns a one-dimensional field as text, numbers in their shortest form; raises `SourceError`."""
    if dataset.size * max(dataset.dtype.itemsize, 1) > MAX_FIELD_BYTES:
        raise SourceError(where, found=f"a field of {dataset.size:,} values", expected=f"{MAX_FIELD_BYTES:,} bytes")
    if dataset.dtype.kind not in "OSUiufb":
        raise SourceError(where, found=f"a field of type {dataset.dtype}", expected="text or numbers")
    values: npt.NDArray[Any] = dataset[:]
    if values.dtype.kind in "OSU":
        return [_decode(value) for value in values.tolist()]
    return [f"{value:.9g}" for value in np.asarray(values, dtype=np.float64).tolist()]


def _decode(value: Any) -> str:
    # Units such as µM are Latin-1 in the files of the Connectivity Map.
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8").strip()
        except UnicodeDecodeError:
            return value.decode("latin-1").strip()
    return str(value).strip()
