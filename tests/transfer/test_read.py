"""Tests of a user's own table: what its columns are taken for, and what is said of cells that are no labels."""

from __future__ import annotations

import gzip

import numpy as np
import polars as pl
import pytest

from molmix_bench.errors import SourceError, UsageError
from molmix_bench.transfer.read import Columns, measure, read_measurements
from molmix_bench.vocab import DropReason, Kind
from tests.transfer.small import MOLECULES, write_table

SIZE = len(MOLECULES)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.tab.gz", "t.csv.gz", "t.parquet"])
def test_every_form_of_file(tmp_path, name):
    """CSV, TSV, both compressed, and parquet give the same measurements."""
    frame = pl.read_csv(write_table(tmp_path / "source.csv"))
    path = tmp_path / name
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        data = frame.write_csv(separator="," if ".csv" in name else "\t").encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    found = read_measurements(path, Columns(tasks=("size",)))
    assert (found.smiles, found.inferred, found.measurements.kind) == ("smiles", True, Kind.REGRESSION)
    assert len(found.measurements) == SIZE
    assert found.measurements.labels[0, 0] == pytest.approx(len(MOLECULES[0]) * 0.5 - 1.25)


def test_kinds_are_told_from_the_labels(tmp_path):
    """Zeros and ones are binary, whole numbers from 0 classes, others regression; a kind that is given holds."""
    path = write_table(tmp_path / "t.csv")
    kinds = {
        task: (found.kind, found.num_classes)
        for task in ("size", "aromatic", "ring")
        for found in [read_measurements(path, Columns(tasks=(task,))).measurements]
    }
    assert kinds == {
        "size": (Kind.REGRESSION, None),
        "aromatic": (Kind.BINARY, None),
        "ring": (Kind.MULTICLASS, 6),
    }
    given = read_measurements(path, Columns(tasks=("ring",), kind=Kind.REGRESSION))
    assert (given.measurements.kind, given.inferred) == (Kind.REGRESSION, False)


def test_cells_that_are_no_labels(tmp_path):
    """Bounds and words are named with their rows, missing values are not, and rows with nothing else are dropped."""
    values = [str(row / 7) for row in range(SIZE)]
    values[3], values[5], values[8], values[9], values[11] = ">10", "see note", "", "NA", "<= 0.5"
    path = write_table(tmp_path / "t.csv", value=values)
    found = read_measurements(path, Columns(tasks=("value",))).measurements
    problems = {row["row"]: (row["reason"], row["detail"]) for row in found.problems.iter_rows(named=True)}
    assert problems == {
        3: ("censored", "'>10' is a bound, no value"),
        5: ("no_number", "'see note' is no number"),
        8: ("no_labels", "no label"),
        9: ("no_labels", "no label"),
        11: ("censored", "'<= 0.5' is a bound, no value"),
    }
    assert found.problems["dropped"].all()
    assert found.accounting.dropped == {
        DropReason.NO_LABELS: 2,
        DropReason.CENSORED: 2,
        DropReason.NO_NUMBER: 1,
    }


def test_blank_lines_are_rows(tmp_path):
    """They are dropped with their rows, and the rows below are told as the file has them."""
    path = write_table(tmp_path / "t.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], "", "", *lines[3:], "C1CC,1,0,0"]))
    found = read_measurements(path, Columns(tasks=("size",))).measurements
    assert found.problems["row"].to_list() == [2, 3, SIZE + 2]
    assert found.problems["reason"].to_list() == ["empty_smiles", "empty_smiles", "unparsable"]
    assert (len(found), found.accounting.read, found.rows.tolist()[:3]) == (SIZE, SIZE + 3, [0, 1, 4])


def test_a_row_keeps_its_other_labels(tmp_path):
    """With several tasks, a bad cell costs its own label only."""
    values = [str(row / 7) for row in range(SIZE)]
    values[3] = ">10"
    found = read_measurements(write_table(tmp_path / "t.csv", value=values), Columns(tasks=("size", "value")))
    assert len(found.measurements) == SIZE
    assert np.isnan(found.measurements.labels[3]).tolist() == [False, True]
    assert found.measurements.problems["dropped"].to_list() == [False]


def test_numbers_that_are_no_class(tmp_path):
    """With a kind that is given, labels outside its classes are problems."""
    values = [row % 2 for row in range(SIZE)]
    values[4] = 7
    found = read_measurements(
        write_table(tmp_path / "t.csv", value=values), Columns(tasks=("value",), kind=Kind.BINARY)
    ).measurements
    assert found.problems.row(0, named=True)["detail"] == "7 is no class from 0 to 1"


@pytest.mark.parametrize("column", ["smiles", "size", "part"])
@pytest.mark.parametrize("cell", [["C"], {"a": "C"}, b"\xff"])
def test_cells_that_are_no_texts(tmp_path, column, cell):
    """Lists, records and bytes are refused with their column, whatever it is for."""
    values = {"smiles": list(MOLECULES), "size": list(map(float, range(SIZE))), "part": ["train"] * SIZE}
    pl.DataFrame(values | {column: [cell] * SIZE}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(SourceError, match=rf"t.parquet, column '{column}': found \w+.*; expected texts or numbers"):
        read_measurements(tmp_path / "t.parquet", Columns("smiles", ("size",), split="part"))


def test_classes_that_are_too_many(tmp_path):
    """A quantity that is said to be a class is refused before a network of millions of outputs is made."""
    path = write_table(tmp_path / "t.csv", value=[row * 1_000 for row in range(SIZE)])
    with pytest.raises(UsageError, match=r"found class 49000; expected classes from 0 to 126; number the classes"):
        read_measurements(path, Columns(tasks=("value",), kind=Kind.MULTICLASS))


def test_words_for_labels(tmp_path):
    """True and False are classes; where next to nothing is a label, the error shows one that is none."""
    path = write_table(tmp_path / "t.csv", value=["True", "false"] * (SIZE // 2))
    found = read_measurements(path, Columns(tasks=("value",))).measurements
    assert (found.kind, found.labels[:, 0].tolist()) == (Kind.BINARY, [1.0, 0.0] * (SIZE // 2))
    path = write_table(tmp_path / "t.csv", value=["toxic", "not", "unclear", "", "toxic"] * (SIZE // 5))
    with pytest.raises(SourceError, match=r"\(10 no_labels, 40 no_number; the first: 'toxic' is no number\)"):
        read_measurements(path, Columns(tasks=("value",)))


@pytest.mark.parametrize("words", [("active", "inactive"), ("Yes", " no"), ("+", "negative")])
def test_two_words_for_labels(tmp_path, words):
    """Words of two kinds, in any case, some missing, are to be written as 1 and 0; bounds and numbers are no words."""
    cells = [*words, words[0].upper(), "", "NA"] * (SIZE // 5)
    path = write_table(tmp_path / "t.csv", value=cells)
    found = f"t.csv, column 'value': found labels '{words[0]}' and '{words[1].strip()}'; expected numbers"
    with pytest.raises(SourceError) as error:
        read_measurements(path, Columns(tasks=("size", "value")))
    assert str(error.value) == f"{found}; write 1 for one and 0 for the other"
    for other in (">1", "0"):
        path = write_table(tmp_path / "t.csv", value=[words[0], other] * (SIZE // 2))
        with pytest.raises(SourceError, match=r"molecules with a label|: one class only"):
            read_measurements(path, Columns(tasks=("value",)))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (Columns(tasks=("sizes",)), "--task 'sizes', no column of it (did you mean 'size'?)"),
        (Columns(tasks=("smiles",)), "--task 'smiles', its SMILES; expected"),
        (Columns(tasks=("",)), "--task '', no column of it"),
        (Columns(tasks=("size", "size")), "a task named twice"),
        (Columns(smiles="smile", tasks=("size",)), "column 'smile' not among them (did you mean 'smiles'?)"),
        (Columns(), "labels in size, aromatic, ring; name one or more with --task"),
        (Columns(tasks=("size", "aromatic")), "tasks of several kinds (size regression, aromatic binary)"),
        (Columns(tasks=("size",), split="fold"), "--column 'fold', no column of it"),
    ],
)
def test_columns_that_are_not_there(tmp_path, columns, message):
    """Each is a usage error that names the file and what it has."""
    with pytest.raises(UsageError) as error:
        read_measurements(write_table(tmp_path / "t.csv"), columns)
    assert message in str(error.value)
    assert error.value.where == "t.csv"


def test_labels_of_one_class_or_value(tmp_path):
    """There is nothing to learn, and the error says what the labels are."""
    path = write_table(tmp_path / "t.csv", ones=[1] * SIZE, pi=[3.14] * SIZE)
    with pytest.raises(SourceError, match=r"column 'ones': found 50 labels, all 1: one class only"):
        read_measurements(path, Columns(tasks=("ones",)))
    with pytest.raises(SourceError, match=r"column 'pi': found 50 labels, all 3.14: one value only"):
        read_measurements(path, Columns(tasks=("pi",)))


def test_three_rows(tmp_path):
    """Too few molecules are refused, with how many there are and where the other rows went."""
    (tmp_path / "t.csv").write_text("smiles,y\nC,1.5\nCC,2\nC1CC,3\n")
    with pytest.raises(
        SourceError, match=r"2 molecules with a label, of 3 rows \(1 unparsable; the first: .*\); expected at least 20"
    ):
        read_measurements(tmp_path / "t.csv", Columns(tasks=("y",)))


def test_the_only_task_needs_no_name(tmp_path):
    """Where one column holds labels, it is the task."""
    rows = "\n".join(f"A{row},{smiles},{row / 3}" for row, smiles in enumerate(MOLECULES))
    (tmp_path / "t.csv").write_text(f"id,structure,y\n{rows}\n")
    found = read_measurements(tmp_path / "t.csv")
    assert (found.smiles, found.measurements.tasks, found.measurements.name) == ("structure", ("y",), "t")


def test_measurements_of_arrays():
    """Arrays in memory become measurements too; shapes that do not fit are refused."""
    labels = np.arange(SIZE, dtype=float)[:, None]
    found = measure("mine", MOLECULES, labels, tasks=["y"], kind=Kind.REGRESSION)
    assert len(found.measurements) == SIZE
    with pytest.raises(UsageError, match="a row for each molecule, a column for each task"):
        measure("mine", MOLECULES, labels[:-1], tasks=["y"], kind=Kind.REGRESSION)


@pytest.mark.real_data
def test_real_esol(raw_data):
    """ESOL: 1,128 rows, eleven of them again, and the pairs that disagree named by their rows."""
    task = "measured log solubility in mols per litre"
    found = read_measurements(raw_data / "downstream/esol.csv.gz", Columns(tasks=(task,))).measurements
    assert (found.accounting.read, found.accounting.kept, found.accounting.merged) == (1128, 1117, 11)
    assert found.problem_counts() == {DropReason.CONFLICT: 12}
    assert "0.06 in row 233, 1.09 in row 276" in " ".join(found.problems["detail"])


@pytest.mark.real_data
def test_real_tdc_form(raw_data):
    """The TDC file: tabs, quoted SMILES, its own names of columns."""
    path = raw_data / "downstream/cyp2d6_veith.tab.gz"
    found = read_measurements(path, Columns("Drug", ("Y",))).measurements
    assert found.kind is Kind.BINARY
    assert found.accounting.read == 13_130
    assert len(found) > 13_000
