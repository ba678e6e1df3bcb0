"""Numbers as a report writes them."""

from __future__ import annotations

import math

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def number(value: float | None) -> str:
    """Returns a number in four digits.

    >>> number(0.123456), number(-1234.5), number(1e-7), number(None), number(12)
    ('0.1235', '-1234', '1e-07', '-', '12')
    """
    return "-" if value is None or not math.isfinite(value) else f"{value:.4g}"


def interval(low: float | None, high: float | None) -> str:
    """Returns both ends of an interval.

    >>> interval(0.25, 0.75), interval(None, None)
    ('0.25 to 0.75', '-')
    """
    return "-" if low is None or high is None else f"{number(low)} to {number(high)}"


def duration(seconds: float) -> str:
    """Returns a time in the two largest units that it has.

    >>> duration(3.21), duration(75), duration(7_325), duration(180_000)
    ('3.2 s', '1 min 15 s', '2 h 2 min', '2 d 2 h')
    """
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
