"""How records are shown: lines on a terminal, a table in README."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tests.benchmarks.turns import Record

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


def line(record: Record) -> str:
    """Returns a record as a line of the printed table."""
    ours, peer = (f"{record[side]:,.{0 if record[side] > 100 else 4}f}" for side in ("ours", "peer"))
    return f"{record['name']:60} {ours:>14} {peer:>14} {record['unit']:12} x {record['ratio']:,.2f}"


def markdown(records: Sequence[Record], machine: Mapping[str, object], *, figure: str) -> str:
    """Returns the table and the plot for README.

    Args:
        records: those of throughput are left to the plot.
        machine: what they were measured on, by name.
        figure: where the plot is, from README.
    """
    rows = [
        f"| {record['name']} | {_number(record['ours'])} | {_number(record['peer'])} | {record['unit']} "
        f"| {_number(record['ratio'])} |"
        for record in records
        if "batch_size" not in record
    ]
    table = ["| what | ours | peer | unit | times better |", "|---|---:|---:|---|---:|", *rows]
    measured = "Measured with " + ", ".join(f"{name} {value}" for name, value in machine.items()) + "."
    return "\n".join([*table, "", measured, "", f"![Loading throughput against batch size, ours and PyG's]({figure})"])


def replace_marked(text: str, content: str) -> str:
    r"""Returns a text with what stands between the two markers replaced.

    >>> replace_marked(f"a\n{BEGIN}\nold\n{END}\nb\n", "new")
    'a\n<!-- bench -->\nnew\n<!-- /bench -->\nb\n'

    Raises:
        ValueError: the markers are not there once each, in their order.
    """
    pieces = re.split(f"({re.escape(BEGIN)}|{re.escape(END)})", text)
    if pieces[1::2] != [BEGIN, END]:
        raise ValueError(f"expected {BEGIN} and {END} once each, found {pieces[1::2]}")
    return f"{pieces[0]}{BEGIN}\n{content}\n{END}{pieces[4]}"


def _number(value: str | float) -> str:
    """Returns a number with three digits, or all that are before the point."""
    return f"{value:,.0f}" if abs(float(value)) >= 100 else f"{value:.3g}"
