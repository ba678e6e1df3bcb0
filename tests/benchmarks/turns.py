"""Measuring several ways of doing one thing in turns, so that what else the machine does meets them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from statistics import median
from typing import TypeVar

Item = TypeVar("Item")
Record = dict[str, str | float]
"""What was measured: `name`, `ours`, `peer`, `ratio` (how much better ours is), `unit`."""


class Clock:
    """Adds up the time that is spent waiting for the items of iterables."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def watch(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yields the items."""
        iterator = iter(items)
        while True:
            begin = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.seconds += time.perf_counter() - begin
            yield item


def median_speeds(ways: Mapping[str, Callable[[int], int]], *, turns: int) -> dict[str, float]:
    """Returns how much each way does in a second, the median over its turns; a turn before them is not counted.

    Args:
        ways: each takes the number of the turn and returns how much it has done.
        turns: how often each is called.
    """
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, way in ways.items():
            begin = time.perf_counter()
            done = way(turn)
            speeds[name].append(done / (time.perf_counter() - begin))
    return {name: median(found[1:]) for name, found in speeds.items()}


def record(name: str, ours: float, peer: float, *, unit: str, less_is_better: bool = False) -> Record:
    """Returns a record.

    >>> record("loader", 2e6, 5e4, unit="graphs/s")["ratio"]
    40.0
    """
    ratio = peer / ours if less_is_better else ours / peer
    return {"name": name, "ours": ours, "peer": peer, "ratio": round(ratio, 2), "unit": unit}
