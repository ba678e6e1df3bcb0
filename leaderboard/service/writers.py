"""Who writes to a file: one request at a time, and the newest at that.

A client whose connection broke sends again, while the broken request may still wait for bytes that never come.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from leaderboard.store.refusals import RefusalError

_PER_USER = 6
"""Requests of a user that write, at a time."""


class Writers:
    """The requests that write."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, asyncio.Lock] = {}
        self._ousted: dict[Hashable, asyncio.Event] = {}
        self._users: Counter[int] = Counter()

    @asynccontextmanager
    async def turn(self, file: Hashable, user: int) -> AsyncIterator[asyncio.Event]:
        """Yields when the file is this request's alone, with an event that says it is another's turn.

        Raises:
            RefusalError: the user writes too much at a time.
        """
        if self._users[user] >= _PER_USER:
            raise RefusalError(429, f"{_PER_USER} requests of yours are sending files: wait for one of them", after_s=1)
        self._users[user] += 1
        try:
            async with self._alone(file) as ousted:
                yield ousted
        finally:
            self._users[user] -= 1
            if not self._users[user]:
                del self._users[user]

    @asynccontextmanager
    async def _alone(self, file: Hashable) -> AsyncIterator[asyncio.Event]:
        if file in self._ousted:
            self._ousted[file].set()
        mine = self._ousted[file] = asyncio.Event()
        lock = self._locks.setdefault(file, asyncio.Lock())
        try:
            async with lock:
                yield mine
        finally:
            if self._ousted.get(file) is mine:
                # Nobody came after.
                del self._ousted[file], self._locks[file]
