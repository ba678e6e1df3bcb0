"""Tests of the table reader, on files of every form and on broken ones."""

from __future__ import annotations

import bz2
import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molmix_bench.errors import SourceError
from molmix_bench.sources.table import read_table
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.source import SourceSpec
from tests.build.tiny import table_source


def _read(path, *, rows_per_chunk=100, **dataset):
    """Reads a table with columns smiles, a, b; returns its rows and the starts of its chunks."""
    spec = table_source("one", "smiles,a,b\n", path.parent / "spec", **dataset)
    source = validate_spec(SourceSpec, spec, where="test")
    chunks = list(read_table(path, source, companions={}, rows_per_chunk=rows_per_chunk))
    rows = [
        (smiles, *labels.values())
        for chunk in chunks
        for smiles, labels in zip(chunk.smiles.to_pylist(), chunk.labels["one"].to_pylist(), strict=True)
    ]
    return rows, [chunk.start for chunk in chunks]


TEXT = 'smiles,x,a,b\nC,1,0.5,2\n"CC\n",1,,NaN\n  CCC ,1, -1e3 ,NA\n'
ROWS = [("C", 0.5, 2.0), ("CC\n", None, None), ("  CCC ", -1000.0, None)]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.tab", "t.csv.gz", "t.csv.bz2", "t.tsv.gz", "T.CSV", "T.TSV.gz"])
def test_text_forms(tmp_path, name):
    """Delimiter and compression follow the name, also in capitals; quoted newlines, spaces, missing values are read."""
    text = TEXT if ".csv" in name.lower() else TEXT.replace(",", "\t")
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(name[-3:] if name.endswith("gz") else name[-4:], bytes)
    path = tmp_path / name
    path.write_bytes(pack(text.encode()))
    assert _read(path) == (ROWS, [0])


def test_byte_order_mark_and_crlf(tmp_path):
    """Files from Windows read the same."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfsmiles,a,b\r\nC,1,2\r\nCC,3,4\r\n")
    assert _read(path)[0] == [("C", 1.0, 2.0), ("CC", 3.0, 4.0)]


def test_chunks(tmp_path):
    """Chunks are exactly as long as asked, whatever the blocks of the file."""
    path = tmp_path / "t.csv"
    path.write_text("smiles,a,b\n" + "".join(f"C,{i},\n" for i in range(10)))
    rows, starts = _read(path, rows_per_chunk=4)
    assert [row[1] for row in rows] == list(map(float, range(10)))
    assert starts == [0, 4, 8]


def test_parquet(tmp_path):
    """Numbers, text, booleans and nulls of parquet are labels; NaN is missing."""
    path = tmp_path / "t.parquet"
    columns = {"b": pa.array([1, None, 3], pa.int64()), "a": [0.5, float("nan"), 2.0], "smiles": ["C", "CC", None]}
    pq.write_table(pa.table(columns), path)
    assert _read(path, rows_per_chunk=2) == ([("C", 0.5, 1.0), ("CC", None, None), (None, 2.0, 3.0)], [0, 2])
    pq.write_table(pa.table({"smiles": ["C", "CC"], "a": ["1", ""], "b": [True, False]}), path)
    assert _read(path, kind="binary")[0] == [("C", 1, 1), ("CC", None, 0)]


def test_binary_labels(tmp_path):
    """0, 1, 0.0, 1.0, True and False are classes; anything else stops the reading, naming file, column and row."""
    path = tmp_path / "t.csv"
    path.write_text("smiles,a,b\nC,0,1.0\nCC,1,\n")
    assert _read(path, kind="binary")[0] == [("C", 0, 1), ("CC", 1, None)]
    path.write_text("smiles,a,b\nC,True,FALSE\nCC,false,\nCCC,1,true\n")
    assert _read(path, kind="binary")[0] == [("C", 1, 0), ("CC", 0, None), ("CCC", 1, 1)]
    path.write_text("smiles,a,b\nC,0,1\nCC,2,1\nCC,0.5,1\n")
    with pytest.raises(SourceError) as error:
        _read(path, kind="binary")
    assert "t.csv, column 'a': found '2' in row 1, '0.5' in row 2; expected a whole number from 0 to 1" in str(
        error.value
    )


@pytest.mark.parametrize("label", [">10", "inf", "-inf", "1,5", "1e39", "ten", "True"])
def test_labels_that_are_no_numbers(tmp_path, label):
    """Text, censored values, infinities and what float32 cannot hold stop the reading with row and column."""
    path = tmp_path / "t.csv"
    path.write_text("smiles,a,b\n" + "C,1,1\n" * 150 + f'C,1,"{label}"\n')
    with pytest.raises(SourceError) as error:
        _read(path)
    assert f"t.csv, column 'b': found {label!r} in row 150; expected a finite number that float32 holds" in str(
        error.value
    )


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("t.csv", b"", "an empty file"),
        ("t.csv", b"\n\n", "an empty file"),
        ("t.csv", b"smiles,a,b\n", "no rows"),
        ("t.csv", b"smiles,a,b", "no rows"),
        ("t.csv", b"smiles,a,b\rC,1,2\r", "lines that end in CR alone"),
        ("t.csv", b"smiles,a,b\rC,1,2\nC,1,2\n", "unreadable"),
        ("t.csv", b"smile,a,b\nC,1,2\n", "no column 'smiles' (did you mean 'smile'?)"),
        ("t.csv", b"smiles,a,b,a\nC,1,2,3\n", "the column a more than once"),
        ("t.csv", b"smiles,a,b\nC,1,2\nCC,1\n", "Row #3: Expected 3 columns, got 2"),
        ("t.csv", b"smiles,a,b\nC\xff,1,2\n", "invalid UTF8"),
        ("t.csv.gz", b"smiles,a,b\nC,1,2\n", "unreadable"),
        ("t.csv.gz", gzip.compress(b"smiles,a,b\n" + b"C,1,2\n" * 90_000, mtime=0)[:-500], "unreadable"),
        ("t.parquet", b"smiles,a,b\n", "Parquet magic bytes not found"),
        ("t.xlsx", b"smiles,a,b\n", "found the ending '.xlsx'"),
    ],
)
def test_broken_files(tmp_path, name, content, what):
    """Empty, cut, mislabelled and mis-shaped files are refused, each for what is wrong with it."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError) as error:
        _read(path)
    assert what in str(error.value)
    assert str(error.value).startswith(name)


def test_columns_of_other_types(tmp_path):
    """Categories are the text they stand for; lists and structs are refused in one line that names the column."""
    path = tmp_path / "t.parquet"
    table = {"smiles": ["C", "CC"], "a": pa.array(["1", ""]).dictionary_encode(), "b": [0, 1]}
    pq.write_table(pa.table(table), path)
    assert _read(path, kind="binary")[0] == [("C", 1, 0), ("CC", None, 1)]
    pq.write_table(pa.table(table | {"smiles": [["C"], ["CC"]]}), path)
    with pytest.raises(SourceError, match=r"^t.parquet, column 'smiles': found List\(String\); expected texts"):
        _read(path, kind="binary")
    pq.write_table(pa.table(table | {"b": [[1.0], [2.0]]}), path)
    with pytest.raises(SourceError, match=r"^t.parquet, column 'b': found \[1.0\] in row 0, \[2.0\] in row 1; "):
        _read(path, kind="binary")
