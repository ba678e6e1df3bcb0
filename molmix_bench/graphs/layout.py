"""The form of a store on disk: `header.json`, and one file of plain numbers for each array."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from molmix_bench.errors import SpecError, StoreError
from molmix_bench.mix import Dataset
from molmix_bench.specs.base import Spec, content_digest, validate_spec
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.manifest import Count, RelativePath
from molmix_bench.specs.source import Name, Sha256
from molmix_bench.vocab import Kind, Level, Split

FORMAT: Literal["molmix-store-2"] = "molmix-store-2"
HEADER_FILE = "header.json"
REBUILD = "delete the folder; the store is built again when it is next asked for"

LabelForm = Literal["dense", "sparse", "node"]
"""How a dataset's labels lie in arrays; `label_tables` has a table for each."""

MOL_ID_DTYPE = np.dtype("S36")
"""The longest identity is `SMI-` and 32 hex digits; an InChIKey has 27 letters."""

Array = NDArray[Any]


class ArrayEntry(Spec):
    """An array of the store: its file is the array's name with `.bin`, rows one after the other, nothing before."""

    dtype: Annotated[str, StringConstraints(pattern=r"^(<[fiu][248]|\|[iu]1|\|S36)$")]
    """As NumPy writes it; always little-endian."""
    shape: Annotated[tuple[Count, ...], Field(min_length=1, max_length=2)]
    sha256: Sha256

    @property
    def num_bytes(self) -> int:
        """Size of the array's file."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


class StoredDataset(Spec):
    """What the store knows of a dataset of its mix."""

    form: LabelForm
    level: Level
    kind: Kind
    num_classes: int | None
    tasks: tuple[str, ...]


class Header(Spec):
    """`header.json`: everything but the numbers. It is written last, so a folder without it is no store."""

    format: Literal["molmix-store-2"]
    key: Sha256
    """What the store was made from and by; see `cached`."""
    mix: str
    """Name and version, for people."""
    content: Sha256
    """Digest of the mix's content; the part of the key that does not depend on how it is featurised."""
    featurizer: str
    rdkit: str
    features: FeatureSpec
    datasets: dict[Name, StoredDataset]
    splits: tuple[Split, ...]
    arrays: dict[RelativePath, ArrayEntry]


def form_of(dataset: Dataset) -> LabelForm:
    """Returns the form of a dataset's labels; it follows that of its tables in the mix."""
    if dataset.level is Level.NODE:
        return "node"
    return "sparse" if dataset.is_sparse else "dense"


def split_array(split: Split) -> str:
    """Returns the name of the array with a split's molecules.

    >>> split_array(Split.TRAIN)
    'splits/train/molecules'
    """
    return f"splits/{split}/molecules"


def label_array(dataset: str, split: Split, part: str) -> str:
    """Returns the name of an array with a dataset's labels.

    >>> label_array("qm9", Split.TEST, "values")
    'labels/qm9/test/values'
    """
    return f"labels/{dataset}/{split}/{part}"


def array_file(store: Path, name: str) -> Path:
    """Returns the file of an array."""
    return store / f"{name}.bin"


def write_header(store: Path, header: Header) -> None:
    """Writes the header, which makes the folder a store."""
    data = {"digest": content_digest(header), **header.model_dump(mode="json")}
    (store / HEADER_FILE).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def read_header(store: Path) -> Header:
    """Returns the header of a store.

    Raises:
        StoreError: the folder is no store, one of another format, or one whose header was changed.
    """
    file = store / HEADER_FILE
    if not file.is_file():
        raise StoreError(str(store), found=f"no {HEADER_FILE}", expected="a store of graphs", fix=REBUILD)
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StoreError(str(file), found=f"no readable JSON ({error})", fix=REBUILD) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = f"format {data.get('format')!r}" if isinstance(data, dict) else "no header"
        raise StoreError(str(file), found=found, expected=repr(FORMAT), fix=REBUILD)
    digest = data.pop("digest", None)
    try:
        header = validate_spec(Header, data, where=str(file))
    except SpecError as error:
        raise StoreError(str(file), found=error.found, fix=REBUILD) from None
    if digest != content_digest(header):
        raise StoreError(str(file), found="a header that is not as it was written", fix=REBUILD)
    return header


def open_array(store: Path, name: str, header: Header) -> Array:
    """Returns an array of the store, read-only and read from disk only where it is used.

    Raises:
        StoreError: the array is not in the header, or its file is missing or of another size than the header says.
    """
    file = array_file(store, name)
    entry = header.arrays.get(name)
    if entry is None:
        raise StoreError(str(store / HEADER_FILE), found=f"no array {name!r}", fix=REBUILD)
    if not file.is_file():
        raise StoreError(str(file), found="no such file", expected="a file of the store", fix=REBUILD)
    if file.stat().st_size != entry.num_bytes:
        raise StoreError(
            str(file),
            found=f"{file.stat().st_size:,} bytes",
            expected=f"{entry.num_bytes:,} as in the header",
            fix=REBUILD,
        )
    return map_array(file, np.dtype(entry.dtype), entry.shape)


def map_array(file: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """Returns the array in a file, read-only; pages are read when used, and processes share them."""
    if not math.prod(shape):  # an empty file cannot be mapped
        return np.zeros(shape, dtype)
    # The plain view spares every later slice the cost of being a memmap itself.
    return np.memmap(file, dtype, mode="r", shape=shape).view(np.ndarray)
