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
