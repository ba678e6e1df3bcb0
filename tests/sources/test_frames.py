"""Tests of what is said of text files that are whole, but not as their name says."""

from __future__ import annotations

import gzip

import pytest

from molmix_bench.errors import SourceError
from molmix_bench.sources.frames import column_names, read_frames

SEMICOLONS = b"smiles;y\nCCO;1,5\nCCN;2,5\n"


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("t.csv", SEMICOLONS, "found semicolons between columns; expected commas in a .csv file; save it with commas"),
        ("t.csv", SEMICOLONS.replace(b";", b"\t"), "found tabs between columns; expected commas in a .csv file; give"),
        ("t.csv.gz", gzip.compress(SEMICOLONS, mtime=0), "found semicolons between columns"),
        (
            "t.csv",
            "smiles,y\nCCO,1\n".encode("utf-16"),
            'text in UTF-16; expected text in UTF-8; save it as "CSV UTF-8"',
        ),
        ("t.csv", b"\xfe\xff" + "smiles,y\nCCO,1\n".encode("utf-16-be"), "found text in UTF-16"),
        ("t.tsv", "smiles\tµM\nCCO\t1\n".encode("cp1252"), "found a header with the byte 0xb5, which is no UTF-8;"),
        ("t.csv", "smiles,y\nCCO,1\nµ,1\n".encode("cp1252"), "Row #3: CSV conversion error to string: invalid UTF8"),
        ("t.csv", b"\nsmiles,y\nCCO,1\n", "found a blank first line; expected the header; delete the line"),
    ],
)
def test_other_separators_and_encodings(tmp_path, name, content, what):
    """Each is named, with what to do about it, and nobody is told that the file is damaged."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError) as error:
        list(read_frames(path, ["smiles"], 10))
    assert what in str(error.value)
    assert str(error.value).startswith(f"{name}: ")
    assert "damaged" not in str(error.value)


def test_separators_within_names(tmp_path):
    """A semicolon in a name is none between columns: where it is quoted, where there are commas, and in a TSV file."""
    for name, content, expected in (
        ("t.csv", b'"smiles;all"\nC\n', ["smiles;all"]),
        ("t.csv", b"smiles,y;z\nC,1\n", ["smiles", "y;z"]),
        ("t.tsv", b"smiles;all\nC\n", ["smiles;all"]),
    ):
        (tmp_path / name).write_bytes(content)
        assert column_names(tmp_path / name) == expected


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("head", ["smiles", "smiles,y"])
def test_blank_lines(tmp_path, monkeypatch, newline, head):
    """Wherever blocks end, blank lines are rows where asked for and none else; newlines in quotes make no row."""
    monkeypatch.setattr("molmix_bench.sources.frames.BLOCK_BYTES", 64)
    cells = ["" if row % 3 == 0 else f"C{row}" if row % 5 else f"C{row}\n\n" for row in range(200)]
    lines = [cell and f'"{cell}"' + ",1" * head.count(",") for cell in cells]
    (tmp_path / "t.csv").write_bytes((newline.join([head, *lines]) + newline).encode())
    for blank_rows, expected in ((True, cells), (False, [cell for cell in cells if cell])):
        frames = list(read_frames(tmp_path / "t.csv", ["smiles"], 7, blank_rows=blank_rows))
        assert [text or "" for frame in frames for text in frame["smiles"]] == expected
