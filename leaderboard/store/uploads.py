"""Uploads that are open: what was announced, and the bytes that are here already.

The length of a file on the disk says what has arrived, so that a process or a connection that ends takes no more than
the bytes with it that were on their way.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leaderboard.store.database import Store, count
from leaderboard.store.limits import UploadLimits
from leaderboard.store.paths import Announced, check_announced
from leaderboard.store.refusals import RefusalError
from leaderboard.store.tables import State, Submission, Upload
from leaderboard.store.users import Caller

UPLOADS = "uploads"
WAITING = (State.QUEUED, State.CHECKING, State.SCORING)
_DAY_S = 24 * 3600.0
_BUSY_S = 60.0


@dataclass(frozen=True, slots=True)
class Arriving:
    """A file of an upload."""

    announced: Announced
    place: Path
    """Where its bytes lie; absent before the first."""

    @property
    def received(self) -> int:
        """Bytes that are here."""
        return self.place.stat().st_size if self.place.exists() else 0


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload of a caller."""

    id: str
    files: tuple[Arriving, ...]
    submission_id: int | None
    """None while it is open."""

    def file(self, path: str) -> tuple[int, Arriving]:
        """Returns a file with its number.

        Raises:
            RefusalError: it was not announced.
        """
        for number, file in enumerate(self.files):
            if file.announced.path == path:
                return number, file
        raise RefusalError(404, f"{path!r:.120} is no file of this upload: begin another that names it")


def begin_upload(store: Store, caller: Caller, files: Sequence[Announced], limits: UploadLimits) -> OpenUpload:
    """Returns a new upload, in which no byte has arrived.

    Raises:
        RefusalError: a limit would be broken.
    """
    check_announced(list(files), limits)
    total = sum(file.num_bytes for file in files)
    upload = Upload(
        id=secrets.token_hex(16),
        user_id=caller.id,
        since=store.now(),
        touched=store.now(),
        num_bytes=total,
        files=[file.to_record() for file in files],
    )
    with store.writing() as session:
        _check_user(session, caller, limits, now=store.now())
        _check_room(store, session, total, limits)
        session.add(upload)
    folder_of(store, upload.id).mkdir(parents=True, exist_ok=True)
    return _opened(store, upload)


def find_upload(store: Store, caller: Caller, upload_id: str) -> OpenUpload:
    """Returns an upload of the caller's own.

    Raises:
        RefusalError: there is none such; another user's is none.
    """
    with store.reading() as session:
        upload = session.scalar(select(Upload).where(Upload.id == upload_id, Upload.user_id == caller.id))
    if upload is None:
        raise RefusalError(404, "no such upload of yours: begin another")
    return _opened(store, upload)


def open_uploads(store: Store, caller: Caller) -> list[OpenUpload]:
    """Returns the caller's uploads that are not finished, the newest first."""
    with store.reading() as session:
        chosen = (Upload.user_id == caller.id, Upload.submission_id.is_(None))
        uploads = session.scalars(select(Upload).where(*chosen).order_by(Upload.since.desc())).all()
    return [_opened(store, upload) for upload in uploads]


def touch_upload(store: Store, upload_id: str) -> None:
    """Notes that an upload goes on."""
    with store.writing() as session:
        session.get_one(Upload, upload_id).touched = store.now()


def drop_upload(store: Store, upload: OpenUpload) -> None:
    """Throws an open upload away; one that is finished stays what it is."""
    with store.alone(upload.id):
        with store.writing() as session:
            found = session.get(Upload, upload.id)
            if found is None or found.submission_id is not None:
                return
            session.delete(found)
        shutil.rmtree(folder_of(store, upload.id), ignore_errors=True)


def drop_idle(store: Store, limits: UploadLimits) -> int:
    """Throws away what nobody goes on with, and folders that a killed process left; returns how many uploads."""
    with store.writing() as session:
        old = Upload.touched < store.now() - limits.idle_seconds
        idle = session.scalars(select(Upload).where(old)).all()
        for upload in idle:
            session.delete(upload)
        kept = set(session.scalars(select(Upload.id).where(Upload.submission_id.is_(None))))
        root = store.path / UPLOADS
        # Inside the transaction: nobody begins an upload meanwhile.
        for folder in root.iterdir() if root.is_dir() else ():
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)
    return len(idle)


def folder_of(store: Store, upload_id: str) -> Path:
    """Returns where an upload's files lie, each under its number."""
    return store.path / UPLOADS / upload_id


def _opened(store: Store, upload: Upload) -> OpenUpload:
    folder = folder_of(store, upload.id)
    files = tuple(Arriving(Announced(**item), folder / str(number)) for number, item in enumerate(upload.files))
    return OpenUpload(upload.id, files, upload.submission_id)


def _check_user(session: Session, caller: Caller, limits: UploadLimits, *, now: float) -> None:
    mine = Upload.user_id == caller.id
    if count(session, mine, Upload.submission_id.is_(None)) >= limits.open_uploads:
        text = f"you have {limits.open_uploads} uploads open: finish or delete one of them (GET /api/uploads)"
        raise RefusalError(409, text)
    if count(session, Submission.user_id == caller.id, Submission.state.in_(WAITING)) >= limits.waiting:
        text = f"{limits.waiting} of your submissions wait to be scored: send more when they are"
        raise RefusalError(429, text, after_s=_BUSY_S)
    recent = (Submission.user_id == caller.id, Submission.since > now - _DAY_S)
    if count(session, *recent) >= limits.per_day:
        first = session.scalar(select(func.min(Submission.since)).where(*recent)) or now
        text = f"{limits.per_day} submissions of yours in 24 hours are the most that is taken"
        raise RefusalError(429, text, after_s=first + _DAY_S - now)


def _check_room(store: Store, session: Session, total: int, limits: UploadLimits) -> None:
    promised = session.scalar(select(func.sum(Upload.num_bytes)).where(Upload.submission_id.is_(None))) or 0
    if shutil.disk_usage(store.path).free < limits.spare_bytes + promised + total:
        raise RefusalError(507, "no room for it on the service's disk: its maintainers have to make some")
