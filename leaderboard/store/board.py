"""What the store knows, as the board shows it. The same store gives the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import select

from leaderboard.entries import Entry
from leaderboard.mixes import Mixes
from leaderboard.site.records import Action, LogRecord, Move
from leaderboard.store.database import Store
from leaderboard.store.known import mixes_of
from leaderboard.store.results import PackedScores
from leaderboard.store.tables import Event, Score, State, Submission, User
from leaderboard.store.users import public_name
from molmix_bench.talk import say


def entries_of(data: Path) -> list[Entry]:
    """Returns the rows of a store's board, by mix and name.

    Args:
        data: the store's folder.

    Raises:
        UsageError: it holds no store.
        MolmixError: a mix cannot be loaded.
    """
    store = Store(data)
    try:
        return read_rows(store, mixes_of(store))
    finally:
        store.close()


def read_rows(store: Store, mixes: Mixes, *, protocol: str | None = None) -> list[Entry]:
    """Returns the rows of a board: of accepted submissions, the scores under the protocol that is on it.

    Args:
        store: the store.
        mixes: `mixes_of` it.
        protocol: another than the one that is on the board.
    """
    shown = protocol or store.protocol()
    with store.reading() as session:
        rows = session.execute(
            select(Submission, Score, User)
            .join(Score, Score.submission_id == Submission.id)
            .join(User, User.id == Submission.user_id)
            .where(Submission.state == State.ACCEPTED, Score.protocol == shown)
            .order_by(Submission.mix, Submission.name)
        ).all()
    entries = []
    for submission, score, user in rows:
        mix = mixes.get(submission.mix)
        if mix is None or mix.manifest.build_key != score.build_key:
            say(f"{submission.name}: scored against another build of {submission.mix}: left out until a `rescore`")
            continue
        packed = PackedScores(partial(store.archive.read, score.content))
        at = datetime.fromtimestamp(submission.since, UTC)
        entries.append(Entry(str(submission.name), mix, packed, submission.verification, at, public_name(user)))
    return entries


def log_of(store: Store) -> tuple[LogRecord, ...]:
    """Returns the public log, the oldest first."""
    with store.reading() as session:
        events: Sequence[Event] = session.scalars(select(Event).order_by(Event.id)).all()
    return tuple(
        LogRecord(
            at=datetime.fromtimestamp(event.at, UTC),
            action=Action(event.action),
            mix=event.mix,
            text=event.text,
            entry=event.entry,
            model=event.model,
            moves=tuple(Move(**move) for move in event.moves),
        )
        for event in events
    )
