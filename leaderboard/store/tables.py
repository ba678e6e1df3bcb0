"""Tables of the database; times are seconds since 1970, in UTC."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from leaderboard.entries import Verification


class State(StrEnum):
    """Where a submission stands."""

    QUEUED = "queued"
    CHECKING = "checking"
    SCORING = "scoring"
    ACCEPTED = "accepted"
    """Scored; on the board."""
    REFUSED = "refused"
    """By the check, with its problems."""
    FAILED = "failed"
    """By no fault of the submission's: sent again, it is tried again."""
    REMOVED = "removed"
    """By a maintainer, after it was accepted."""


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    """Under a lease; when that has run out, it is as good as queued."""
    DONE = "done"


class Base(DeclarativeBase):
    """Of all tables."""


class Fact(Base):
    """A value that there is one of."""

    __tablename__ = "facts"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class KnownMix(Base):
    """A mix that submissions are scored against; without any, those of the catalog are."""

    __tablename__ = "mixes"
    name: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[str]
    """A directory, or a name as `resolve.load` takes it."""
    build_key: Mapped[str]


class User(Base):
    """Someone who has a token."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("origin", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    origin: Mapped[str]
    """`hub` or `local`: equal names of both are two users."""
    name: Mapped[str]
    since: Mapped[float]


class Token(Base):
    """A token of a local user; only its hash is kept."""

    __tablename__ = "tokens"
    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    since: Mapped[float]


class Upload(Base):
    """Files on their way; those that are here lie in the folder of its id."""

    __tablename__ = "uploads"
    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    since: Mapped[float]
    touched: Mapped[float]
    num_bytes: Mapped[int]
    """Of all its files, as announced."""
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """Each with path, num_bytes and, where it was said, sha256."""
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"), default=None)
    """What has become of it; none while it is open."""


class Submission(Base):
    """What was sent, and its ticket; the same files of the same user are the same submission."""

    __tablename__ = "submissions"
    __table_args__ = (UniqueConstraint("user_id", "digest"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    ticket: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    digest: Mapped[str]
    """Of all its files' paths and hashes."""
    since: Mapped[float]
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """Each with path, num_bytes and sha256, its name in the archive."""
    state: Mapped[State] = mapped_column(default=State.QUEUED, index=True)
    problems: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    mix: Mapped[str | None] = mapped_column(default=None)
    name: Mapped[str | None] = mapped_column(unique=True, default=None)
    """Of its row, public; none before it is accepted, and kept when it is removed."""
    model: Mapped[str | None] = mapped_column(default=None)
    """Name and version, for the log."""
    verification: Mapped[Verification] = mapped_column(default=Verification.SCORED)


class Kept(Base):
    """A file of the archive that a submission needs; one that none needs goes."""

    __tablename__ = "kept"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True, index=True)


class Job(Base):
    """A submission to be scored under a protocol."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("submission_id", "protocol"),
        Index("ix_jobs_turn", "state", "turn"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    protocol: Mapped[str]
    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    """Begun."""
    turn: Mapped[float]
    """Jobs are begun in this order: the time at which it was queued, and a lease more for each time it was begun."""
    owner: Mapped[str | None] = mapped_column(default=None)
    """Of the lease."""
    until: Mapped[float] = mapped_column(default=0.0)
    """The end of the lease, or the time before which a job is not tried again."""


class Score(Base):
    """What came of scoring, once for each submission and protocol."""

    __tablename__ = "scores"
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    protocol: Mapped[str] = mapped_column(primary_key=True)
    build_key: Mapped[str]
    """Of the labels."""
    content: Mapped[str]
    """The name in the archive of what `results.pack` made."""
    at: Mapped[float]


class Event(Base):
    """A line of the public log."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float]
    action: Mapped[str]
    mix: Mapped[str]
    text: Mapped[str]
    entry: Mapped[str | None] = mapped_column(default=None)
    model: Mapped[str | None] = mapped_column(default=None)
    moves: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
