"""How often someone may ask."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

_MAX_KEPT = 20_000


class Rates:
    """A bucket for each key, which each request takes one from and which fills up again with time.

    Args:
        per_second: how fast it fills.
        burst: how much it holds.
        clock: seconds.
    """

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: Hashable) -> float:
        """Takes one, and returns 0; where there is none, the seconds until there is."""
        with self._lock:
            level, now = self._level(key)
            if level < 1:
                return (1 - level) / self._per_second
            self._put(key, level - 1, now)
            return 0.0

    def wait(self, key: Hashable) -> float:
        """Returns what `take` would, and takes nothing."""
        with self._lock:
            level, _ = self._level(key)
            return max(0.0, (1 - level) / self._per_second)

    def _level(self, key: Hashable) -> tuple[float, float]:
        now = self._clock()
        level, then = self._buckets.get(key, (self._burst, now))
        return min(self._burst, level + (now - then) * self._per_second), now

    def _put(self, key: Hashable, level: float, now: float) -> None:
        self._buckets[key] = (level, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > _MAX_KEPT:
            self._buckets.popitem(last=False)
