"""Tests of the speed table's code, with settings too small to measure anything."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from molmix_bench.chem.generate import generate_chunk
from tests.benchmarks.__main__ import FIGURE, ROOT, write, write_readme
from tests.benchmarks.plot import draw_throughput
from tests.benchmarks.report import BEGIN, END, line, markdown, replace_marked
from tests.benchmarks.throughput import throughput
from tests.benchmarks.turns import record

MACHINE = {"cores": 2, "processor": "x86_64"}


def _points():
    return [
        record(f"load {size}", 1e4 * size, 5e3 * factor * size, unit="graphs/s")
        | {"batch_size": size, "features": features}
        for features, factor in [("with encodings", 1), ("without encodings", 2)]
        for size in (16, 64, 256)
    ]


def _records():
    return [record("open", 0.0214, 2.5, unit="s", less_is_better=True), *_points()]


def test_throughput_measures_both(tmp_path):
    """Every size has a record with encodings and one without, all of positive speeds."""
    smiles = list(generate_chunk(0, 40, num_molecules=40, seed=0))
    found = throughput(smiles, folder=tmp_path, batch_sizes=(8, 64), turns=1)
    keys = [(item["features"], item["batch_size"]) for item in found]
    assert keys == [(kind, size) for kind in ("with encodings", "without encodings") for size in (8, 64)]
    assert all(item["ours"] > 0 and item["peer"] > 0 for item in found)
    assert draw_throughput(found).startswith(b"<?xml")


def test_plot_is_made_of_numbers_alone():
    """The same numbers give the same bytes, whatever stands between them and without a date; others give others."""
    with_encodings, without = _points()[:3], _points()[3:]
    drawn = draw_throughput(_records())
    assert draw_throughput([*reversed(with_encodings), *reversed(without)]) == drawn
    assert draw_throughput([with_encodings[0] | {"ours": 1.0}, *with_encodings[1:], *without]) != drawn
    assert b"<dc:date>" not in drawn
    assert b"Matplotlib" not in drawn
    ET.fromstring(drawn)  # noqa: S314  # made above
    with pytest.raises(ValueError, match="no record has a batch_size"):
        draw_throughput(_records()[:1])


def test_table_by_hand():
    """The table has the rows of all but throughput; three digits, or all before the point."""
    text = markdown([*_records(), record("load", 2_345_678, 50_000, unit="graphs/s")], MACHINE, figure="a.svg")
    assert text.splitlines()[2:] == [
        "| open | 0.0214 | 2.5 | s | 117 |",
        "| load | 2,345,678 | 50,000 | graphs/s | 46.9 |",
        "",
        "Measured with cores 2, processor x86_64.",
        "",
        "![Loading throughput against batch size, ours and PyG's](a.svg)",
    ]
    assert line(_records()[0]).split() == ["open", "0.0214", "2.5000", "s", "x", "116.82"]


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_markers_must_be_there_once(text):
    """Without both markers, in order, once, nothing is replaced."""
    with pytest.raises(ValueError, match="once each"):
        replace_marked(text, "new")


def test_writes_all_files(tmp_path):
    """JSON and plot lie side by side; README and its plot say the same, and a second time changes nothing."""
    found = {"machine": MACHINE, "records": _records()}
    write(found, tmp_path / "benchmarks/speed.json")
    assert json.loads((tmp_path / "benchmarks/speed.json").read_text()) == found
    (tmp_path / "README.md").write_text(f"# a\n\n{BEGIN}\n{END}\n\nrest\n")
    write_readme(found, tmp_path)
    text, plot = (tmp_path / "README.md").read_text(), (tmp_path / FIGURE).read_bytes()
    assert plot == (tmp_path / "benchmarks/throughput.svg").read_bytes()
    assert text.startswith(f"# a\n\n{BEGIN}\n| what |")
    assert text.endswith(f"({FIGURE})\n{END}\n\nrest\n")
    write_readme(found, tmp_path)
    assert (tmp_path / "README.md").read_text() == text


def test_readme_has_the_markers():
    """The project's README has a place for the table."""
    replace_marked((ROOT / "README.md").read_text(encoding="utf-8"), "")
