"""A worker: one job after another, each under a lease that a thread renews."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from leaderboard.entries import Refused
from leaderboard.store.database import Store
from leaderboard.store.known import mixes_of
from leaderboard.store.queue import (
    Lease,
    accept,
    adopt_jobs,
    give_back,
    give_up,
    lease_job,
    refuse,
    renew_lease,
    tell_scoring,
)
from leaderboard.store.results import pack
from leaderboard.worker.score import desk_of, drop_left_over, laid_out, score_files
from molmix_bench.errors import MolmixError
from molmix_bench.talk import say

LEASE_S = 30.0
"""So long a job rests whose worker was killed."""
_RENEWALS = 4
"""In the time of a lease."""
_POLL_S = 0.5


class Worker:
    """Does jobs until it is told to stop.

    Args:
        store: with the queue.
        lease_s: the length of a lease.
    """

    def __init__(self, store: Store, *, lease_s: float = LEASE_S) -> None:
        self._store = store
        self._lease_s = lease_s
        self._lease: Lease | None = None
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"

    def run(self, *, drain: bool = False) -> None:
        """Does jobs; with `drain` until there are none left, else for good."""
        adopt_jobs(self._store)
        drop_left_over(self._store)
        say(f"worker {self.name}: waiting for submissions in {self._store.path}")
        while True:
            lease = lease_job(self._store, self.name, seconds=self._lease_s)
            if lease is not None:
                self._do(lease)
            elif drain:
                return
            else:
                time.sleep(_POLL_S)

    def stop(self, signum: int, _: FrameType | None) -> None:
        """Puts the job at hand back and ends the process, whose threads may be waiting for slow files."""
        lease = self._lease
        if lease is not None:
            give_back(self._store, lease)
        say(f"worker {self.name}: stopped" + (", what it did goes back to the queue" if lease else ""))
        sys.stderr.flush()
        os._exit(0 if signum == signal.SIGTERM else 128 + signum)

    def _do(self, lease: Lease) -> None:
        self._lease = lease
        began = time.monotonic()
        try:
            with _renewed(self._store, lease):
                outcome = _score(self._store, lease)
        except (MolmixError, OSError, SQLAlchemyError) as error:
            # Refusals are no errors: this is ours, such as a mix that cannot be read or a full disk.
            say(f"submission {lease.submission_id}: attempt {lease.attempts}: {type(error).__name__}: {error!s:.500}")
            give_up(self._store, lease)
            return
        finally:
            self._lease = None
        say(f"submission {lease.submission_id}: {outcome} after {time.monotonic() - began:.1f} s")


def _score(store: Store, lease: Lease) -> str:
    mixes = mixes_of(store)
    with laid_out(store, desk_of(store, lease.owner), lease.files) as folder:
        found = score_files(folder, lease.files, mixes, lambda: tell_scoring(store, lease))
    if isinstance(found, Refused):
        outcome, is_ours = "refused", refuse(store, lease, found.problems, mix=found.mix)
    else:
        content = store.archive.keep_bytes(pack(found.submission))
        outcome, is_ours = "accepted", accept(store, lease, found.submission, found.mix, content=content)
    return outcome if is_ours else "left to the worker that took it over"


@contextmanager
def _renewed(store: Store, lease: Lease) -> Iterator[None]:
    """Renews a lease from a thread for as long as the block lasts and the lease is ours."""
    done = threading.Event()

    def _renew() -> None:
        while not done.wait(lease.seconds / _RENEWALS):
            try:
                if not renew_lease(store, lease):
                    return
            except SQLAlchemyError as error:
                say(f"submission {lease.submission_id}: the lease was not renewed ({error!s:.200}); trying again")

    thread = threading.Thread(target=_renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def run_worker(store: Store, *, lease_s: float = LEASE_S, drain: bool = False) -> None:
    """Runs a worker in the main thread of this process, which signals end."""
    worker = Worker(store, lease_s=lease_s)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, worker.stop)
    worker.run(drain=drain)
