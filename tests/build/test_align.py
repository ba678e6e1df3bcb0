"""Tests of labels of atoms on their way from raw numbers to the stored SMILES."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from molmix_bench.build.align import NO_RAW, align_to_smiles, move_to_stored
from molmix_bench.layout.cells import Cells
from molmix_bench.vocab import DropReason


def _lists(*rows):
    return pa.table({"t0": pa.array(rows, pa.list_(pa.float32()))})


def _numbering(*rows):
    return pa.array(rows, pa.list_(pa.int32()))


def test_values_follow_their_numbers():
    """The stored atom j takes the value of its raw number; nulls and NaN stay missing."""
    labels = _lists([10.0, 11.0, 12.0], [20.0, None, float("nan")])
    aligned, lost = align_to_smiles(labels, _numbering([2, 0, 1], [1, 0, 2]), np.array([3, 3]))
    assert aligned["t0"].to_pylist() == [[12.0, 10.0, 11.0], [None, 20.0, None]]
    assert lost == []


def test_hydrogens_lose_their_labels():
    """Labels of raw atoms that no stored atom comes from are counted, and the row stays."""
    aligned, lost = align_to_smiles(_lists([1.0, 2.0, 3.0, None]), _numbering([1]), np.array([4]))
    assert aligned["t0"].to_pylist() == [[2.0]]
    assert [(item.row, item.task, item.reason, item.labels) for item in lost] == [(0, 0, DropReason.NO_ATOM, 2)]


def test_wrong_lengths():
    """A list that is not as long as the raw molecule is lost whole; an empty one is no label."""
    labels = _lists([1.0, 2.0], [], [1.0, None, 3.0])
    aligned, lost = align_to_smiles(labels, _numbering([0, 1, 2], [0, 1], [0, 1]), np.array([3, 2, 2]))
    assert aligned["t0"].to_pylist() == [[], [], []]
    assert [(item.row, item.reason, item.labels, item.detail) for item in lost] == [
        (0, DropReason.WRONG_LENGTH, 2, "2 values for 3 atoms"),
        (2, DropReason.WRONG_LENGTH, 2, "3 values for 2 atoms"),
    ]


def test_rows_without_numbering_come_out_empty():
    """What becomes of them is the caller's to say."""
    aligned, lost = align_to_smiles(_lists([1.0], [2.0]), _numbering(None, [0]), np.array([-1, 1]))
    assert aligned["t0"].to_pylist() == [[], [2.0]]
    assert lost == []


def test_all_labels_on_hydrogens():
    """A row none of whose labels has an atom is empty, not a list of nulls."""
    aligned, lost = align_to_smiles(_lists([None, 2.0]), _numbering([0]), np.array([2]))
    assert aligned["t0"].to_pylist() == [[]]
    assert lost[0].labels == 1


def test_slices():
    """Tables that begin in the middle of their buffers are read from there."""
    labels = _lists([9.0], [10.0, 11.0], [12.0]).slice(1)
    numbering = _numbering([0], [1, 0], [0]).slice(1)
    aligned, _ = align_to_smiles(labels, numbering, np.array([2, 1]))
    assert aligned["t0"].to_pylist() == [[11.0, 10.0], [12.0]]


def test_moving_to_another_form():
    """Atoms of a resonance form go to the atoms of the stored one; rows with the stored SMILES stay as they are."""
    own, stored = "[O-][n+]1ccccc1", "O=n1ccccc1"
    cells = Cells(np.array([0, 0, 1]), np.zeros(3, int), np.array([0, 1, 1]), np.array([5.0, 6.0, 7.0]))
    moved, lost = move_to_stored(cells, [own, "CO"], [stored, "CO"])
    assert (moved.row.tolist(), moved.node.tolist(), moved.value.tolist()) == ([0, 0, 1], [0, 1, 1], [5.0, 6.0, 7.0])
    assert len(lost) == 0


def test_atoms_that_the_stored_form_lacks():
    """A hydrogen that only one form writes has nowhere to go."""
    cells = Cells(np.array([0, 0]), np.zeros(2, int), np.array([0, 1]), np.array([5.0, 6.0]))
    moved, lost = move_to_stored(cells, ["[H]O"], ["O"])
    assert moved.value.tolist() == [6.0]
    assert lost.value.tolist() == [5.0]


def test_atoms_that_take_no_label():
    """Where the numbering names no raw atom, a place of the list is null and the label a counted loss."""
    aligned, lost = align_to_smiles(_lists([1.0, 2.0, 3.0]), _numbering([2, NO_RAW, 0]), np.array([3]))
    assert aligned["t0"].to_pylist() == [[3.0, None, 1.0]]
    assert [(item.reason, item.labels) for item in lost] == [(DropReason.NO_ATOM, 1)]
