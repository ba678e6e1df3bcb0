"""Tests of the look at a table: which column is what, and what is told when there is no telling."""

from __future__ import annotations

import gzip

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molmix_bench.errors import SourceError, UsageError
from molmix_bench.sources.inspect import Column, inspect_table
from molmix_bench.vocab import Kind

SMILES = [f"{'C' * length}O" for length in range(1, 31)]


def _write(path, **columns):
    """Writes a table of thirty molecules and these columns."""
    frame = pl.DataFrame({"structure": SMILES, **{name: list(values) for name, values in columns.items()}})
    separator = "\t" if ".tsv" in path.name else ","
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        data = frame.write_csv(separator=separator).encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def _columns(path):
    return {column.name: column for column in inspect_table(path).columns}


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.tsv.gz", "t.parquet"])
def test_kinds_in_every_form(tmp_path, name):
    """Zeros and ones are binary, whole numbers from 0 classes, others regression; nulls are missing labels."""
    path = _write(
        tmp_path / name,
        active=[row % 2 for row in range(30)],
        grade=[row % 4 for row in range(30)],
        value=[row / 7 for row in range(30)],
        sparse=[None if row % 3 else row % 2 for row in range(30)],
        from_one=[1 + row % 3 for row in range(30)],
        toxic=[row % 2 > 0 for row in range(30)],
    )
    found = inspect_table(path)
    assert (found.smiles, found.rivals, found.num_rows) == ("structure", (), 30)
    assert found.columns == (
        Column("active", Kind.BINARY, None, 30),
        Column("grade", Kind.MULTICLASS, 4, 30),
        Column("value", Kind.REGRESSION, None, 30),
        Column("sparse", Kind.BINARY, None, 10),
        Column("from_one", Kind.REGRESSION, None, 30),
        Column("toxic", Kind.BINARY, None, 30),
    )


def test_columns_without_labels(tmp_path):
    """What holds no labels says why: text, one value, nothing, numbers of rows, infinity."""
    path = _write(
        tmp_path / "t.csv",
        name=[f"compound {row}" for row in range(30)],
        limit=[">5" if row == 3 else str(row) for row in range(30)],
        same=[4] * 30,
        empty=[None] * 30,
        row=range(100, 130),
        compound_id=[str((row * 7) % 30) for row in range(30)],
        infinite=["inf", *["1", "2"] * 14, "3"],
        huge=[1e39 if row == 3 else row / 7 for row in range(30)],
        mixed=["True", "False", *["0", "1"] * 14],
        always=["TRUE"] * 30,
    )
    assert {name: column.why_not for name, column in _columns(path).items()} == {
        "name": "30 of its cells are no numbers, such as 'compound 0'",
        "limit": "1 of its cells are no numbers, such as '>5'",
        "same": "all its values are equal",
        "empty": "it is empty",
        "row": "it numbers or names the rows",
        "compound_id": "it numbers or names the rows",
        "infinite": "it holds numbers that are not finite, or too large for float32",
        "huge": "it holds numbers that are not finite, or too large for float32",
        "mixed": "2 of its cells are no numbers, such as 'True'",
        "always": "all its values are equal",
    }


def test_texts_for_missing(tmp_path):
    """Usual texts for a missing label are found; those that the reader knows are not repeated."""
    path = _write(tmp_path / "t.csv", value=["n/a", "-", "NA", "nan", *[f"{row}.5" for row in range(26)]])
    column = _columns(path)["value"]
    assert column == Column("value", Kind.REGRESSION, None, 26, missing=("-", "n/a"))


def test_lists_are_left_out(tmp_path):
    """Labels of atoms are not drafted."""
    table = pa.table({"smiles": SMILES, "charges": [[0.5]] * 30, "flag": [row % 2 == 0 for row in range(30)]})
    pq.write_table(table, tmp_path / "t.parquet")
    found = _columns(tmp_path / "t.parquet")
    assert "lists" in found["charges"].why_not
    assert found["flag"].kind is Kind.BINARY


def test_repeated_names(tmp_path):
    """A column that is there twice is left out, whatever it holds; the others are read."""
    lines = ["smiles,x,x,y", *(f"{text},1,2,{row}.5" for row, text in enumerate(SMILES))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    found = inspect_table(tmp_path / "t.csv")
    assert [(column.name, column.kind, column.why_not) for column in found.columns] == [
        ("y", Kind.REGRESSION, ""),
        ("x", None, "the file has it more than once"),
    ]


def test_columns_without_a_name(tmp_path):
    """The row numbers that pandas writes under no name are left out, once or twice; they are no SMILES either."""
    for header in (",smiles,y", ",smiles,y,"):
        lines = [header, *(f"{row},{text},{row}.5" + "," * (header.count(",") - 2) for row, text in enumerate(SMILES))]
        (tmp_path / "t.csv").write_text("\n".join(lines))
        found = inspect_table(tmp_path / "t.csv")
        assert [(column.name, column.kind, column.why_not) for column in found.columns] == [
            ("y", Kind.REGRESSION, ""),
            ("", None, "it has no name"),
        ]
        with pytest.raises(UsageError, match="column ''"):
            inspect_table(tmp_path / "t.csv", smiles="")


def test_two_columns_of_molecules(tmp_path):
    """The one called smiles is taken, then one whose name has it; the other is named; an option overrules."""
    path = _write(tmp_path / "t.csv", product_smiles=[f"N{text}" for text in SMILES], value=[0.5, 1.5] * 15)
    found = inspect_table(path)
    assert (found.smiles, found.rivals) == ("product_smiles", ("structure",))
    assert inspect_table(path, smiles="structure").smiles == "structure"
    with pytest.raises(UsageError, match=r"column 'structur' not among them \(did you mean 'structure'\?\)"):
        inspect_table(path, smiles="structur")


def test_a_few_bad_molecules_do_not_hide_the_column(tmp_path):
    """A tenth of unreadable SMILES is what real files have."""
    lines = ["mol,y", *(f"{'C1CC' if row % 10 == 0 else text},{row}.5" for row, text in enumerate(SMILES))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    assert inspect_table(tmp_path / "t.csv").smiles == "mol"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (None, UsageError, "no such file"),
        ("", SourceError, "an empty file"),
        ("smiles,y\n", SourceError, "no rows"),
        ("name,y\nibuprofen,1\naspirin,2\n", SourceError, r"no column with SMILES; columns with text: name \('ibuprof"),
        ("x,y\n1,1\n2,2\n", SourceError, "columns with text: none"),
    ],
)
def test_nothing_to_see(tmp_path, text, error, message):
    """A missing, an empty and a wrong file are told apart."""
    if text is not None:
        (tmp_path / "t.csv").write_text(text)
    with pytest.raises(error, match=message):
        inspect_table(tmp_path / "t.csv")


def test_chunks_do_not_change_what_is_found(tmp_path, monkeypatch):
    """Columns are told from all rows, however many are read at once."""
    path = _write(tmp_path / "t.parquet", late=[*[row % 2 for row in range(29)], 7], up=range(30), grade=[0, 1, 2] * 10)
    whole = inspect_table(path)
    monkeypatch.setattr("molmix_bench.sources.inspect.ROWS_AT_ONCE", 4)
    assert inspect_table(path) == whole
    assert {column.name: column.kind for column in whole.columns} == {
        "late": Kind.REGRESSION,
        "up": None,
        "grade": Kind.MULTICLASS,
    }
