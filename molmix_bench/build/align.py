"""Labels of atoms, from the numbering of the raw file to the order of atoms in a SMILES."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from molmix_bench.chem.correspond import corresponding_atoms
from molmix_bench.layout.cells import Cells, Ints, list_array
from molmix_bench.vocab import DropReason

NO_RAW = -1
"""In a numbering: an atom of the SMILES that takes no label, whatever the raw file has for it."""

_NO_ATOM = "on atoms that the stored SMILES does not have, or that take no labels in this source"


@dataclass(frozen=True, slots=True)
class LostLabels:
    """Labels of one task in one row that have no atom to go to."""

    row: int
    task: int
    reason: DropReason
    detail: str
    labels: int


def align_to_smiles(labels: pa.Table, numbering: pa.ListArray, num_raw: Ints) -> tuple[pa.Table, list[LostLabels]]:
    """Returns lists in the order of each row's own SMILES, and what could not be placed.

    Rows without a numbering come out empty; the caller says what becomes of them.

    Args:
        labels: list columns; place i of a list belongs to the raw atom of number i.
        numbering: per row, the raw number of each atom of its SMILES; null where there is none;
            `NO_RAW` where the atom takes no label.
        num_raw: (num_rows,), raw atoms of each row.
    """
    known = numbering.is_valid().to_numpy(zero_copy_only=False)
    columns, lost = [], []
    for task, column in enumerate(labels.columns):
        lists = column.combine_chunks()
        lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        fits = known & (lengths == num_raw)
        lost += _wrong_lengths(lists, known & (lengths > 0) & ~fits, num_raw, task=task)
        aligned, homeless = _gather(lists, numbering, fits)
        lost += [
            LostLabels(int(row), task, DropReason.NO_ATOM, _NO_ATOM, int(count))
            for row, count in zip(np.flatnonzero(homeless), homeless[homeless > 0], strict=True)
        ]
        columns.append(aligned)
    return pa.table(columns, schema=labels.schema), lost


def _wrong_lengths(lists: pa.ListArray, wrong: npt.NDArray[np.bool_], num_raw: Ints, *, task: int) -> list[LostLabels]:
    lost = []
    for row in np.flatnonzero(wrong).tolist():
        values = lists[row].values
        detail = f"{len(values)} values for {num_raw[row]} atoms"
        lost.append(LostLabels(row, task, DropReason.WRONG_LENGTH, detail, len(values) - values.null_count))
    return lost


def _gather(lists: pa.ListArray, numbering: pa.ListArray, fits: npt.NDArray[np.bool_]) -> tuple[pa.ListArray, Ints]:
    """Returns the lists by the numbering, empty where they do not fit or hold no label; and labels left over."""
    starts = lists.offsets.to_numpy()[:-1].astype(np.int64)
    sizes = np.where(fits, pc.fill_null(pc.list_value_length(numbering), 0).to_numpy(zero_copy_only=False), 0)
    wanted = pc.list_flatten(numbering.filter(pa.array(fits))).to_numpy().astype(np.int64)
    values = lists.values
    # A value that is no number (NaN) is no label.
    values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    taken = values.take(pa.array(wanted + np.repeat(starts, sizes), mask=wanted == NO_RAW))
    given = _count_valid(values, lists)
    row = np.repeat(np.arange(len(lists)), sizes)
    placed = np.bincount(row[taken.is_valid().to_numpy(zero_copy_only=False)], minlength=len(lists))
    # A row none of whose labels has an atom is an empty list, not a list of nulls.
    keep = placed > 0
    homeless = np.where(fits, given - placed, 0)
    return list_array(taken.filter(pa.array(keep[row])), np.where(keep, sizes, 0)), homeless


def _count_valid(values: pa.Array, lists: pa.ListArray) -> Ints:
    valid = np.concatenate([[0], np.cumsum(values.is_valid().to_numpy(zero_copy_only=False))])
    offsets = lists.offsets.to_numpy()
    counts: Ints = valid[offsets[1:]] - valid[offsets[:-1]]
    return counts


def move_to_stored(cells: Cells, smiles: list[str], stored: list[str]) -> tuple[Cells, Cells]:
    """Returns cells whose atoms count along `stored`, and the cells that have no atom there.

    Args:
        cells: with atoms counted along the SMILES of their rows.
        smiles: of each row.
        stored: of each row; most are equal to `smiles`.
    """
    node = cells.node.copy()
    for row in {row for row, (one, other) in enumerate(zip(smiles, stored, strict=True)) if one != other}:
        target = {atom: place for place, atom in enumerate(corresponding_atoms(smiles[row], stored[row]))}
        here = np.flatnonzero(cells.row == row)
        node[here] = [target.get(int(atom), -1) for atom in cells.node[here]]
    moved = Cells(cells.row, cells.task, node, cells.value)
    return moved.take(node >= 0), moved.take(node < 0)
