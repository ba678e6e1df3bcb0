"""Tests of tables that are read and written a few thousand rows at a time."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from molmix_bench.errors import SourceError, UsageError
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.transfer import stream as module
from molmix_bench.transfer.chunk import Demand
from molmix_bench.transfer.stream import TableWriter, check_form, open_table, stream


def _csv(path, rows, head="id,SMILES"):
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_rows_come_in_order_however_many_read_them(tmp_path, monkeypatch):
    """Chunks follow each other without gaps, whatever the number of workers; what is no molecule has its reason."""
    monkeypatch.setattr(module, "ROWS_PER_CHUNK", 2)
    path = _csv(tmp_path / "t.csv", [f"{row},{text}" for row, text in enumerate(("C", "CC", "C1CC", "CCC", ""))])
    table = open_table(path)
    assert (table.smiles, table.num_rows) == ("SMILES", 5)
    for workers in (1, 2):
        chunks = list(stream(table, Demand(FeatureSpec()), workers=workers))
        assert [chunk.start for chunk in chunks] == [0, 2, 4]
        assert [text for chunk in chunks for text in chunk.smiles] == ["C", "CC", "C1CC", "CCC", ""]
        read = [chunk.start + place for chunk in chunks for place in chunk.places.tolist()]
        assert read == [0, 1, 3]
        assert [chunk.start + place for chunk in chunks for place in chunk.rejected] == [2, 4]


def test_files_that_cannot_be_streamed(tmp_path):
    """No file, no such column, no rows, and cells that are no texts are refused by name."""
    path = _csv(tmp_path / "t.csv", ["1,C"])
    with pytest.raises(UsageError, match="no such file"):
        open_table(tmp_path / "nothing.csv")
    with pytest.raises(UsageError, match=r"no column 'SMILE' \(did you mean 'SMILES'\?\); expected one of id, SMILES"):
        open_table(path, "SMILE")
    with pytest.raises(SourceError, match="no rows"):
        open_table(_csv(tmp_path / "none.csv", []))
    pl.DataFrame({"smiles": [b"\xff"]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(SourceError, match=r"t.parquet, column 'smiles': found Binary"):
        list(stream(open_table(tmp_path / "t.parquet"), Demand(FeatureSpec()), workers=1))


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "T.PARQUET", "T.CSV"])
def test_tables_are_written_as_they_come(tmp_path, name):
    """What is read again is all that was written, in order, in the form that the name says."""
    schema = pa.schema([("row", pa.int64()), ("word", pa.string())])
    with TableWriter(tmp_path / "part", tmp_path / name, schema) as writer:
        for row in range(3):
            writer.write(pa.table([[row], [f"w{row}"]], schema=schema))
    read = pl.read_parquet if name.lower().endswith("parquet") else pl.read_csv
    assert read(tmp_path / "part").rows() == [(0, "w0"), (1, "w1"), (2, "w2")]


def test_names_that_say_no_form(tmp_path):
    """Another ending, and a CSV file of lists, are refused before anything is computed."""
    with pytest.raises(UsageError, match=r"the ending '.txt'; expected .parquet or .csv"):
        check_form(tmp_path / "t.txt")
    with pytest.raises(UsageError, match="holds no lists"):
        check_form(tmp_path / "T.CSV", pa.schema([("embedding", pa.list_(pa.float32()))]))
