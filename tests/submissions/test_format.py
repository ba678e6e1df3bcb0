"""Tests of reading prediction files, honest and hostile."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.predictions import write_predictions
from molmix_bench.submissions import format as file_format
from molmix_bench.submissions.format import read_predictions
from molmix_bench.submissions.lists import PredictionShape
from molmix_bench.vocab import Level
from tests.submissions.mutations import damaged

IDS = ["a", "b", "c"]
VALUES = np.array([[0.5, np.nan], [-2.0, 0.25], [np.inf, 0.0]])
PAIRS = PredictionShape(Level.GRAPH, num_tasks=2)
STRING, FLOATS = pa.string(), pa.list_(pa.float32())


@pytest.fixture
def path(tmp_path):
    """Where the test's file goes."""
    return tmp_path / "seed=0.parquet"


def _write(path, ids=IDS, lists=None, *, id_type=STRING, list_type=FLOATS, **options):
    lists = VALUES.tolist() if lists is None else lists
    table = pa.table({"mol_id": pa.array(ids, id_type), "prediction": pa.array(lists, list_type)})
    pq.write_table(table, path, **options)


def _refused(path, message, shape=PAIRS):
    with pytest.raises(SubmissionError, match=message):
        read_predictions(path, shape)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_is_written_is_read(path, dtype):
    """Ids, values and their float type, NaN and infinity included."""
    write_predictions(path, IDS, VALUES.astype(dtype))
    found = read_predictions(path, PAIRS)
    assert found.mol_id.to_list() == IDS
    assert found.values.dtype == dtype
    np.testing.assert_array_equal(found.values, VALUES.astype(dtype))


@pytest.mark.parametrize(
    "id_type", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())], ids=str
)
@pytest.mark.parametrize(
    "list_type", [pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.float16(), 2)], ids=str
)
def test_every_arrow_form_of_text_and_list_is_read(path, id_type, list_type):
    """Lists of variable, large and fixed size; row groups of one row; the columns in either order."""
    lists = pa.array([[np.float16(x) for x in row] for row in VALUES], pa.list_(pa.float16())).cast(list_type)
    table = pa.table({"prediction": lists, "mol_id": pa.array(IDS, id_type)})
    pq.write_table(table, path, row_group_size=1)
    found = read_predictions(path, PAIRS)
    assert found.mol_id.to_list() == IDS
    np.testing.assert_array_equal(found.values, VALUES)


@pytest.mark.parametrize("dtype", [pl.List(pl.Float32), pl.Array(pl.Float64, 2)], ids=str)
def test_files_of_polars_are_read(path, dtype):
    """Polars writes large strings and large lists; its nulls become NaN."""
    lists = pl.Series([[0.5, None], [-2.0, 0.25], [np.inf, 0.0]], dtype=dtype)
    pl.DataFrame({"mol_id": IDS, "prediction": lists}).write_parquet(path)
    np.testing.assert_array_equal(read_predictions(path, PAIRS).values, VALUES)


def test_batches_are_put_together_in_order(path, monkeypatch):
    """A file of several batches, whose ids repeat and do not."""
    ids = [f"m{i % 700}" for i in range(1_000)]
    write_predictions(path, ids, np.arange(2_000.0).reshape(1_000, 2))
    monkeypatch.setattr(file_format, "_BATCH_VALUES", 64)
    found = read_predictions(path, PAIRS)
    assert found.mol_id.to_list() == ids
    assert found.values.ravel().tolist() == list(range(2_000))


def test_a_file_without_rows_is_read_as_such(path):
    """What is missing from it is for scoring to say."""
    _write(path, [], [])
    found = read_predictions(path, PAIRS)
    assert (found.mol_id.to_list(), found.values.shape) == ([], (0, 2))


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ({"mol_id": pa.array(IDS)}, "1 columns"),
        ({"mol_id": pa.array(IDS), "prediction": pa.array([0.5] * 3)}, "'prediction': double"),
        ({"mol_id": pa.array(IDS), "prediction": pa.array([[1]] * 3)}, "list<element: int64>"),
        ({"mol_id": pa.array(IDS), "prediction": pa.array([[[0.5]]] * 3)}, "list<element: list<element: double>>"),
        ({"mol_id": pa.array([1, 2, 3]), "prediction": pa.array([[0.5]] * 3)}, "'mol_id': int64"),
        ({"mol_id": pa.array([b"a"] * 3), "prediction": pa.array([[0.5]] * 3)}, "'mol_id': binary"),
        ({"smiles": pa.array(IDS), "prediction": pa.array([[0.5]] * 3)}, "'smiles'"),
        ({"mol_id": pa.array(IDS), "prediction": pa.array([[0.5]] * 3), "x": pa.array(IDS)}, "3 columns .*'x'"),
        ({"mol_id": pa.array(IDS), "prediction": pa.array([[0.5] * 3] * 3, pa.list_(pa.float64(), 3))}, r"\[3\]"),
    ],
)
def test_other_columns_and_types_are_refused(path, columns, shown):
    """The error shows what is there and says what should be."""
    pq.write_table(pa.table(columns), path)
    _refused(path, rf"{shown}.*; expected mol_id: string and prediction: list<float16.* of 2 each")


def test_names_within_a_type_stay_on_their_line(path):
    """The fuzzer found fields named with signs that a terminal obeys."""
    strange = pa.struct([pa.field("\x1b[2J\n\u202e", pa.float32())])
    pq.write_table(pa.table({"mol_id": ["a"], "prediction": pa.array([None], strange)}), path)
    with pytest.raises(SubmissionError, match="2 columns") as refused:
        read_predictions(path, PAIRS)
    assert str(refused.value).isprintable()


class _Labelled(pa.ExtensionType):
    """Stands for types that a library gives a meaning, and code, of its own."""

    def __init__(self):
        super().__init__(FLOATS, "molmix.test")

    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        return cls()


def test_extension_types_are_refused(path):
    """Even where their storage is a list of floats."""
    pa.register_extension_type(_Labelled())
    try:
        lists = pa.ExtensionArray.from_storage(_Labelled(), pa.array(VALUES.tolist(), FLOATS))
        pq.write_table(pa.table({"mol_id": pa.array(IDS), "prediction": lists}), path)
        _refused(path, "extension<molmix.test")
    finally:
        pa.unregister_extension_type("molmix.test")


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ([[0.5, 0.5], [0.5], [0.5, 0.5]], r"parquet row 1: found 1 predictions; expected a list of 2, one per task"),
        ([[0.5, 0.5], [0.5, 0.5], None], "parquet row 2: found no list"),
        ([[], [0.5], None], "parquet row 0: found 0 predictions"),
    ],
)
@pytest.mark.parametrize("batch", [1, 1 << 20])
def test_lists_of_another_length_are_refused_by_row(path, lists, message, batch, monkeypatch):
    """Rows are counted over the file, whatever the batches."""
    monkeypatch.setattr(file_format, "_BATCH_VALUES", batch)
    _write(path, lists=lists)
    _refused(path, message)


def test_null_lists_of_fixed_size_are_refused(path):
    """They have a length, and still are no predictions."""
    _write(path, lists=[[0.5, 0.5], None, [0.5, 0.5]], list_type=pa.list_(pa.float32(), 2))
    _refused(path, "row 1: found no list")


def test_rows_without_an_id_are_refused(path):
    """The row is named."""
    _write(path, ids=["a", "b", None])
    _refused(path, "row 2: found no mol_id")


def test_a_long_id_repeated_is_refused_before_it_is_written_out(path):
    """A bomb: 3 GB of ids in a file of a few kB, all one entry of a dictionary."""
    ids = pa.DictionaryArray.from_arrays(pa.array(np.zeros(30_000, dtype=np.int32)), pa.array(["x" * 100_000]))
    lists = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(60_000, dtype=np.float32)), 2)
    pq.write_table(pa.table({"mol_id": ids, "prediction": lists}), path)
    assert path.stat().st_size < 10_000
    before = pa.total_allocated_bytes()
    _refused(path, "a mol_id of 100,000 bytes; expected at most 64")
    assert pa.total_allocated_bytes() - before < 1 << 20


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("MAX_FILE_BYTES", 100, r"found [\d,]+ bytes; expected at most 100"),
        ("MAX_FOOTER_BYTES", 100, r"found a footer of [\d,]+ bytes; expected at most 100"),
        ("MAX_ROWS", 2, "found 3 rows; expected at most 2"),
        ("MAX_ROW_GROUPS", 2, "found 3 row groups; expected at most 2"),
        ("MAX_VALUES", 5, "found 6 predictions; expected at most 5"),
    ],
)
def test_caps_hold_before_data_are_read(path, limit, value, message, monkeypatch):
    """Each cap by itself, lowered to where an honest file of three rows exceeds it."""
    _write(path, row_group_size=1)
    monkeypatch.setattr(file_format, limit, value)
    monkeypatch.setattr(file_format, "_read_graphs", lambda *_, **__: pytest.fail("data were read"))
    _refused(path, message)


def test_data_that_decompress_to_more_than_the_rows_need_are_refused(path):
    """A bomb: lists of a million zeros, 4 MB each, in rows that should hold two numbers."""
    lists = pa.array([np.zeros(1_000_000, dtype=np.float32)] * 3, FLOATS)
    _write(path, lists=lists, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 10_000
    _refused(path, r"found 12,0\d\d,\d\d\d bytes of data when decompressed; expected at most")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a,b\n1,2\n", b"PAR1" + b"\xff" * 8, b"x" * 100], ids=repr)
def test_what_is_no_parquet_file_is_refused(path, content):
    """Empty, cut and foreign files."""
    path.write_bytes(content)
    _refused(path, "found no parquet footer; expected a parquet file")


def test_a_footer_longer_than_the_file_is_refused(path):
    """The length in the last eight bytes is anyone's claim."""
    path.write_bytes(b"PAR1" + (1_000).to_bytes(4, "little") + b"PAR1")
    _refused(path, "no readable parquet file")


def test_links_and_folders_are_refused(path, tmp_path):
    """A submission is its own files, and never what lies elsewhere on the machine."""
    _write(tmp_path / "other")
    path.symlink_to(tmp_path / "other")
    _refused(path, "found no regular file")
    _refused(tmp_path, "found no regular file")


def test_text_that_is_no_utf8_is_refused(path):
    """Arrow itself writes and reads it."""
    broken = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, 2], dtype=np.int32)), pa.py_buffer(b"\xff\xfe"))
    pq.write_table(pa.table({"mol_id": broken, "prediction": pa.array([[0.5, 0.5]], FLOATS)}), path)
    _refused(path, "no readable parquet file .*UTF8")


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False, "compression": "zstd"}], ids=["snappy", "zstd"])
def test_damaged_files_are_read_or_refused_and_nothing_else(path, options):
    """Cuts and flipped bytes at 1,000 places, from a fixed seed: no other error comes out, and no wrong shape."""
    _write(path, row_group_size=2, **options)
    refused = 0
    for data in damaged(path.read_bytes(), 1_000):
        path.write_bytes(data)
        try:
            found = read_predictions(path, PAIRS)
        except SubmissionError:
            refused += 1
        else:
            assert found.values.shape == (len(found.mol_id), 2)
    assert 400 < refused < 1_000
