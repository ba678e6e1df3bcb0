"""The newest snapshot: made in a thread while the one before is still served."""

from __future__ import annotations

import asyncio
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from leaderboard.service.snapshot import Snapshot
from leaderboard.store.database import Store
from leaderboard.store.limits import UploadLimits
from leaderboard.store.uploads import drop_idle
from molmix_bench.errors import MolmixError
from molmix_bench.talk import say

_POLL_S = 0.25
_TRY_AGAIN_S = 5.0
_TIDY_S = 600.0
_WARM = 40
"""Pages that are made before a new snapshot is shown: those that were asked for last."""
_FIRST = ("index.html", "log.html", "submit.html")


class Current:
    """Follows the store.

    Args:
        store: the store.
        limits: on uploads, the idle ones of which are thrown away from time to time.
    """

    def __init__(self, store: Store, limits: UploadLimits) -> None:
        self._store, self._limits = store, limits
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="board", daemon=True)
        self.snapshot = Snapshot(store)
        self.snapshot.make(_FIRST)

    def start(self) -> None:
        """Begins to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self._stop.set()
        self._thread.join()

    async def caught_up(self, *, seconds: float) -> Snapshot:
        """Returns a snapshot of what the store knows now, or after so many seconds the one there is."""
        end = time.monotonic() + seconds
        # What other processes write sets no event here.
        while self.snapshot.version < self._store.version() and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        return self.snapshot

    def _follow(self) -> None:
        tidied = 0.0
        wait = _POLL_S
        while not self._stop.wait(wait):
            wait = _POLL_S
            try:
                if time.monotonic() > tidied + _TIDY_S:
                    drop_idle(self._store, self._limits)
                    tidied = time.monotonic()
                if self._store.version() != self.snapshot.version:
                    self._renew()
            except (MolmixError, OSError, SQLAlchemyError) as error:
                say(f"the board stays as it was: {type(error).__name__}: {error!s:.500}")
                wait = _TRY_AGAIN_S

    def _renew(self) -> None:
        new = Snapshot(self._store)
        new.make([*_FIRST, *self.snapshot.paths_made()[:_WARM]])
        self.snapshot = new
