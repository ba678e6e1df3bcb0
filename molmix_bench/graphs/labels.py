"""Labels on their way from a mix into a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from molmix_bench.errors import StoreError
from molmix_bench.graphs.append import ArrayWriter
from molmix_bench.graphs.blocks import release
from molmix_bench.graphs.label_tables import ABSENT
from molmix_bench.graphs.layout import Array, LabelForm, form_of, label_array, split_array
from molmix_bench.graphs.molecules import read_columns
from molmix_bench.layout.cells import Cells
from molmix_bench.mix import Dataset, Mix
from molmix_bench.vocab import MOL_ID, DType, Split


def write_labels(mix: Mix, writer: ArrayWriter) -> None:
    """Appends the labels of every dataset of a mix in every split, when all its molecules have been written.

    The arrays are those of `label_tables`; the rows of a table are in the order of the store.

    Raises:
        StoreError: a dataset has a molecule that the mix table has not in that split, or a label of a task or atom that
            is not there.
    """
    mol_ids = writer.written(MOL_ID)
    atom_ptr = writer.written("atom_ptr")
    for split in mix.splits:
        members = writer.written(split_array(split))
        for dataset in mix.datasets.values():
            where = f"mix {mix.name}, {dataset.name}/{split}"
            table = _TableWriter(writer, dataset, split)
            for ids, cells in _read_labels(mix, dataset, split):
                # Among all molecules first, then among those of the split: a binary search in each.
                molecules = _places(ids, mol_ids, ids=ids, where=where)
                positions = _places(molecules, members, ids=ids, where=where)
                _check(cells, dataset, atom_ptr[molecules + 1] - atom_ptr[molecules], where=where)
                table.add(positions, cells)
                release((mol_ids, atom_ptr, members))
            table.finish(len(members))


def _read_labels(mix: Mix, dataset: Dataset, split: Split) -> Iterator[tuple[NDArray[np.bytes_], Cells]]:
    """Yields mol_ids (n,), increasing, and the labels of these molecules, some thousands of them at a time."""
    if split not in dataset.splits:
        return
    columns = dataset.layout.schema.names
    for ids, batch in read_columns(mix, dataset.name, split, columns):
        yield ids, dataset.layout.to_cells(pa.Table.from_batches([batch]).select(columns))


def _places(wanted: Array, among: Array, *, ids: NDArray[np.bytes_], where: str) -> NDArray[np.int64]:
    """Returns the places of some values in a sorted array that has each of them."""
    places: NDArray[np.int64] = np.searchsorted(among, wanted)
    known = among[np.minimum(places, len(among) - 1)] == wanted
    if not known.all():
        found = f"molecule {ids[~known][0].decode()}, which the mix table has not in that split"
        raise StoreError(where, found=found, fix="build the mix again")
    return places


def _check(cells: Cells, dataset: Dataset, sizes: NDArray[np.int64], *, where: str) -> None:
    """Refuses labels that would make loaders read or write past the end of an array."""
    if not len(cells.row) == len(cells.task) == len(cells.value) or np.isnan(cells.value).any():
        found = f"{len(cells.task):,} tasks beside {np.isfinite(cells.value).sum():,} labels"
        raise StoreError(where, found=found, expected="one label for each task named", fix="build the mix again")
    strange = (cells.task < 0) | (cells.task >= len(dataset.tasks)) | (cells.node >= sizes[cells.row])
    if strange.any():
        first = strange.argmax()
        found = f"a label of task {cells.task[first]}, atom {cells.node[first]}"
        expected = f"{len(dataset.tasks)} tasks, {sizes[cells.row[first]]} atoms"
        raise StoreError(where, found=found, expected=expected, fix="build the mix again")


class _TableWriter:
    """Appends the labels of one dataset in one split to a store."""

    def __init__(self, writer: ArrayWriter, dataset: Dataset, split: Split) -> None:
        self._writer = writer
        self._dataset = dataset
        self._split = split
        self._fill = _FILLS[form_of(dataset)]
        self._covered = self._num_rows = self._num_entries = 0
        nothing = np.zeros(0, np.int64)
        # Settles every array's dtype and columns, also of those that remain empty; a `ptr` begins with 0.
        for part, rows in self._fill(Cells(nothing, nothing, nothing, np.zeros(0)), 0, dataset).items():
            self._append(part, np.zeros(1, np.int64) if part == "ptr" else rows)

    def add(self, positions: NDArray[np.int64], cells: Cells) -> None:
        """Appends the labels of some molecules of the split, later ones than those before."""
        block = np.full(positions[-1] + 1 - self._covered, ABSENT, np.int32)
        block[positions - self._covered] = np.arange(self._num_rows, self._num_rows + len(positions))
        self._append("row", block)
        self._covered, self._num_rows = positions[-1] + 1, self._num_rows + len(positions)
        parts = self._fill(cells, len(positions), self._dataset)
        for part, rows in parts.items():
            self._append(part, rows + self._num_entries if part == "ptr" else rows)
        self._num_entries += len(parts["values"])

    def finish(self, num_members: int) -> None:
        """Appends that the remaining molecules of the split have no labels."""
        self._append("row", np.full(num_members - self._covered, ABSENT, np.int32))

    def _append(self, part: str, rows: Array) -> None:
        self._writer.append(label_array(self._dataset.name, self._split, part), rows)


def _fill_dense(cells: Cells, num_rows: int, dataset: Dataset) -> dict[str, Array]:
    values = np.full((num_rows, len(dataset.tasks)), np.nan, _floating(dataset))
    values[cells.row, cells.task] = cells.value
    return {"values": values}


def _fill_sparse(cells: Cells, num_rows: int, dataset: Dataset) -> dict[str, Array]:
    ends = np.cumsum(np.bincount(cells.row, minlength=num_rows))
    return {"ptr": ends, "tasks": cells.task.astype(np.int16), "values": cells.value.astype(dataset.spec.list_dtype)}


def _fill_node(cells: Cells, num_rows: int, dataset: Dataset) -> dict[str, Array]:
    labelled, entry = np.unique(cells.row << 16 | cells.node, return_inverse=True)
    values = np.full((len(labelled), len(dataset.tasks)), np.nan, _floating(dataset))
    values[entry, cells.task] = cells.value
    ends = np.cumsum(np.bincount(labelled >> 16, minlength=num_rows))
    return {"ptr": ends, "atoms": (labelled & 0xFFFF).astype(np.uint16), "values": values}


_FILLS: dict[LabelForm, Callable[[Cells, int, Dataset], dict[str, Array]]] = {
    "dense": _fill_dense,
    "sparse": _fill_sparse,
    "node": _fill_node,
}
"""By form: from labels and the number of rows they are of to rows of every array of the form's table except `row`."""


def _floating(dataset: Dataset) -> type[np.floating]:
    """Returns a dtype that has room for every label and for NaN: classes are stored as floats too."""
    return np.float64 if dataset.spec.list_dtype is DType.FLOAT64 else np.float32
