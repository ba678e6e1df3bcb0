"""Printing results: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from molmix_bench.talk import say

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, help="Processes; all cores when not given.")]

_UNLIMITED = 1 << 16
"""Signs in a line of piped output."""
_GAP = 2
"""Signs between columns."""
SPARE_SCORES = ("direction", "n_reliable", "macro_reliable", "n_tasks", "n_seeds", "std")
"""Columns of a summary of scores that a narrow terminal goes without."""


def print_json(data: Any) -> None:
    """Prints JSON on stdout, one document."""
    print(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False))


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]], *, spare: Sequence[str] = ()) -> None:
    """Prints an aligned table on stdout: numbers to the right and whole, everything else to the left.

    Args:
        header: titles of the columns.
        rows: a value for each of them.
        spare: columns that a terminal too narrow goes without, the first first, after those that have no value at all;
            stderr says which. Then texts are folded. What is piped is as wide as it has to be.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    cells = [list(row) for row in rows]
    width = None if sys.stdout.isatty() else _UNLIMITED
    console = Console(file=sys.stdout, width=width, highlight=False, markup=False)
    shown = _columns_that_fit(header, cells, spare=spare, width=console.width)
    # A sign to the right of each cell, the box has one more, and one at either edge.
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for place in shown:
        numeric = all(isinstance(row[place], int | float | None) for row in cells) and bool(cells)
        table.add_column(header[place], justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    for row in cells:
        table.add_row(*(_cell(row[place]) for place in shown))
    console.print(table)
    if absent := [title for place, title in enumerate(header) if place not in shown]:
        say(f"too narrow for {', '.join(absent)}: a wider terminal, a pipe and --json have them")


def _columns_that_fit(
    header: Sequence[str], cells: Sequence[Sequence[object]], *, spare: Sequence[str], width: int
) -> list[int]:
    """Returns the places of the columns to show: all, or as many of the spare ones as leave room for whole words."""
    from rich.cells import cell_len

    places = list(range(len(header)))
    texts = [[header[place], *(_cell(row[place]) for row in cells)] for place in places]
    needed = [max(cell_len(word) for text in column for word in text.split() or [""]) for column in texts]
    empty = [title for place, title in enumerate(header) if cells and all(row[place] is None for row in cells)]
    for title in [*empty, *spare]:
        if sum(needed[place] + _GAP for place in places) <= width:
            break
        places = [place for place in places if header[place] != title]
    return places


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
