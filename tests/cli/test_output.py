"""Tests of the tables that commands print, on terminals of several widths and on pipes."""

from __future__ import annotations

import io
import re

import pytest

from molmix_bench.cli.output import print_table

HEADER = ("dataset", "seed", "metric", "direction", "macro", "std")
ROWS = [
    ("l1000_consensus", None, "mae_standardised", "lower", 0.45371, 0.00125),
    ("tox21", None, "ap", "higher", 0.5193, 12345),
]
WIDTH = 1 + sum((15 + 2, 4 + 2, 16 + 2, 9 + 2, 6 + 2, 7 + 1))


class Terminal(io.StringIO):
    """A stdout that somebody looks at."""

    def isatty(self):
        """It is one."""
        return True


def _lines(monkeypatch, columns, out, **options):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout", out)
    print_table(HEADER, ROWS, **options)
    plain = re.sub(r"\x1b\[\d*m", "", out.getvalue())
    return [line.rstrip() for line in plain.splitlines() if line.strip()]


def test_columns_that_fit_are_all_there(monkeypatch, capsys):
    """A terminal that is just wide enough has every column, and nothing is said."""
    header, _, first, second = _lines(monkeypatch, WIDTH + 1, Terminal(), spare=["direction"])
    assert header.split() == list(HEADER)
    assert first.split() == ["l1000_consensus", "-", "mae_standardised", "lower", "0.4537", "0.00125"]
    assert second.split() == ["tox21", "-", "ap", "higher", "0.5193", "12,345"]
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("columns", "left"),
    [
        (WIDTH - 1, ["dataset", "metric", "direction", "macro", "std"]),
        (WIDTH - 7, ["dataset", "metric", "macro", "std"]),
        (WIDTH - 18, ["dataset", "metric", "macro"]),
    ],
)
def test_a_narrow_terminal_goes_without_some(monkeypatch, capsys, columns, left):
    """First without what is empty, then without what is spare, in this order; stderr names it; no line is broken."""
    lines = _lines(monkeypatch, columns, Terminal(), spare=["direction", "std"])
    assert lines[0].split() == left
    assert len(lines) == 2 + len(ROWS)
    assert max(map(len, lines)) <= columns
    absent = [name for name in HEADER if name not in left]
    assert f"too narrow for {', '.join(absent)}: " in capsys.readouterr().err


def test_texts_are_folded_and_numbers_are_not(monkeypatch):
    """Where nothing is spare any more, a name goes on in the next line, and each number stays in one."""
    lines = _lines(monkeypatch, 40, Terminal())
    assert any("0.4537" in line for line in lines)
    assert any("12,345" in line for line in lines)
    assert "l1000_consensus" not in "".join(lines)
    assert max(map(len, lines)) <= 40


def test_a_pipe_has_everything(monkeypatch, capsys):
    """Whatever COLUMNS says; lines are as long as they have to be."""
    rows = [*ROWS, ("x" * 500, 1, "ap", "higher", 0.5, 0.5)]
    monkeypatch.setenv("COLUMNS", "40")
    print_table(HEADER, rows, spare=["direction"])
    out, err = capsys.readouterr()
    assert "x" * 500 in out
    assert "direction" in out
    assert not err


def test_sentences_are_folded_between_words(monkeypatch, capsys):
    """They take no column from others: what counts is their longest word."""
    out = Terminal()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout", out)
    print_table(("task", "count", "what"), [("homo", 12, "energy of the highest orbital " * 3)], spare=["count"])
    lines = re.sub(r"\x1b\[\d*m", "", out.getvalue()).split("\n")
    assert any(re.fullmatch(r" homo +12  energy of the .*", line) for line in lines)
    assert max(map(len, lines)) <= 40
    assert not capsys.readouterr().err
