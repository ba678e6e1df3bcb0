"""Axes of drawings: where values lie, and round numbers to write beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_DAYS = (1, 2, 7, 14, 30, 61, 91, 183, 365, 730)
_MINUTES = (1, 2, 5, 10, 20, 30, 60, 120, 180, 360, 720, 1_440)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_DAYS = 28
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Scale:
    """A range of values on a range of a drawing's units."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Returns where a value lies; in the middle where the range is empty.

        >>> Scale(0, 10, 100, 200).place(5), Scale(1, 100, 0, 2, is_log=True).place(10), Scale(1, 1, 0, 10).place(1)
        (150.0, 1.0, 5.0)
        """
        low, high, at = (math.log10(x) if self.is_log else x for x in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)


def padded(values: Sequence[float], *, share: float = 0.06) -> tuple[float, float]:
    """Returns the range of some values with room around them.

    >>> padded([1.0, 2.0], share=0.1)
    (0.9, 2.1)
    """
    low, high = min(values), max(values)
    room = (high - low or abs(high) or 1.0) * share
    return low - room, high + room


def linear_ticks(low: float, high: float, *, count: int = 5) -> list[tuple[float, str]]:
    """Returns round values inside a range with their texts.

    >>> [text for _, text in linear_ticks(0.12, 0.51)]
    ['0.2', '0.3', '0.4', '0.5']
    """
    if not high > low:
        return []
    raw = (high - low) / count
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in _STEPS if size * factor >= raw * 0.999)
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) + (1 if round(step / size, 3) == 2.5 else 0)  # noqa: PLR2004
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [(number * step, f"{number * step:.{digits}f}") for number in range(first, last + 1)]


def size_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Returns powers of ten inside a range, or 1, 2 and 5 times them where it has fewer than two.

    >>> [text for _, text in size_ticks(900, 2e6)], [text for _, text in size_ticks(1.2e5, 6e5)]
    (['1 k', '10 k', '100 k', '1 M'], ['200 k', '500 k'])
    """
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 2, 5)):
        found = [factor * 10.0**exponent for exponent in exponents for factor in factors]
        inside = [value for value in found if low <= value <= high]
        if len(inside) > 1:
            break
    return [(value, compact(value)) for value in inside]


def date_ticks(low: datetime, high: datetime, *, count: int = 4) -> list[tuple[float, str]]:
    """Returns days inside a range as seconds since 1970, with their texts; times where it has fewer than two.

    >>> [text for _, text in date_ticks(datetime(2026, 1, 20, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC))]
    ['Mar 2026', 'May 2026', 'Jul 2026', 'Sep 2026']
    """
    wanted = (high - low).total_seconds() / 86_400 / count
    step = next((days for days in _DAYS if days >= wanted), _DAYS[-1])
    if step >= _MONTH_DAYS:
        return _month_ticks(low, high, max(1, round(step / 30.4)))
    first = datetime(low.year, low.month, low.day, tzinfo=UTC) + timedelta(days=1)
    days = range(0, max(0, (high - first).days) + 1, step)
    found = [day for day in (first + timedelta(days=day) for day in days) if day <= high]
    if len(found) < 2:  # noqa: PLR2004  # one is no axis
        return _time_ticks(low, high)
    return [(seconds(day), f"{day.day} {_MONTHS[day.month - 1]}") for day in found]


def _time_ticks(low: datetime, high: datetime) -> list[tuple[float, str]]:
    """Returns times of one or two days, at most four; the first one where all is within a minute."""
    wanted = (high - low).total_seconds() / 60 / 3
    step = next((minutes for minutes in _MINUTES if minutes >= wanted), _MINUTES[-1]) * 60
    first, last = math.ceil(seconds(low) / step), math.floor(seconds(high) / step)
    found = [_EPOCH + timedelta(seconds=number * step) for number in range(first, last + 1)] or [low]
    return [(seconds(at), f"{at.day} {_MONTHS[at.month - 1]} {at:%H:%M}") for at in found]


def _month_ticks(low: datetime, high: datetime, step: int) -> list[tuple[float, str]]:
    months = range(low.year * 12 + low.month, high.year * 12 + high.month)
    chosen = [month for month in months if month % step == 0]
    days = [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in chosen]
    return [(seconds(day), f"{_MONTHS[day.month - 1]} {day.year}") for day in days]


def seconds(at: datetime) -> float:
    """Returns the seconds since 1970."""
    return (at - _EPOCH).total_seconds()


def compact(value: float) -> str:
    """Returns a count in three digits, with the letter of its size.

    >>> compact(149_000), compact(4_630_000), compact(12), compact(1e6), compact(999_999)
    ('149 k', '4.63 M', '12', '1 M', '1 M')
    """
    for size, letter in _SIZES:
        # 999,999 is a million in three digits.
        if float(f"{value:.3g}") >= size:
            return f"{float(f'{value:.3g}') / size:g} {letter}"
    return f"{value:g}"
