"""From an upload that is whole to a ticket, and what a ticket says."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.store.archive import hash_file
from leaderboard.store.database import Store, count
from leaderboard.store.refusals import RefusalError
from leaderboard.store.tables import Job, JobState, Kept, State, Submission, Upload
from leaderboard.store.uploads import OpenUpload, find_upload, folder_of
from leaderboard.store.users import Caller
from molmix_bench.metrics.protocol import PROTOCOL
from molmix_bench.submissions.check import Problem

_NUM_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Ticket:
    """A submission as its user sees it."""

    ticket: str
    state: State
    since: float
    mix: str | None
    name: str | None
    """Of its row; none before it is accepted."""
    problems: tuple[Problem, ...]
    ahead: int
    """Submissions that are scored before it."""


def finish_upload(store: Store, caller: Caller, upload_id: str) -> Ticket:
    """Returns the ticket of an upload that is whole; of the same files, sent by the same user, always the same.

    Raises:
        RefusalError: something is missing, or is not what was announced; that part is then to be sent again.
    """
    # Two requests at once that finish it are one after the other.
    with store.alone(upload_id):
        upload = find_upload(store, caller, upload_id)
        if upload.submission_id is None:
            submission_id = _submitted(store, caller, upload, _archived(store, upload))
        else:
            submission_id = upload.submission_id
        shutil.rmtree(folder_of(store, upload.id), ignore_errors=True)
    with store.reading() as session:
        return _ticket(session, session.get_one(Submission, submission_id))


def find_ticket(store: Store, caller: Caller, ticket: str) -> Ticket:
    """Returns a ticket of the caller's own.

    Raises:
        RefusalError: there is none such; another user's is none.
    """
    with store.reading() as session:
        chosen = (Submission.ticket == ticket, Submission.user_id == caller.id)
        submission = session.scalar(select(Submission).where(*chosen))
        if submission is None:
            raise RefusalError(404, "no such ticket of yours: GET /api/tickets lists those that you have")
        return _ticket(session, submission)


def tickets_of(store: Store, caller: Caller) -> list[Ticket]:
    """Returns the caller's tickets, the newest first."""
    with store.reading() as session:
        chosen = select(Submission).where(Submission.user_id == caller.id)
        found = session.scalars(chosen.order_by(Submission.since.desc(), Submission.id.desc()))
        return [_ticket(session, submission) for submission in found]


def digest_of(files: Sequence[Mapping[str, Any]]) -> str:
    """Returns what identifies a submission: its files' paths and hashes, in whatever order they came."""
    named = sorted((file["path"], file["sha256"]) for file in files)
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()


def _archived(store: Store, upload: OpenUpload) -> list[dict[str, Any]]:
    """Returns the files of an upload with their hashes; the archive has them."""
    short = [file for file in upload.files if file.received != file.announced.num_bytes]
    if short:
        shown = ", ".join(f"{file.announced.path!r} has {file.received:,} bytes" for file in short[:_NUM_SHOWN])
        raise RefusalError(409, f"{len(short)} files are not whole ({shown}): send the rest first")
    for file in upload.files:
        # Of an empty file nothing was sent.
        file.place.parent.mkdir(parents=True, exist_ok=True)
        file.place.touch()
    hashes = [hash_file(file.place) for file in upload.files]
    pairs = zip(upload.files, hashes, strict=True)
    if spoilt := [file for file, sha256 in pairs if file.announced.sha256 not in (None, sha256)]:
        for file in spoilt:
            file.place.unlink()
        shown = ", ".join(repr(file.announced.path) for file in spoilt[:_NUM_SHOWN])
        raise RefusalError(409, f"{shown}: another SHA-256 than was announced; it was spoilt on its way: send it again")
    for file, sha256 in zip(upload.files, hashes, strict=True):
        store.archive.keep(file.place, sha256)
    return [
        {"path": file.announced.path, "num_bytes": file.announced.num_bytes, "sha256": sha256}
        for file, sha256 in zip(upload.files, hashes, strict=True)
    ]


def _submitted(store: Store, caller: Caller, upload: OpenUpload, files: list[dict[str, Any]]) -> int:
    digest = digest_of(files)
    with store.writing() as session:
        same = (Submission.user_id == caller.id, Submission.digest == digest)
        submission = session.scalar(select(Submission).where(*same))
        if submission is None:
            submission = Submission(
                ticket=secrets.token_urlsafe(18), user_id=caller.id, digest=digest, since=store.now(), files=files
            )
            session.add(submission)
            session.flush()
            for file, sha256 in zip(upload.files, (file["sha256"] for file in files), strict=True):
                # A submission that was refused may have taken the same file with it since we put it there.
                store.archive.keep(file.place, sha256)
                session.merge(Kept(sha256=sha256, submission_id=submission.id))
        if submission.state in (State.QUEUED, State.FAILED):
            submission.state = State.QUEUED
            enqueue(session, submission.id, now=store.now())
        found = session.get(Upload, upload.id)
        if found is not None:
            found.submission_id = submission.id
        return submission.id


def enqueue(session: Session, submission_id: int, *, now: float) -> None:
    """Has a submission scored under the protocol of this program, unless it is going to be."""
    chosen = (Job.submission_id == submission_id, Job.protocol == PROTOCOL)
    job = session.scalar(select(Job).where(*chosen))
    if job is None:
        session.add(Job(submission_id=submission_id, protocol=PROTOCOL, turn=now))
    elif job.state is JobState.DONE:
        job.state, job.attempts, job.turn, job.until = JobState.QUEUED, 0, now, 0.0


def _ticket(session: Session, submission: Submission) -> Ticket:
    job = session.scalar(
        select(Job).where(Job.submission_id == submission.id, Job.state != JobState.DONE).order_by(Job.id)
    )
    ahead = 0 if job is None else count(session, Job.state != JobState.DONE, Job.turn < job.turn)
    problems = tuple(Problem(**item) for item in submission.problems)
    return Ticket(
        submission.ticket, submission.state, submission.since, submission.mix, submission.name, problems, ahead
    )
