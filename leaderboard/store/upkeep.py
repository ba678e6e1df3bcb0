"""What maintainers do to rows, each a line of the public log."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.entries import Verification
from leaderboard.site.records import Action
from leaderboard.store.database import Store, changed
from leaderboard.store.tables import Event, State, Submission
from molmix_bench.errors import UsageError

MAX_WHY = 1_000
MARKS = (Verification.SCORED, Verification.REPRODUCED, Verification.BLIND)
"""What a row with predictions can be."""


def remove_row(store: Store, name: str, *, why: str) -> None:
    """Takes a submission off the board; its predictions stay in the archive.

    Raises:
        UsageError: there is no such row, or no reason.
    """
    check_why(why)
    with store.writing() as session:
        submission = _row(session, name)
        submission.state = State.REMOVED
        session.add(event_of(submission, Action.REMOVED, why, at=store.now()))
        changed(session)


def mark_row(store: Store, name: str, verification: Verification, *, why: str) -> None:
    """Notes how far the scores of a row are verified.

    Raises:
        UsageError: there is no such row, no reason, or a row cannot be that.
    """
    check_why(why)
    if verification not in MARKS:
        raise UsageError("MARK", found=str(verification), expected=", ".join(MARKS))
    with store.writing() as session:
        submission = _row(session, name)
        before, submission.verification = submission.verification, verification
        text = f"{verification}, before {before}: {why}"
        session.add(event_of(submission, Action.MARKED, text, at=store.now()))
        changed(session)


def event_of(submission: Submission, action: Action, text: str, *, at: float) -> Event:
    """Returns a line of the log about a submission."""
    return Event(
        at=at,
        action=str(action),
        mix=str(submission.mix),
        text=text,
        entry=submission.name,
        model=submission.model,
    )


def check_why(why: str) -> None:
    """Refuses a reason that is none.

    Raises:
        UsageError: it is.
    """
    if not why.strip() or len(why) > MAX_WHY or not why.isprintable():
        expected = f"a sentence of at most {MAX_WHY} characters on one line: everyone reads it in the log"
        raise UsageError("--why", found=f"{why!r:.80}", expected=expected)


def _row(session: Session, name: str) -> Submission:
    submission = session.scalar(select(Submission).where(Submission.name == name, Submission.state == State.ACCEPTED))
    if submission is None:
        fix = "GET /api/boards/MIX lists the names; a row that is removed already is in the log"
        raise UsageError("NAME", found=f"no row {name!r:.120} on the board", expected="one that is", fix=fix)
    return submission
