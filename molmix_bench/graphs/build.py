"""Building a store: every molecule of a mix featurised once and appended to the store's arrays, in flat memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import rdBase
from tqdm import tqdm

from molmix_bench.errors import StoreError
from molmix_bench.graphs.append import ArrayWriter
from molmix_bench.graphs.binary import is_known
from molmix_bench.graphs.encodings import Encodings
from molmix_bench.graphs.featurize import Graphs
from molmix_bench.graphs.labels import write_labels
from molmix_bench.graphs.layout import ArrayEntry, split_array
from molmix_bench.graphs.molecules import read_molecules
from molmix_bench.graphs.piece import featurize_piece
from molmix_bench.mix import Mix
from molmix_bench.parallel import map_in_order
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.talk import say
from molmix_bench.vocab import MOL_ID

MOLECULES_PER_PIECE = 2_048
"""Featurised at once: a third of a second of work, 7 MB of results, and some seventy molecules of each size, which are
decomposed side by side."""
MAX_CODES = 1 << 16
"""Distinct atoms (or bonds) that a store can tell apart: they are numbered in 16 bits."""


def write_arrays(mix: Mix, folder: Path, *, features: FeatureSpec, workers: int) -> dict[str, ArrayEntry]:
    """Writes all arrays of a mix's store into a folder; returns what a header says of them.

    The bytes do not depend on the number of workers nor on the size of pieces.

    Raises:
        StoreError: RDKit cannot parse a molecule, or the mix is not one that its build would write.
        WorkerError: a worker was killed.
        OSError: the disk is full, or anything else that keeps a file from being written.
    """
    if not is_known():
        say(f"RDKit {rdBase.rdkitVersion} writes molecules in a form not known here: featurising takes twice as long")
    with ArrayWriter(folder) as writer:
        appender = _GraphAppender(writer)
        pieces = map_in_order(partial(featurize_piece, features), _list_molecules(mix, writer), workers=workers)
        name, total = f"featurize {mix.name}", mix.manifest.molecules
        with tqdm(desc=name, total=total, unit="mol", unit_scale=True, disable=None, leave=False) as bar:
            for graphs, encodings in pieces:
                appender.add(graphs, encodings)
                bar.update(len(graphs.atom_ptr) - 1)
        appender.write_tables()
        write_labels(mix, writer)
        return writer.finish()


def _list_molecules(mix: Mix, writer: ArrayWriter) -> Iterator[tuple[list[str], list[str]]]:
    """Yields identities and SMILES of molecules in pieces, and writes down which molecules there are in which split."""
    seen = 0
    for molecules in read_molecules(mix):
        writer.append(MOL_ID, molecules.mol_ids)
        for split, members in molecules.members.items():
            writer.append(split_array(split), members + seen)
        seen += len(molecules.smiles)
        mol_ids = molecules.mol_ids.astype(str).tolist()
        for start in range(0, len(mol_ids), MOLECULES_PER_PIECE):
            piece = slice(start, start + MOLECULES_PER_PIECE)
            yield mol_ids[piece], molecules.smiles[piece]


class _GraphAppender:
    """Appends pieces of featurised molecules, renumbered from their own counts and tables to those of the store."""

    def __init__(self, writer: ArrayWriter) -> None:
        self._writer = writer
        self._atoms = _Rows("atom")
        self._bonds = _Rows("bond")
        self._ends = {"atom_ptr": 0, "bond_ptr": 0, "component_ptr": 0}
        for name in self._ends:
            writer.append(name, np.zeros(1, np.int64))

    def add(self, graphs: Graphs, encodings: Encodings) -> None:
        self._append_ptr("atom_ptr", graphs.atom_ptr)
        self._append_ptr("bond_ptr", graphs.bond_ptr)
        self._append_ptr("component_ptr", encodings.component_ptr)
        self._writer.append("atom_code", self._atoms.number(graphs.atom_table)[graphs.atom_code])
        bond_code = self._bonds.number(graphs.bond_table)[graphs.bonds[:, 2:]]
        self._writer.append("bonds", np.hstack([graphs.bonds[:, :2], bond_code]))
        self._writer.append("atom_encodings", encodings.atom_encodings)
        self._writer.append("component", encodings.component)
        self._writer.append("laplacian_values", encodings.laplacian_values)

    def write_tables(self) -> None:
        self._writer.append("atom_table", self._atoms.table())
        self._writer.append("bond_table", self._bonds.table())

    def _append_ptr(self, name: str, ptr: NDArray[np.int64]) -> None:
        self._writer.append(name, ptr[1:] + self._ends[name])
        self._ends[name] += int(ptr[-1])


class _Rows:
    """The distinct rows of many tables, numbered in the order in which they were first met."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._numbers: dict[bytes, int] = {}
        self._width = 0

    def number(self, table: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Returns the number of each row of a table."""
        self._width = table.shape[1]
        numbers = [self._numbers.setdefault(row.tobytes(), len(self._numbers)) for row in table]
        if len(self._numbers) > MAX_CODES:
            found = f"more than {MAX_CODES:,} kinds of {self._what}s"
            raise StoreError("the store", found=found, fix="featurize the datasets of the mix in separate mixes")
        return np.array(numbers, np.uint16)

    def table(self) -> NDArray[np.uint8]:
        """Returns the distinct rows."""
        return np.frombuffer(b"".join(self._numbers), np.uint8).reshape(-1, self._width)
