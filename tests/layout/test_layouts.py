"""Tests of the three forms of label tables, by hand and by properties that hold for all of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from molmix_bench.layout.cells import Cells
from molmix_bench.layout.choose import layout_of
from molmix_bench.layout.node import NodeLayout
from molmix_bench.layout.sparse import SparseLayout
from molmix_bench.layout.wide import WideLayout
from molmix_bench.specs.source import DatasetSpec
from tests.strategies import label_cells


def _dataset(*, level="graph", kind="regression", num_tasks=2, **settings):
    tasks = [{"name": f"t{i}", "description": "x"} for i in range(num_tasks)]
    policy = "mean" if kind == "regression" else "majority"
    data = {"description": "x", "level": level, "kind": kind, "duplicates": policy, "tasks": tasks}
    return DatasetSpec.model_validate(data | settings)


def _cells(*rows):
    row, task, node, value = zip(*rows, strict=True)
    return Cells(np.array(row), np.array(task), np.array(node), np.array(value, dtype=float))


def _sorted(cells):
    order = np.lexsort((cells.node, cells.task, cells.row))
    return [part[order].tolist() for part in (cells.row, cells.task, cells.node, cells.value)]


def test_which_form():
    """Up to a hundred tasks of molecules are columns, more are pairs; atoms have lists."""
    assert isinstance(layout_of(_dataset(num_tasks=100)), WideLayout)
    assert isinstance(layout_of(_dataset(num_tasks=101)), SparseLayout)
    assert isinstance(layout_of(_dataset(level="node")), NodeLayout)


def test_wide():
    """One nullable column per task; in the mix a list in task order, empty for molecules that are not there."""
    layout = WideLayout(_dataset())
    table = layout.from_cells(_cells((0, 0, 0, 1.5), (0, 1, 0, 2.0), (2, 1, 0, 3.0)), np.ones(3))
    assert table.to_pydict() == {"t0": [1.5, None, None], "t1": [2.0, None, 3.0]}
    assert layout.has_label(table).tolist() == [True, False, True]
    assert layout.count(table).tolist() == [2, 0, 1]
    assert [values.tolist() for values in layout.task_values(table)] == [[1.5], [2.0, 3.0]]
    mixed = layout.mix_column(table, np.array([1, 0, 1, 1, 0]))
    assert mixed.to_pylist() == [[1.5, 2.0], [], [None, None], [None, 3.0], []]
    assert mixed.type == layout.mix_type


def test_sparse():
    """Pairs increase by task; in the mix a struct of two lists, both empty for molecules that are not there."""
    layout = SparseLayout(_dataset(kind="binary", num_tasks=200))
    table = layout.from_cells(_cells((0, 150, 0, 1), (0, 3, 0, 0), (2, 7, 0, 1)), np.ones(3))
    assert table.to_pydict() == {"task_idx": [[3, 150], [], [7]], "label": [[0, 1], [], [1]]}
    assert table.schema == pa.schema({"task_idx": pa.list_(pa.int16()), "label": pa.list_(pa.int8())})
    assert layout.has_label(table).tolist() == [True, False, True]
    values = layout.task_values(table)
    assert len(values) == 200
    assert (values[3].tolist(), values[7].tolist(), values[150].tolist(), values[0].tolist()) == ([0], [1], [1], [])
    mixed = layout.mix_column(table, np.array([0, 1, 1, 1, 0]))
    assert mixed.to_pylist() == [
        {"task_idx": [], "label": []},
        {"task_idx": [3, 150], "label": [0, 1]},
        {"task_idx": [], "label": []},
        {"task_idx": [7], "label": [1]},
        {"task_idx": [], "label": []},
    ]
    assert mixed.type == layout.mix_type
    assert mixed.null_count == 0


def test_sparse_from_dense_columns():
    """Dense columns become pairs, row by row."""
    layout = SparseLayout(_dataset(num_tasks=101))
    absent = (np.zeros(2), np.array([False, False]))
    columns = [absent] * 99 + [
        (np.array([1.5, 2.5]), np.array([True, True])),
        (np.array([7.0, 8.0]), np.array([False, True])),
    ]
    assert layout.from_columns(columns).to_pydict() == {"task_idx": [[99], [99, 100]], "label": [[1.5], [2.5, 8.0]]}


def test_node():
    """Lists as long as the molecule, nulls within, empty without a label; in the mix a list per task."""
    layout = NodeLayout(_dataset(level="node"))
    table = layout.from_cells(_cells((0, 0, 2, 1.5), (0, 0, 0, 0.5), (2, 1, 1, 3.0)), np.array([3, 5, 2]))
    assert table.to_pydict() == {"t0": [[0.5, None, 1.5], [], []], "t1": [[], [], [None, 3.0]]}
    assert layout.count(table).tolist() == [2, 0, 1]
    assert [values.tolist() for values in layout.task_values(table)] == [[0.5, 1.5], [3.0]]
    mixed = layout.mix_column(table, np.array([1, 0, 1, 1]))
    assert mixed.to_pylist() == [[[0.5, None, 1.5], []], [], [[], []], [[], [None, 3.0]]]
    assert mixed.type == layout.mix_type


@pytest.mark.parametrize("settings", [{}, {"num_tasks": 150}, {"level": "node"}])
def test_a_dataset_without_rows_in_the_split(settings):
    """A dataset that is absent from a split is a column of empty values, never of nulls."""
    layout = layout_of(_dataset(**settings))
    mixed = layout.mix_column(layout.schema.empty_table(), np.zeros(2, dtype=int))
    assert mixed.type == layout.mix_type
    assert mixed.null_count == 0
    assert len(mixed) == 2


@given(label_cells())
def test_cells_and_tables_are_the_same(case):
    """Cells to a table and back loses nothing, in every form; counts agree."""
    settings, cells, num_nodes = case
    layout = layout_of(_dataset(**settings))
    table = layout.from_cells(cells, num_nodes)
    assert table.schema == layout.schema
    assert _sorted(layout.to_cells(table)) == _sorted(cells)
    assert layout.count(table).tolist() == np.bincount(cells.row, minlength=len(num_nodes)).tolist()
    values = [sorted(found.tolist()) for found in layout.task_values(table)]
    assert values == [sorted(cells.value[cells.task == task].tolist()) for task in range(len(values))]
    # A slice of a table is a table like any other.
    half = table.slice(len(num_nodes) // 2)
    assert layout.count(half).tolist() == layout.count(table).tolist()[len(num_nodes) // 2 :]
    assert _sorted(layout.to_cells(half))[3] == [
        value for row, value in zip(*_sorted(cells)[::3], strict=True) if row >= len(num_nodes) // 2
    ]
