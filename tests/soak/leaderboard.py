"""Submissions from twenty clients at once, while workers are killed at random.

Clients send, some of it broken on purpose, until so many workers were killed. Then every ticket must have ended as it
had to, every row must have been scored exactly once, and values and ranks must be those of scoring the same predictions
here, at once and undisturbed.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy import select

from leaderboard.store.database import Store
from leaderboard.store.tables import Event, Job, JobState, Score, State, Submission
from leaderboard.worker.work import run_worker
from molmix_bench.mix import Mix
from molmix_bench.submissions.score import compare
from tests.leaderboard.live import Client, Live, living, until
from tests.submissions.honest import build_mix, write_submission

NUM_CLIENTS = 20
NUM_WORKERS = 2
LEASE_S = 3.0
_SPOILT_SHARE = 0.15
_PATIENCE_S = 3_600.0
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
    """Workers, which are killed and replaced."""

    live: Live
    kills: int
    chance: random.Random
    log: Path
    job_s: float
    """How long a job takes that nobody disturbs."""
    done: threading.Event = field(default_factory=threading.Event)
    at_work: int = 0
    """Workers that had a job when they were killed."""

    def run(self) -> None:
        """Kills so many; the last workers live on until `stop`."""
        store = Store(self.live.data)
        self.workers = [self._start() for _ in range(NUM_WORKERS)]
        for _ in range(self.kills):
            # A third of the workers live long enough to end a job, whatever the machine does beside.
            time.sleep(self.chance.uniform(0.1, 0.8) * self.job_s)
            place = self.chance.randrange(NUM_WORKERS)
            victim = self.workers[place]
            os.kill(victim.pid, signal.SIGKILL)
            victim.join()
            with store.reading() as session:
                owners = session.scalars(select(Job.owner).where(Job.state == JobState.RUNNING)).all()
            self.at_work += any(str(owner).startswith(f"{victim.pid}-") for owner in owners)
            self.workers[place] = self._start()
        store.close()
        self.done.set()

    def stop(self) -> None:
        """Tells the workers to stop, which they do at once."""
        for worker in self.workers:
            worker.terminate()
            worker.join()
            assert worker.exitcode == 0, self.log.read_text(encoding="utf-8")

    def _start(self) -> BaseProcess:
        process = PROCESSES.Process(target=_work, args=(self.live.data, self.log))
        process.start()
        return process


def _work(data: Path, log: Path) -> None:
    with log.open("a", encoding="utf-8", buffering=1) as text:
        sys.stderr = text
        run_worker(Store(data), lease_s=LEASE_S)


def _job_seconds(live: Live, folder: Path, mix: Mix, log: Path) -> float:
    """Returns how long a submission takes, by a worker that nobody kills; a first one has the kernels compiled."""
    client = live.client("first")
    worker = PROCESSES.Process(target=_work, args=(live.data, log))
    worker.start()
    for number in range(2):
        ticket = client.send(write_submission(folder / str(number), mix, model=f"first-{number}", noise=number))
        until(lambda ticket=ticket: client.get(f"api/tickets/{ticket}")["state"] != "queued" or None)
        begin = time.monotonic()
        client.wait(ticket)
    worker.terminate()
    worker.join()
    return time.monotonic() - begin


def soak_leaderboard(folder: Path, *, num: int, seed: int) -> dict[str, object]:
    """Kills `num` workers and returns what was counted; raises `AssertionError` where a promise is broken."""
    mix = build_mix(folder / "mix")
    with living(folder / "data", "--mix", mix.path, "--per-day", 10_000) as live:
        log = folder / "workers.log"
        killing = _Killing(live, num, random.Random(seed), log, _job_seconds(live, folder / "first", mix, log))
        killer = threading.Thread(target=killing.run)
        killer.start()
        clients = [live.client(f"user{number}") for number in range(NUM_CLIENTS)]
        with ThreadPoolExecutor(NUM_CLIENTS) as pool:
            jobs = [
                pool.submit(_send_on, client, folder / str(number), mix, killing.done, random.Random(seed + number))
                for number, client in enumerate(clients)
            ]
            sent = [item for job in jobs for item in job.result()]
        killer.join()
        killing.stop()
        firsts = reversed(live.client("first").get("api/tickets")["tickets"])
        sent += [_Sent(folder / "first" / str(number), False, end) for number, end in enumerate(firsts)]
        _check_ends(sent)
        _check_store(live.data, sent)
        _check_ranks(clients[0], sent, mix)
    return {
        "kills": num,
        "killed at work": killing.at_work,
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
        sent.append(_Sent(place, is_spoilt, client.wait(ticket, seconds=_PATIENCE_S)))
    return sent


def _check_ends(sent: list[_Sent]) -> None:
    for item in sent:
        assert item.end["state"] == ("refused" if item.is_spoilt else "accepted"), item


def _check_store(data: Path, sent: list[_Sent]) -> None:
    """Nothing is lost, and nothing is there twice."""
    num_good = sum(not item.is_spoilt for item in sent)
    store = Store(data)
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
    store.close()


def _check_ranks(client: Client, sent: list[_Sent], mix: Mix) -> None:
    """The board is what scoring here gives."""
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
