"""Fingerprints of all molecules of a mix, computed once, memory-mapped afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import joblib
import numpy as np
from filelock import FileLock
from numpy.lib.format import dtype_to_descr, write_array_header_1_0
from numpy.typing import NDArray
from tqdm import tqdm

from molmix_bench.atomic import written_whole
from molmix_bench.cache import cache_dir
from molmix_bench.chem.fingerprint import descriptors, num_descriptors, packed_morgan
from molmix_bench.errors import StoreError
from molmix_bench.graphs.molecules import read_molecules
from molmix_bench.graphs.store import GraphStore
from molmix_bench.mix import Mix
from molmix_bench.parallel import map_in_order
from molmix_bench.specs.base import content_digest
from molmix_bench.specs.model import FingerprintSpec

_VERSION = "1"
"""Part of every file's name: raise it with any change to the numbers."""
_CHUNK = 1_000
"""Molecules that a worker does at once."""


class FingerprintRows(Protocol):
    """Fingerprints by number of a molecule, wherever they lie."""

    def rows(self, molecules: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns bits as 0 and 1, then descriptors, of some molecules, (n, num_features)."""


class FingerprintArray:
    """Fingerprints of some molecules, in memory, by their place.

    Args:
        bits: (n, num_bits / 8), packed.
        descriptors: (n, num_descriptors); None where they are not asked for.
    """

    def __init__(self, bits: NDArray[np.uint8], descriptors: NDArray[np.float32] | None) -> None:
        self.bits, self.descriptors = bits, descriptors

    @classmethod
    def of(cls, smiles: Sequence[str], spec: FingerprintSpec) -> FingerprintArray:
        """Returns the fingerprints of stored SMILES."""
        bits = packed_morgan(smiles, radius=spec.radius, num_bits=spec.bits)
        return cls(bits, descriptors(smiles) if spec.descriptors else None)

    def rows(self, molecules: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns bits as 0 and 1, then descriptors, of some molecules, (n, num_features)."""
        return _unpacked(self.bits, self.descriptors, molecules)


class FingerprintTable:
    """Fingerprints by row of a store, in files that are read where they are needed.

    Sent to another process, it is opened there again.

    Args:
        bits: file of (num_graphs, num_bits / 8) uint8, packed.
        descriptors: file of (num_graphs, num_descriptors) float32; None where they are not asked for.

    Raises:
        StoreError: a file is damaged.
    """

    def __init__(self, bits: Path, descriptors: Path | None) -> None:
        self._paths = bits, descriptors
        self.bits: NDArray[np.uint8] = _mapped(bits)
        self.descriptors: NDArray[np.float32] | None = None
        if descriptors is not None:
            self.descriptors = _mapped(descriptors)

    def __reduce__(self) -> tuple[type[FingerprintTable], tuple[Path, Path | None]]:
        return FingerprintTable, self._paths

    @property
    def num_features(self) -> int:
        """Columns of what `rows` returns."""
        others = 0 if self.descriptors is None else int(self.descriptors.shape[1])
        return 8 * int(self.bits.shape[1]) + others

    def rows(self, molecules: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns bits as 0 and 1, then descriptors, of some molecules.

        Shapes:
            molecules: (n,), rows of the store.
            returns: (n, num_features).
        """
        return _unpacked(self.bits, self.descriptors, molecules)


def _unpacked(
    bits: NDArray[np.uint8], descriptors: NDArray[np.float32] | None, molecules: NDArray[np.int64]
) -> NDArray[np.float32]:
    unpacked = np.unpackbits(bits[molecules], axis=1).astype(np.float32)
    return unpacked if descriptors is None else np.hstack([unpacked, descriptors[molecules]])


def _mapped(file: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(file, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise StoreError(str(file), found=f"no readable fingerprints ({error})", fix="delete the file") from None
    return array


def num_features(spec: FingerprintSpec) -> int:
    """Returns the number of columns that fingerprints have."""
    return spec.bits + (num_descriptors() if spec.descriptors else 0)


def open_fingerprints(
    mix: Mix, store: GraphStore, spec: FingerprintSpec, *, workers: int | None = None
) -> FingerprintTable:
    """Returns the fingerprints of a mix; computes them the first time, with a progress bar on a terminal.

    Args:
        mix: whose molecules.
        store: of the same mix; its rows are the table's.
        spec: which fingerprints.
        workers: processes that compute; as many as there are cores for this one where None.

    Raises:
        StoreError: they cannot be written.
    """
    made_from = {
        "version": _VERSION,
        "content": store.header.content,
        "rdkit": store.header.rdkit,
        "fingerprint": spec.model_dump(mode="json"),
    }
    folder = cache_dir() / "fingerprints"
    names = ("bits", "descriptors") if spec.descriptors else ("bits",)
    paths = [folder / f"{content_digest(made_from)}-{name}.npy" for name in names]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(paths[0].with_suffix(".lock")):
            if not all(path.is_file() for path in paths):
                _compute(mix, store.num_graphs, spec, paths=paths, workers=workers or joblib.cpu_count())
    except OSError as error:
        fix = "mend that, or set MOLMIX_CACHE to a folder elsewhere; then call again"
        raise StoreError(str(folder), found=f"{error}, before the fingerprints were complete", fix=fix) from error
    return FingerprintTable(paths[0], paths[1] if spec.descriptors else None)


def _compute(mix: Mix, num_graphs: int, spec: FingerprintSpec, *, paths: list[Path], workers: int) -> None:
    columns = ((np.uint8, spec.bits // 8), (np.float32, num_descriptors()))
    with ExitStack() as stack:
        parts = [stack.enter_context(written_whole(path)) for path in paths]
        # Written, not mapped: to a mapped file on a full disk, the system answers by killing the process.
        files = [stack.enter_context(part.open("wb")) for part in parts]
        for file, (dtype, width) in zip(files, columns, strict=False):
            descr = dtype_to_descr(np.dtype(dtype))
            write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": (num_graphs, width)})
        bar = stack.enter_context(
            tqdm(desc="fingerprints", total=num_graphs, unit="molecule", unit_scale=True, disable=None)
        )
        for found in map_in_order(partial(_fingerprints, spec), _chunks(mix), workers=workers):
            for file, values, (dtype, _) in zip(files, found, columns, strict=False):
                file.write(np.ascontiguousarray(values, dtype).data)
            bar.update(len(found[0]))


def _chunks(mix: Mix) -> Iterator[list[str]]:
    """Yields SMILES in the order of the store."""
    for molecules in read_molecules(mix):
        for begin in range(0, len(molecules.smiles), _CHUNK):
            yield molecules.smiles[begin : begin + _CHUNK]


def _fingerprints(spec: FingerprintSpec, smiles: list[str]) -> list[NDArray[np.generic]]:
    found: list[NDArray[np.generic]] = [packed_morgan(smiles, radius=spec.radius, num_bits=spec.bits)]
    return [*found, descriptors(smiles)] if spec.descriptors else found
