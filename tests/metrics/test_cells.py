"""Tests of labelled cells grouped by task."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from molmix_bench.metrics.cells import Cells, order_within_tasks
from molmix_bench.metrics.means import task_means
from tests.strategies import regression_tables

NAN = np.nan


@pytest.fixture
def cells():
    """Three molecules, three tasks; the second task has no label."""
    labels = [[1.0, NAN, NAN], [NAN, NAN, 5.0], [3.0, NAN, 6.0]]
    predictions = [[10.0, NAN, 0.0], [0.0, 0.0, 50.0], [30.0, 0.0, 60.0]]
    return Cells.from_dense(labels, predictions)


def test_cells_are_the_labelled_ones_task_after_task(cells):
    """By hand."""
    assert cells.starts.tolist() == [0, 2, 2, 4]
    assert cells.rows.tolist() == [0, 2, 1, 2]
    assert cells.labels.tolist() == [1, 3, 5, 6]
    assert cells.predictions.tolist() == [10, 30, 50, 60]
    assert cells.num_labels.tolist() == [2, 0, 2]


def test_selecting_tasks_leaves_the_cells_of_the_others_out(cells):
    """By hand; selecting none leaves nothing."""
    last = cells.select(np.array([False, True, True]))
    assert (last.starts.tolist(), last.rows.tolist()) == ([0, 0, 2], [1, 2])
    assert (last.labels.tolist(), last.predictions.tolist()) == ([5, 6], [50, 60])
    assert cells.select(np.zeros(3, dtype=bool)).starts.tolist() == [0]


def test_pooled_cells_are_those_of_one_task(cells):
    """Micro averages see one task of all cells."""
    assert cells.pooled().starts.tolist() == [0, 4]
    assert cells.pooled().labels.tolist() == [1, 3, 5, 6]


def test_standardising_takes_each_tasks_own_scale(cells):
    """By hand; a task without cells may have no scale."""
    scaled = cells.standardised(np.array([1.0, NAN, 5.0]), np.array([2.0, NAN, 10.0]))
    assert scaled.labels.tolist() == [0, 1, 0, 0.1]
    assert scaled.predictions.tolist() == [4.5, 14.5, 4.5, 5.5]


@given(regression_tables())
def test_task_means_are_numpys(tables):
    """Against `numpy.mean` of the labelled cells; NaN where there are none."""
    labels, predictions = tables
    cells = Cells.from_dense(labels, predictions)
    expected = [column[~np.isnan(column)].mean() if not np.isnan(column).all() else NAN for column in labels.T]
    assert task_means(cells.starts, cells.labels) == pytest.approx(expected, nan_ok=True)


@given(regression_tables())
def test_the_order_sorts_each_task_within_itself(tables):
    """Against `sorted`, task by task."""
    cells = Cells.from_dense(*tables)
    ordered = cells.predictions[order_within_tasks(cells.starts, cells.predictions)]
    for first, end in pairwise(cells.starts):
        assert ordered[first:end].tolist() == sorted(cells.predictions[first:end].tolist())
