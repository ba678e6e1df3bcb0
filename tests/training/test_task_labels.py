"""Tests of labels by task, and of the trivial predictor's constants."""

from __future__ import annotations

import numpy as np
import pytest

from molmix_bench.graphs.label_tables import ABSENT, DenseTable, NodeTable, SparseTable
from molmix_bench.training.task_labels import TaskLabels
from molmix_bench.training.trivial import trivial_values
from tests.models.small import ASSAYS, GRADES, PROPS

# Four molecules of a split, rows 10, 11, 12 and 13 of the store; the third has no label, and rows stand the other way.
MOLECULES = np.array([10, 11, 12, 13])
ROW = np.array([2, 1, ABSENT, 0], np.int32)
NAN = np.nan


def _tasks(table, num_tasks=3):
    labels = TaskLabels.of(table, MOLECULES, num_tasks=num_tasks)
    return [(molecules.tolist(), values.tolist()) for molecules, values in map(labels.task, range(num_tasks))]


def test_dense_labels_by_task():
    """Each task has the molecules whose label is there, with their labels."""
    table = DenseTable(ROW, np.array([[1.0, NAN, NAN], [2.0, 5.0, NAN], [NAN, 6.0, NAN]]))
    assert _tasks(table) == [([13, 11], [1.0, 2.0]), ([11, 10], [5.0, 6.0]), ([], [])]


def test_sparse_labels_by_task():
    """The same labels, one by one, give the same."""
    ptr, tasks = np.array([0, 1, 3, 4]), np.array([0, 0, 1, 1], np.int16)
    table = SparseTable(ROW, ptr, tasks, np.array([1, 2, 5, 6], np.int8))
    assert _tasks(table) == [([13, 11], [1.0, 2.0]), ([11, 10], [5.0, 6.0]), ([], [])]


def test_labels_of_atoms_by_task():
    """Each labelled atom counts, under its molecule."""
    table = NodeTable(ROW, np.array([0, 2, 2, 3]), np.array([0, 3, 1], np.uint16), np.array([[1.0], [2.0], [3.0]]))
    assert _tasks(table, 1) == [([13, 13, 10], [1.0, 2.0, 3.0])]


@pytest.mark.parametrize(
    ("target", "values", "expected"),
    [
        (PROPS, [[9.0, 9.0]] * 3, [1.0, -40.0]),
        (ASSAYS, [[1.0, 0.0, NAN], [0.0, NAN, NAN], [NAN, NAN, NAN]], [0.5, 0.0, 0.5]),
        (GRADES, [[2.0, NAN], [2.0, NAN], [0.0, NAN]], [1 / 3, 0, 2 / 3, 1 / 3, 1 / 3, 1 / 3]),
    ],
    ids=["regression", "binary", "multiclass"],
)
def test_trivial_values_by_hand(target, values, expected):
    """Means of the train labels, shares of the classes, and equal chances where a task has no label."""
    labels = TaskLabels.of(DenseTable(ROW, np.array(values)), MOLECULES, num_tasks=len(target.tasks))
    assert trivial_values(target, labels).tolist() == pytest.approx(expected)
