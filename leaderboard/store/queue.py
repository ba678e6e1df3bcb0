"""The queue: jobs under leases, and what comes of a job, written once whoever finishes it.

A worker holds a job for as long as it renews its lease. One that is killed does not, and the job goes to another. What
a worker did whose lease another has taken over is thrown away, so that no score is written twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from leaderboard.entries import Scored
from leaderboard.site.records import Action
from leaderboard.store.database import Store, changed
from leaderboard.store.tables import Job, JobState, Kept, Score, State, Submission
from leaderboard.store.upkeep import event_of
from molmix_bench.metrics.protocol import PROTOCOL
from molmix_bench.mix import Mix
from molmix_bench.submissions.check import Problem

MAX_ATTEMPTS = 12
"""Of one job; so many workers have ended while they had it, or could not do it."""
_WAIT_S, _MAX_WAIT_S = 2.0, 300.0
_WAIT_FROM = 4
"""Attempts from which on a job waits before the next: the first may be the worker's bad luck."""
_NOT_PLAIN = re.compile(r"[^a-z0-9_-]+")
_MAX_NAME = 50


@dataclass(frozen=True, slots=True)
class Lease:
    """A job that a worker has for a while."""

    job_id: int
    owner: str
    seconds: float
    """From one renewal to the end of the lease."""
    submission_id: int
    files: tuple[Mapping[str, Any], ...]
    """Of the submission: path, num_bytes and sha256."""
    attempts: int
    """Begun, this one included."""


def adopt_jobs(store: Store) -> None:
    """Has submissions that wait for scores under an earlier protocol scored under that of this program."""
    with store.writing() as session:
        done = select(Job.submission_id).where(Job.protocol == PROTOCOL)
        waits = and_(Job.state != JobState.DONE, Job.protocol != PROTOCOL, Job.submission_id.not_in(done))
        session.execute(update(Job).where(waits).values(protocol=PROTOCOL))


def lease_job(store: Store, owner: str, *, seconds: float) -> Lease | None:
    """Returns the next job, which is this owner's until the lease ends; None where nothing is to be done.

    One that was begun before falls behind those that came within a lease of it: what ends its workers keeps no other
    waiting for long, and none waits forever behind newer ones.
    """
    now = store.now()
    free = and_(Job.state != JobState.DONE, Job.until <= now, Job.protocol == PROTOCOL)
    with store.reading() as session:
        # Most often there is none, and then nobody has to wait for the right to write.
        if session.scalar(select(Job.id).where(free).limit(1)) is None:
            return None
    with store.writing() as session:
        job = session.scalar(select(Job).where(free).order_by(Job.turn, Job.id).limit(1))
        if job is None:
            return None
        submission = session.get_one(Submission, job.submission_id)
        if job.attempts >= MAX_ATTEMPTS:
            _end(job)
            submission.state = State.FAILED
            return None
        job.state, job.owner, job.until = JobState.RUNNING, owner, now + seconds
        job.attempts += 1
        job.turn += seconds
        if submission.state is not State.REMOVED:
            submission.state = State.CHECKING
        return Lease(job.id, owner, seconds, submission.id, tuple(submission.files), job.attempts)


def renew_lease(store: Store, lease: Lease) -> bool:
    """Whether the job is still this worker's, for as long again."""
    with store.writing() as session:
        job = _held(session, lease)
        if job is not None:
            job.until = store.now() + lease.seconds
        return job is not None


def tell_scoring(store: Store, lease: Lease) -> None:
    """Notes that the check found nothing wrong."""
    with store.writing() as session:
        if _held(session, lease) is not None:
            submission = session.get_one(Submission, lease.submission_id)
            if submission.state is State.CHECKING:
                submission.state = State.SCORING


def give_back(store: Store, lease: Lease) -> None:
    """Puts a job back as if it had not been begun: its worker is asked to stop."""
    with store.writing() as session:
        job = _held(session, lease)
        if job is not None:
            job.attempts -= 1
            job.turn -= lease.seconds
            _wait(session, lease, job, until=0.0)


def give_up(store: Store, lease: Lease) -> None:
    """Puts a job back that this worker could not do, to be tried again later; too often, and it has failed."""
    with store.writing() as session:
        job = _held(session, lease)
        if job is not None and job.attempts >= MAX_ATTEMPTS:
            _end(job)
            session.get_one(Submission, lease.submission_id).state = State.FAILED
        elif job is not None:
            late = max(0, job.attempts - _WAIT_FROM)
            wait = min(_MAX_WAIT_S, _WAIT_S * 2**late) if job.attempts >= _WAIT_FROM else 0.0
            _wait(session, lease, job, until=store.now() + wait)


def refuse(store: Store, lease: Lease, problems: Sequence[Problem], *, mix: str | None) -> bool:
    """Ends a job with what the check found; returns whether the job was still this worker's."""
    with store.writing() as session:
        job = _held(session, lease)
        if job is None:
            return False
        _end(job)
        submission = session.get_one(Submission, lease.submission_id)
        submission.state, submission.mix = State.REFUSED, mix
        submission.problems = [asdict(problem) for problem in problems]
        session.execute(delete(Kept).where(Kept.submission_id == submission.id))
    _drop_unneeded(store, lease)
    return True


def _drop_unneeded(store: Store, lease: Lease) -> None:
    """Deletes those files of a refused submission that no other needs: whoever is refused must not fill our disk."""
    hashes = {file["sha256"] for file in lease.files}
    # While we may write, nobody begins to need one of them; who does so later finds it missing, and has it.
    with store.writing() as session:
        needed = set(session.scalars(select(Kept.sha256).where(Kept.sha256.in_(hashes))))
        for sha256 in hashes - needed:
            store.archive.drop(sha256)


def accept(store: Store, lease: Lease, scored: Scored, mix: Mix, *, content: str) -> bool:
    """Ends a job with scores, which puts a row on the board; returns whether the job was still this worker's.

    Args:
        store: the store.
        lease: of the job.
        scored: what was scored.
        mix: that was predicted.
        content: the name in the archive of the scores.
    """
    with store.writing() as session:
        job = _held(session, lease)
        if job is None:
            return False
        _end(job)
        now = store.now()
        made = Score(submission_id=lease.submission_id, protocol=PROTOCOL, content=content, at=now)
        made.build_key = mix.manifest.build_key
        session.merge(made)
        submission = session.get_one(Submission, lease.submission_id)
        if submission.state is not State.REMOVED:
            _put_on_board(session, submission, scored, mix, now=now)
        return True


def _put_on_board(session: Session, submission: Submission, scored: Scored, mix: Mix, *, now: float) -> None:
    spec = scored.spec
    submission.state, submission.mix, submission.problems = State.ACCEPTED, mix.name, []
    submission.model = f"{spec.model} {spec.version}"
    if submission.name is None:
        submission.name = _free_name(session, f"{spec.model}-{spec.version}")
        session.add(event_of(submission, Action.ADDED, "Scored from its predictions.", at=now))
    changed(session)


def _free_name(session: Session, wanted: str) -> str:
    """Returns a name that no other row has or had, plain enough to stand in addresses."""
    base = _NOT_PLAIN.sub("-", wanted.lower())[:_MAX_NAME].strip("-_") or "model"
    taken = set(session.scalars(select(Submission.name).where(Submission.name.startswith(base, autoescape=True))))
    number = 1
    while (name := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return name


def _held(session: Session, lease: Lease) -> Job | None:
    """Returns the job, if it is still under this very lease."""
    mine = (Job.id == lease.job_id, Job.owner == lease.owner, Job.state == JobState.RUNNING)
    return session.scalar(select(Job).where(*mine, Job.attempts == lease.attempts))


def _wait(session: Session, lease: Lease, job: Job, *, until: float) -> None:
    job.state, job.owner, job.until = JobState.QUEUED, None, until
    submission = session.get_one(Submission, lease.submission_id)
    if submission.state in (State.CHECKING, State.SCORING):
        submission.state = State.QUEUED


def _end(job: Job) -> None:
    job.state, job.owner, job.until = JobState.DONE, None, 0.0


def waiting(session: Session) -> dict[str, int]:
    """Returns how many jobs wait, and how many are being done."""
    states = session.scalars(select(Job.state).where(or_(Job.state == JobState.QUEUED, Job.state == JobState.RUNNING)))
    found = list(states)
    return {"queued": found.count(JobState.QUEUED), "running": found.count(JobState.RUNNING)}
