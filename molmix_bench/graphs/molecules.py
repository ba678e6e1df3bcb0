"""The distinct molecules of a mix in the order of their identities, read side by side from all its splits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from molmix_bench.errors import StoreError
from molmix_bench.graphs.layout import MOL_ID_DTYPE
from molmix_bench.mix import Mix
from molmix_bench.parquet import open_parquet
from molmix_bench.vocab import MIX_CONFIG, MOL_ID, SMILES, Split

ROWS_PER_BATCH = 16_384
"""Rows read at once from each file: 2 MB of identities and SMILES."""


@dataclass(frozen=True, slots=True)
class Molecules:
    """Consecutive molecules.

    Shapes:
        mol_ids: (n,) of `layout.MOL_ID_DTYPE`, increasing.
        smiles: n of them.
        members: for each split, (m,) int64, increasing: which of these molecules are in it.
    """

    mol_ids: NDArray[np.bytes_]
    smiles: list[str]
    members: dict[Split, NDArray[np.int64]]


def read_molecules(mix: Mix) -> Iterator[Molecules]:
    """Yields every molecule of a mix once, by increasing mol_id, some thousands at a time.

    Raises:
        StoreError: the mix is not sorted by mol_id, or gives one molecule two SMILES.
    """
    streams = {split: _Stream(mix, split) for split in mix.splits}
    while waiting := {split: stream for split, stream in streams.items() if len(stream.mol_ids)}:
        # Up to here, no split can hold a molecule that has not been read.
        bound = min(stream.mol_ids[-1] for stream in waiting.values())
        taken = {split: stream.take(bound) for split, stream in waiting.items()}
        mol_ids = np.concatenate([ids for ids, _ in taken.values()])
        smiles = np.concatenate([texts for _, texts in taken.values()])
        distinct, first, inverse = np.unique(mol_ids, return_index=True, return_inverse=True)
        if (differing := np.flatnonzero(smiles != smiles[first][inverse])).size:
            where = f"mix {mix.name}, molecule {mol_ids[differing[0]].decode()}"
            raise StoreError(where, found="different SMILES in different splits", expected="one", fix="build it again")
        members = {split: np.searchsorted(distinct, ids) for split, (ids, _) in taken.items()}
        yield Molecules(distinct, smiles[first].tolist(), members)


def read_columns(
    mix: Mix, config: str, split: Split, columns: list[str]
) -> Iterator[tuple[NDArray[np.bytes_], pa.RecordBatch]]:
    """Yields the mol_ids of one table, strictly increasing, with other columns of it, some thousand rows at a time."""
    previous = b""
    for path in mix.files(config, split):
        with open_parquet(path) as file:
            for batch in file.iter_batches(ROWS_PER_BATCH, columns=[MOL_ID, *columns]):
                if not batch.num_rows:
                    continue
                mol_ids = _fixed_width(batch[MOL_ID], where=str(path))
                if mol_ids[0] <= previous or (mol_ids[1:] <= mol_ids[:-1]).any():
                    found = f"rows that are not sorted by {MOL_ID}, or one molecule twice"
                    raise StoreError(str(path), found=found, fix="build the mix again")
                previous = mol_ids[-1]
                yield mol_ids, batch


def _fixed_width(mol_ids: pa.Array, *, where: str) -> NDArray[np.bytes_]:
    longest = pc.max(pc.binary_length(mol_ids)).as_py()
    if longest > MOL_ID_DTYPE.itemsize:
        raise StoreError(where, found=f"a mol_id of {longest} bytes", expected=f"at most {MOL_ID_DTYPE.itemsize}")
    return np.array(mol_ids.cast(pa.binary()).to_pylist(), MOL_ID_DTYPE)


class _Stream:
    """One split of a mix, read forward; `mol_ids` and `smiles` are what has been read and not yet taken."""

    def __init__(self, mix: Mix, split: Split) -> None:
        self._batches = read_columns(mix, MIX_CONFIG, split, [SMILES])
        self.mol_ids: NDArray[np.bytes_] = np.empty(0, MOL_ID_DTYPE)
        self.smiles: NDArray[np.object_] = np.empty(0, object)
        self._read()

    def take(self, bound: bytes) -> tuple[NDArray[np.bytes_], NDArray[np.object_]]:
        """Returns and forgets the molecules up to and including `bound`; reads on when none are left."""
        count = np.count_nonzero(self.mol_ids <= bound)
        taken = self.mol_ids[:count], self.smiles[:count]
        self.mol_ids, self.smiles = self.mol_ids[count:], self.smiles[count:]
        if not len(self.mol_ids):
            self._read()
        return taken

    def _read(self) -> None:
        for mol_ids, batch in self._batches:
            self.mol_ids = mol_ids
            self.smiles = np.array(batch[SMILES].to_pylist(), object)
            return
