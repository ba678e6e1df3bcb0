"""Tests of merging duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from molmix_bench.build.duplicates import merge_cells
from molmix_bench.layout.cells import Cells
from molmix_bench.vocab import Policy
from tests.strategies import duplicate_tables

NAN = np.nan


def _cells(table):
    row, task = np.nonzero(~np.isnan(table))
    return Cells(row=row, task=task, node=np.zeros_like(row), value=table[row, task])


def _merge(table, group, policy):
    """Merges a dense table; returns the dense result and the disagreements."""
    table, group = np.array(table, dtype=np.float64), np.array(group)
    spread = np.nan_to_num(np.nanvar(table, axis=1)) if policy is Policy.MAX_VARIANCE else None
    merged, found = merge_cells(_cells(table), group, policy, spread=spread)
    result = np.full((group.max() + 1, table.shape[1]), np.nan)
    result[merged.row, merged.task] = merged.value
    return result, found


def test_mean():
    """Labels are averaged, missing ones take no part, one label stays as it is."""
    result, found = _merge([[1.0, NAN], [2.0, 5.0], [7.0, NAN]], [0, 0, 1], Policy.MEAN)
    np.testing.assert_array_equal(result, [[1.5, 5.0], [7.0, NAN]])
    assert [(item.group, item.task, item.rows, item.values, item.merged) for item in found] == [
        (0, 0, (0, 1), (1.0, 2.0), 1.5)
    ]


def test_mean_of_equal_labels_is_exact():
    """Three times 0.1 is 0.1, not what a sum divided by three gives, and no conflict."""
    result, found = _merge([[0.1]] * 3, [0, 0, 0], Policy.MEAN)
    assert result[0, 0] == 0.1
    assert found == []


def test_majority():
    """The most frequent class wins; a tie gives no label and names no winner."""
    table = [[1, 0, 2], [1, 1, 2], [0, NAN, NAN], [1, 0, 1], [0, 1, 1]]
    result, found = _merge(table, [0, 0, 0, 1, 1], Policy.MAJORITY)
    np.testing.assert_array_equal(result, [[1, NAN, 2], [NAN, NAN, 1]])
    assert [(item.group, item.task, item.merged) for item in found] == [
        (0, 0, 1.0),
        (0, 1, None),
        (1, 0, None),
        (1, 1, None),
    ]


def test_first():
    """The first label in file order is kept, task by task."""
    result, found = _merge([[NAN, 3.0], [2.0, 1.0], [9.0, 1.0]], [0, 0, 0], Policy.FIRST)
    np.testing.assert_array_equal(result, [[2.0, 3.0]])
    assert [(item.task, item.rows, item.values) for item in found] == [
        (0, (1, 2), (2.0, 9.0)),
        (1, (0, 1, 2), (3.0, 1.0, 1.0)),
    ]


def test_max_variance():
    """The row whose labels vary most is kept whole; what it lacks is lacking."""
    table = [[1.0, 1.0, 1.0], [0.0, 4.0, NAN], [5.0, 5.0, 5.0]]
    result, found = _merge(table, [0, 0, 0], Policy.MAX_VARIANCE)
    np.testing.assert_array_equal(result, [[0.0, 4.0, NAN]])
    assert [(item.task, item.merged) for item in found] == [(0, 0.0), (1, 4.0), (2, None)]


def test_max_variance_ties_go_to_the_first():
    """Equal variances: the first row."""
    result, _ = _merge([[0.0, 2.0], [5.0, 7.0]], [0, 0], Policy.MAX_VARIANCE)
    np.testing.assert_array_equal(result, [[0.0, 2.0]])


@pytest.mark.parametrize("policy", Policy)
def test_no_labels_at_all(policy):
    """Groups without labels come out without labels."""
    cells = _cells(np.empty((2, 0)))
    merged, found = merge_cells(cells, np.array([0, 0]), policy, spread=np.zeros(2))
    assert len(merged) == 0
    assert found == []


def test_atoms_are_cells_of_their_own():
    """Labels of different atoms never meet."""
    cells = Cells(np.array([0, 0, 1]), np.zeros(3, int), np.array([0, 1, 1]), np.array([1.0, 2.0, 4.0]))
    merged, found = merge_cells(cells, np.array([0, 0]), Policy.MEAN)
    assert merged.node.tolist() == [0, 1]
    assert merged.value.tolist() == [1.0, 3.0]
    assert [(item.node, item.values) for item in found] == [(1, (2.0, 4.0))]


@given(duplicate_tables())
def test_mean_and_majority_are_blind_to_order(case):
    """Shuffling rows changes nothing, to the last bit."""
    table, group, order = case
    for policy in (Policy.MEAN, Policy.MAJORITY):
        one, _ = _merge(table, group, policy)
        other, _ = _merge(table[order], group[order], policy)
        np.testing.assert_array_equal(one, other)


@given(duplicate_tables())
def test_against_plain_loops(case):
    """Every policy equals the obvious loop over groups and tasks."""
    table, group, _ = case
    for policy, rule in _RULES.items():
        result, _ = _merge(table, group, policy)
        for one in range(result.shape[0]):
            for task in range(table.shape[1]):
                column = table[group == one, task]
                present = column[~np.isnan(column)]
                expected = rule(present) if len(present) else np.nan
                np.testing.assert_allclose(result[one, task], expected, rtol=1e-14)


def _majority(labels):
    values, counts = np.unique(labels, return_counts=True)
    return values[counts.argmax()] if (counts == counts.max()).sum() == 1 else np.nan


_RULES = {Policy.MEAN: np.mean, Policy.MAJORITY: _majority, Policy.FIRST: lambda labels: labels[0]}
