"""Tests of reading predictions of atoms and of classes, honest and hostile."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.predictions import write_predictions
from molmix_bench.submissions import format as file_format
from molmix_bench.submissions import lists as file_lists
from molmix_bench.submissions.format import read_predictions
from molmix_bench.submissions.lists import PredictionShape
from molmix_bench.vocab import Level
from tests.submissions.mutations import damaged

IDS = ["a", "b", "c"]
ROWS = [[[0.0], [1.0]], [[2.0, 4.0, 6.0], [3.0, 5.0, 7.0]], [[8.0, 10.0], [9.0, np.nan]]]
VALUES = np.array([[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, np.nan]], dtype=np.float64)
ATOMS = PredictionShape(Level.NODE, num_tasks=2)
CLASSES = PredictionShape(Level.NODE, num_tasks=2, num_classes=2)
NESTED = pa.list_(pa.list_(pa.float32()))


@pytest.fixture
def path(tmp_path):
    """Where the test's file goes."""
    return tmp_path / "seed=0.parquet"


def _write(path, lists, list_type=NESTED, **options):
    ids = [f"m{index}" for index in range(len(lists))]
    pq.write_table(pa.table({"mol_id": ids, "prediction": pa.array(lists, list_type)}), path, **options)


def _refused(path, message, shape=ATOMS):
    with pytest.raises(SubmissionError, match=message):
        read_predictions(path, shape)


@given(
    num_nodes=st.lists(st.integers(1, 6), max_size=8),
    num_tasks=st.integers(1, 3),
    num_classes=st.sampled_from([None, 3]),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    batch=st.sampled_from([1, 600, 1 << 22]),
)
def test_what_is_written_is_read(tmp_path_factory, num_nodes, num_tasks, num_classes, dtype, batch):
    """For any atoms, tasks, classes and batches; the float type is kept."""
    path = tmp_path_factory.mktemp("written") / "file"
    shape = PredictionShape(Level.NODE, num_tasks, num_classes)
    values = np.random.default_rng(0).random((sum(num_nodes), shape.num_columns)).astype(dtype)
    ids = [f"m{index}" for index in range(len(num_nodes))]
    atoms = np.array(num_nodes, dtype=np.int64)
    write_predictions(path, ids, values, num_nodes=atoms, num_classes=num_classes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_format, "_BATCH_VALUES", batch)
        found = read_predictions(path, shape)
    assert found.mol_id.to_list() == ids
    assert found.num_nodes.tolist() == num_nodes
    assert found.values.dtype == dtype
    np.testing.assert_array_equal(found.values, values)


@pytest.mark.parametrize(
    "list_type",
    [
        pa.list_(pa.list_(pa.float64())),
        pa.large_list(pa.large_list(pa.float32())),
        pa.list_(pa.large_list(pa.float32())),
        pa.list_(pa.list_(pa.float64()), 2),
    ],
    ids=str,
)
def test_every_arrow_form_of_list_is_read(path, list_type):
    """Variable, large and fixed outer lists; row groups of one row."""
    _write(path, ROWS, list_type, row_group_size=1)
    found = read_predictions(path, ATOMS)
    assert found.num_nodes.tolist() == [1, 3, 2]
    np.testing.assert_array_equal(found.values, VALUES)


@pytest.mark.parametrize("dtype", [pl.List(pl.List(pl.Float32)), pl.Array(pl.List(pl.Float64), 2)], ids=str)
def test_files_of_polars_are_read(path, dtype):
    """Its nulls become NaN, which scoring refuses where there is a label."""
    rows = [*ROWS[:2], [[8.0, 10.0], [9.0, None]]]
    pl.DataFrame({"mol_id": IDS, "prediction": pl.Series(rows, dtype=dtype)}).write_parquet(path)
    np.testing.assert_array_equal(read_predictions(path, ATOMS).values, VALUES)


def test_classes_of_molecules_are_one_list(path):
    """Graph level: as long as tasks times classes."""
    write_predictions(path, ["a"], np.arange(6.0)[None], num_classes=3)
    shape = PredictionShape(Level.GRAPH, num_tasks=2, num_classes=3)
    assert read_predictions(path, shape).values.tolist() == [[0, 1, 2, 3, 4, 5]]
    _refused(path, "row 0: found 6 predictions; expected a list of 4, 2 classes per task",
             PredictionShape(Level.GRAPH, num_tasks=2, num_classes=2))  # fmt: skip


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (None, "found no list; expected a list of 2 lists, one per task"),
        ([], "found 0 lists; expected a list of 2 lists"),
        ([[0.5]], "found 1 lists; expected a list of 2 lists"),
        ([[0.5], [0.5], [0.5]], "found 3 lists; expected a list of 2 lists"),
        ([[0.5], None], "found no list; expected lists of 1 to 65,535 atoms, equally long in a row"),
        ([None, [0.5]], "found no list; expected lists of 1 to"),
        ([[], []], "found 0 predictions; expected lists of 1 to"),
        ([[0.5], []], "found 0 predictions; expected lists of 1 to"),
        ([[0.5, 0.5], [0.5]], "found 1 predictions; expected lists of 1 to 65,535 atoms, equally long"),
    ],
    ids=str,
)
@pytest.mark.parametrize("batch", [1, 1 << 20])
def test_rows_of_another_form_are_refused(path, row, message, batch, monkeypatch):
    """Rows are counted over the file, whatever the batches."""
    monkeypatch.setattr(file_format, "_BATCH_VALUES", batch)
    _write(path, [ROWS[0], ROWS[1], row])
    _refused(path, f"parquet row 2: {message}")


def test_null_lists_in_lists_of_fixed_size_are_refused(path):
    """They have a length, and still are no predictions."""
    _write(path, [ROWS[0], None], pa.list_(pa.list_(pa.float32()), 2))
    _refused(path, "row 1: found no list")


def test_lists_must_hold_whole_atoms(path):
    """Three predictions are no two classes of any number of atoms; lengths that are equal do not mend it."""
    _write(path, [[[0.1, 0.9], [0.5, 0.5]], [[0.1, 0.9, 0.5]] * 2])
    _refused(path, "row 1: found 3 predictions; expected lists .*, 2 classes per atom, equally long", CLASSES)


@pytest.mark.parametrize(
    ("list_type", "lists"),
    [
        (pa.list_(pa.float32()), [[0.5, 0.5]]),
        (pa.list_(pa.list_(pa.list_(pa.float32()))), [[[[0.5]], [[0.5]]]]),
        (pa.list_(pa.list_(pa.int64())), [[[1], [1]]]),
        (pa.list_(pa.list_(pa.float32(), 1)), [[[0.5], [0.5]]]),
        (pa.list_(pa.list_(pa.float32()), 3), [[[0.5], [0.5], [0.5]]]),
    ],
    ids=str,
)
def test_other_types_are_refused(path, list_type, lists):
    """Flat, deeper, of whole numbers, of fixed atoms, of another number of tasks."""
    _write(path, lists, list_type)
    _refused(path, r"expected mol_id: string and prediction: list<list<float16.*>> of 2 lists each")


@pytest.mark.parametrize("names", [("MAX_VALUES", 11), ("MAX_VALUES", 6), ("MAX_ROWS", 2)], ids=str)
def test_caps_hold(path, names, monkeypatch):
    """On the predictions of all batches together, and in the footer: twelve predictions of three molecules."""
    monkeypatch.setattr(file_format, *names)
    monkeypatch.setattr(file_format, "_BATCH_VALUES", 1)
    _write(path, ROWS)
    _refused(path, "more$|at most")


def test_the_cap_comes_before_the_copy(path, monkeypatch):
    """One list of more atoms than any molecule is refused by its length, before values are put in order."""
    monkeypatch.setattr(file_lists, "atom_positions", lambda *_: pytest.fail("values were put in order"))
    _write(path, [[[0.0] * 70_000] * 2])
    _refused(path, "row 0: found 70,000 predictions; expected lists of 1 to 65,535 atoms")
    monkeypatch.setattr(file_format, "MAX_VALUES", 5)
    _write(path, [ROWS[1]])
    _refused(path, "found 6 predictions from row 0 on; expected at most 5 more")


def test_data_that_decompress_to_more_than_is_allowed_are_refused(path, monkeypatch):
    """By the footer alone: of one molecule of two tasks, no more than its cap of atoms."""
    monkeypatch.setattr(file_format, "_read_nodes", lambda *_, **__: pytest.fail("data were read"))
    lists = [[np.zeros(2_000_000, dtype=np.float32)] * 2]
    _write(path, lists, compression="zstd", use_dictionary=False)
    _refused(path, r"found 16,[\d,]+ bytes of data when decompressed; expected at most 2,")


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False, "compression": "zstd"}], ids=["snappy", "zstd"])
def test_damaged_files_are_read_or_refused_and_nothing_else(path, options):
    """Cuts and flipped bytes at 500 places, from a fixed seed: no other error comes out, and no wrong shape."""
    _write(path, ROWS, row_group_size=2, **options)
    refused = 0
    for data in damaged(path.read_bytes(), 500):
        path.write_bytes(data)
        try:
            found = read_predictions(path, ATOMS)
        except SubmissionError:
            refused += 1
        else:
            assert found.num_nodes.shape == (len(found.mol_id),)
            assert found.values.shape == (found.num_nodes.sum(), 2)
    assert 200 < refused < 500
