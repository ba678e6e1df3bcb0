"""Submissions from twenty clients at once, while workers are killed at random.

Clients send, some of it broken on purpose, until so many workers were killed while they had a job. Then every ticket
must have ended as it had to, every row must have been scored exactly once, and values and ranks must be those of
scoring the same predictions here, at once and undisturbed.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import signal
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from statistics import median

from sqlalchemy import select

from leaderboard.store.database import Store
from leaderboard.store.queue import MAX_ATTEMPTS
from leaderboard.store.tables import Event, Job, JobState, Score, State, Submission
from leaderboard.worker.work import run_worker
from molmix_bench.mix import Mix
from molmix_bench.submissions.score import compare
from tests.leaderboard.live import Client, living, until
from tests.submissions.honest import build_mix, write_submission

NUM_CLIENTS = 20
NUM_WORKERS = 2
LEASE_S = 3.0
_SPOILT_SHARE = 0.3
_PATIENCE_S = 3_600.0
_PAUSE_S = 1.0
"""Between a client's questions: twenty that ask without pause take a core from the workers."""
_SHARE = 1.0
"""Of the time that jobs take, up to which a worker at one is left alone: some end theirs before."""
_SPARED_FROM = MAX_ATTEMPTS // 2
"""Attempts at a job from which on its workers are left alone, or it would fail, as one does that ends its workers."""
# Forked from a process that has imported everything and has no threads: three seconds less for each worker.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["leaderboard.worker.work", "tests.soak.leaderboard"])


@dataclass
class _Sent:
    """What a client sent."""

    folder: Path
    is_spoilt: bool
    end: dict


@dataclass
class _Killing:
    """Workers, which are killed while they have a job, and replaced."""

    store: Store
    kills: int
    chance: random.Random
    log: Path
    done: threading.Event = field(default_factory=threading.Event)
    at_work: int = 0
    """Workers that had a job when they were killed."""
    between: int = 0
    """Workers whose job ended in the instant in which they were killed; no kills that count."""

    def run(self) -> None:
        """Kills so many; the last workers live on until `stop`."""
        self.workers = [self._start() for _ in range(NUM_WORKERS)]
        self._one_at_a_time = threading.Lock()
        try:
            until(lambda: self._job_seconds() or self.done.is_set() or None, seconds=_PATIENCE_S)
            with ThreadPoolExecutor(NUM_WORKERS) as pool:
                list(pool.map(self._kill_in_turn, range(NUM_WORKERS)))
        finally:
            # Clients send on until then.
            self.done.set()

    def _kill_in_turn(self, place: int) -> None:
        """Kills the worker of one place, and the one that takes its place, until all together have killed enough."""
        while not self.done.is_set():
            until(lambda: self._has_job(place) or self.done.is_set() or None, seconds=_PATIENCE_S, pause=0.02)
            self.done.wait(self.chance.uniform(0, _SHARE) * self._job_seconds())
            with self._one_at_a_time:
                if not self.done.is_set() and self._has_job(place):
                    self._kill(place)

    def _kill(self, place: int) -> None:
        victim = self.workers[place]
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        # Nobody takes its job before the lease ends, so the job is its own still if it had one.
        is_hit = self._job_of(place) is not None
        self.at_work += is_hit
        self.between += not is_hit
        self.workers[place] = self._start()
        if self.at_work == self.kills:
            self.done.set()

    def _has_job(self, place: int) -> bool:
        """Whether a worker has a job that can be begun once more."""
        job = self._job_of(place)
        return job is not None and job.attempts < _SPARED_FROM

    def _job_of(self, place: int) -> Job | None:
        mine = Job.owner.startswith(f"{self.workers[place].pid}-")
        with self.store.reading() as session:
            return session.scalar(select(Job).where(Job.state == JobState.RUNNING, mine))

    def _job_seconds(self) -> float:
        """Returns how long jobs take of late that nobody disturbs; 0 where none has ended."""
        times = re.findall(r": accepted after ([0-9.]+) s", self.log.read_text(encoding="utf-8"))
        return median(map(float, times[-5:])) if times else 0.0

    def stop(self) -> None:
        """Tells the workers to stop, which they do at once."""
        for worker in self.workers:
            worker.terminate()
            worker.join()
            assert worker.exitcode == 0, self.log.read_text(encoding="utf-8")

    def _start(self) -> BaseProcess:
        process = PROCESSES.Process(target=_work, args=(self.store.path, self.log))
        process.start()
        return process


def _work(data: Path, log: Path) -> None:
    with log.open("a", encoding="utf-8", buffering=1) as text:
        sys.stderr = text
        run_worker(Store(data), lease_s=LEASE_S)


def soak_leaderboard(folder: Path, *, num: int, seed: int) -> dict[str, object]:
    """Kills `num` workers and returns what was counted; raises `AssertionError` where a promise is broken."""
    mix = build_mix(folder / "mix")
    with living(folder / "data", "--mix", mix.path, "--per-day", 10_000) as live:
        (log := folder / "workers.log").touch()
        killing = _Killing(Store(live.data), num, random.Random(seed), log)
        clients = [live.client(f"user{number}") for number in range(NUM_CLIENTS)]
        with ThreadPoolExecutor(NUM_CLIENTS + 1) as pool:
            killer = pool.submit(killing.run)
            jobs = [
                pool.submit(_send_on, client, folder / str(number), mix, killing.done, random.Random(seed + number))
                for number, client in enumerate(clients)
            ]
            sent = [item for job in jobs for item in job.result()]
            killer.result()
        killing.stop()
        _check_ends(sent)
        attempts = _check_store(killing.store, sent)
        _check_ranks(clients[0], killing.store, sent, mix)
        killing.store.close()
    return {
        "kills": killing.at_work,
        "killed between jobs": killing.between,
        "most attempts at a job": attempts,
        "submissions": len(sent),
        "ends": dict(Counter(item.end["state"] for item in sent)),
    }


def _send_on(client: Client, folder: Path, mix: Mix, done: threading.Event, chance: random.Random) -> list[_Sent]:
    """Sends one submission after another, each when the one before has ended, and at least one."""
    sent = []
    while not sent or not done.is_set():
        place = folder / str(len(sent))
        write_submission(place, mix, noise=chance.randrange(1 << 30), model=f"m{folder.name}-{len(sent)}")
        is_spoilt = chance.random() < _SPOILT_SHARE
        if is_spoilt:
            (place / "predictions" / "size" / "test" / "seed=0.parquet").write_bytes(b"PAR1")
        ticket = client.send(place)
        if chance.random() < 0.2:
            assert client.send(place) == ticket, "sent again, another ticket"
        sent.append(_Sent(place, is_spoilt, client.wait(ticket, seconds=_PATIENCE_S, pause=_PAUSE_S)))
    return sent


def _check_ends(sent: list[_Sent]) -> None:
    for item in sent:
        assert item.end["state"] == ("refused" if item.is_spoilt else "accepted"), item


def _check_store(store: Store, sent: list[_Sent]) -> int:
    """Nothing is lost, and nothing is there twice; returns how often a job was begun at most."""
    num_good = sum(not item.is_spoilt for item in sent)
    with store.reading() as session:
        submissions = session.scalars(select(Submission)).all()
        assert len(submissions) == len(sent)
        assert {item.end["ticket"] for item in sent} == {submission.ticket for submission in submissions}
        jobs = session.scalars(select(Job)).all()
        assert sorted(job.submission_id for job in jobs) == sorted(submission.id for submission in submissions)
        assert {job.state for job in jobs} == {JobState.DONE}
        good = sorted(item.id for item in submissions if item.state is State.ACCEPTED)
        assert sorted(session.scalars(select(Score.submission_id))) == good
        assert len(good) == num_good
        names = session.scalars(select(Event.entry)).all()
        assert len(names) == len(set(names)) == num_good
        return max(job.attempts for job in jobs)


def _check_ranks(client: Client, store: Store, sent: list[_Sent], mix: Mix) -> None:
    """The board is what scoring here gives."""
    until(lambda: client.get("health")["board_version"] >= store.version() or None)
    names = {str(item.folder / "predictions"): item.end["name"] for item in sent if not item.is_spoilt}
    wanted = {
        (names[row["model"]], row["dataset"], row["metric"]): (row["rank"], row["tied"], row["mean"])
        for row in compare(list(names), mix).ranks.filter(split="test").to_dicts()
    }
    rows: list[dict] = []
    while len(rows) < len(wanted):
        page = client.get("api/boards/tiny", params={"split": "test", "limit": 1_000, "offset": len(rows)})
        assert page["total"] == len(wanted)
        rows += page["rows"]
    found = {(row["name"], row["dataset"], row["metric"]): (row["rank"], row["tied"], row["value"]) for row in rows}
    assert found == wanted
