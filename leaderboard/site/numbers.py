"""Numbers as a page shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from leaderboard.boards import Row, Value

_DIGITS = 5
"""Before and after the point together."""
_LARGE, _SMALL = 1e6, 1e-4


def number(value: float | None) -> str:
    """Returns a score with as many digits as are worth reading.

    >>> number(0.12345), number(123.456), number(-1.5e9), number(2e-5), number(0.0), number(None)
    ('0.1235', '123.46', '-1.500e+09', '2.000e-05', '0.0000', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    size = abs(value)
    if size >= _LARGE or 0 < size < _SMALL:
        return f"{value:.3e}"
    before = len(str(int(size)))
    return f"{value:.{max(0, _DIGITS - before)}f}"


def interval(value: Value) -> str:
    r"""Returns both ends of an interval.

    >>> ascii(interval(Value(0.5, None, 0.25, 0.75))), interval(Value(0.5, None, None, None))
    ("'0.2500 \\u2013 0.7500'", '-')
    """
    if value.low is None or value.high is None:
        return "-"
    return f"{number(value.low)} \N{EN DASH} {number(value.high)}"


def whole(value: int) -> str:
    """Returns a count.

    >>> whole(1234567)
    '1,234,567'
    """
    return f"{value:,}"


class Axis:
    """The range of the scores of a table, as places from 0 to 100 in a drawing."""

    def __init__(self, rows: Sequence[Row]) -> None:
        every = [end for row in rows for end in (row.macro.mean, row.macro.low, row.macro.high) if end is not None]
        self._low = min(every, default=0.0)
        self._width = max(every, default=0.0) - self._low

    def place(self, value: float | None) -> str:
        """Returns where a score lies; all in the middle where none differs."""
        share = (value - self._low) / self._width if value is not None and self._width > 0 else 0.5
        return f"{2 + 96 * share:.2f}"

    def width(self, low: float, high: float) -> str:
        """Returns how long a range is."""
        return f"{96 * (high - low) / self._width if self._width > 0 else 0.0:.2f}"
