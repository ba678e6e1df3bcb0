"""Tests of writing prediction files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molmix_bench.errors import UsageError
from molmix_bench.metrics import predictions
from molmix_bench.metrics.predictions import prediction_path, write_predictions
from molmix_bench.vocab import Split

VALUES = np.array([[1.5, np.nan], [-2.0, 0.25]])


def test_paths_are_those_of_a_submission():
    """`<dataset>/<split>/seed=<k>.parquet`."""
    path = prediction_path(Path("out"), "qm9", split=Split.TEST_SEEN, seed=12)
    assert path == Path("out/qm9/test_seen/seed=12.parquet")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_file_holds_an_id_and_a_list_per_row(tmp_path, dtype):
    """Read back with pyarrow: the float type is kept, folders are made, nothing else is left behind."""
    path = tmp_path / "tox21" / "test" / "seed=0.parquet"
    write_predictions(path, ["a", "b"], VALUES.astype(dtype))
    table = pq.read_table(path, partitioning=None)
    value_type = pa.from_numpy_dtype(dtype)
    assert table.schema.equals(pa.schema({"mol_id": pa.string(), "prediction": pa.list_(value_type)}))
    assert table["mol_id"].to_pylist() == ["a", "b"]
    assert table["prediction"][1].as_py() == [-2.0, 0.25]
    assert np.isnan(table["prediction"][0].as_py()[1])
    assert list(path.parent.iterdir()) == [path]


def test_equal_predictions_give_equal_bytes(tmp_path):
    """Whether ids come as a list or a series, and whatever the memory layout of the array."""
    write_predictions(tmp_path / "1", ["a", "b"], VALUES)
    write_predictions(tmp_path / "2", pl.Series(["a", "b"]), np.asfortranarray(VALUES))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_row_groups_are_bounded(tmp_path, monkeypatch):
    """A reader needs memory for one group of rows, not for the file."""
    monkeypatch.setattr(predictions, "ROW_GROUP_VALUES", 4)
    write_predictions(tmp_path / "file", list("abcde"), np.zeros((5, 2)))
    footer = pq.read_metadata(tmp_path / "file")
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [2, 2, 1]


@pytest.mark.parametrize("shape", [(3, 2), (2,), (2, 1, 1)])
def test_a_row_per_molecule_is_needed(tmp_path, shape):
    """The error names both shapes, and nothing is written."""
    with pytest.raises(UsageError, match=r"^prediction: found shape \(.*; expected \(2, number of tasks\)"):
        write_predictions(tmp_path / "file", ["a", "b"], np.zeros(shape))
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    """An id that is no text stops the writing."""
    write_predictions(tmp_path / "file", ["a", "b"], VALUES)
    before = (tmp_path / "file").read_bytes()
    with pytest.raises(pa.ArrowException):
        write_predictions(tmp_path / "file", ["a", 7], VALUES)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == before


ATOMS = np.arange(12.0).reshape(6, 2)
"""Two tasks of six atoms, of molecules of one, three and two."""


def test_a_row_of_node_level_holds_a_list_of_its_atoms_per_task(tmp_path):
    """By hand."""
    write_predictions(tmp_path / "file", list("abc"), ATOMS, num_nodes=np.array([1, 3, 2]))
    table = pq.read_table(tmp_path / "file", partitioning=None)
    assert table.schema.field("prediction").type == pa.list_(pa.list_(pa.float64()))
    assert table["prediction"].to_pylist() == [[[0], [1]], [[2, 4, 6], [3, 5, 7]], [[8, 10], [9, 11]]]


def test_classes_of_an_atom_stand_together(tmp_path):
    """By hand: one task of two classes, and two tasks of two classes of one molecule."""
    write_predictions(tmp_path / "one", list("abc"), ATOMS, num_nodes=np.array([1, 3, 2]), num_classes=2)
    rows = pq.read_table(tmp_path / "one", partitioning=None)["prediction"].to_pylist()
    assert rows == [[[0, 1]], [[2, 3, 4, 5, 6, 7]], [[8, 9, 10, 11]]]
    write_predictions(tmp_path / "two", ["a"], np.arange(8.0).reshape(2, 4), num_nodes=np.array([2]), num_classes=2)
    rows = pq.read_table(tmp_path / "two", partitioning=None)["prediction"].to_pylist()
    assert rows == [[[0, 1, 4, 5], [2, 3, 6, 7]]]


def test_row_groups_of_node_level_are_bounded_by_predictions(tmp_path, monkeypatch):
    """Molecules are not cut: one of more than a group's predictions has a group of its own. The rows stay the same."""
    monkeypatch.setattr(predictions, "ROW_GROUP_VALUES", 4)
    num_nodes = np.array([1, 1, 3, 1])
    write_predictions(tmp_path / "file", list("abcd"), ATOMS, num_nodes=num_nodes)
    footer = pq.read_metadata(tmp_path / "file")
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [2, 1, 1]
    rows = pq.read_table(tmp_path / "file", partitioning=None)["prediction"].to_pylist()
    assert rows == [[[0], [1]], [[2], [3]], [[4, 6, 8], [5, 7, 9]], [[10], [11]]]


@pytest.mark.parametrize("num_nodes", [None, np.empty(0, dtype=np.int64)], ids=["graph", "node"])
def test_no_molecules_are_a_file_too(tmp_path, num_nodes):
    """A split may be empty."""
    write_predictions(tmp_path / "file", [], np.empty((0, 2)), num_nodes=num_nodes)
    assert pq.read_table(tmp_path / "file", partitioning=None).num_rows == 0


@pytest.mark.parametrize(
    ("num_nodes", "num_classes", "message"),
    [
        ([1, 3, 1], None, r"^prediction: found shape \(6, 2\); expected \(5, number of tasks\)"),
        ([1, 3], None, r"^num_nodes: found shape \(2,\), lowest 1; expected \(3,\), at least 1"),
        ([0, 4, 2], None, r"^num_nodes: found shape \(3,\), lowest 0"),
        ([1, 3, 2], 3, r"expected \(6, number of tasks \* 3\)"),
    ],
)
def test_atoms_and_classes_must_fit(tmp_path, num_nodes, num_classes, message):
    """The error names what was given, and nothing is written."""
    with pytest.raises(UsageError, match=message):
        write_predictions(tmp_path / "file", list("abc"), ATOMS, num_nodes=np.array(num_nodes), num_classes=num_classes)
    assert list(tmp_path.iterdir()) == []
