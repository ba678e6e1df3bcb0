"""What the log page tells: every removal, rescore and mark, and what moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """What was done."""

    ADDED = "added"
    """A submission was scored and stands on the board."""
    REMOVED = "removed"
    """It was taken off."""
    RESCORED = "rescored"
    """Stored predictions were scored again, under a protocol that is named."""
    MARKED = "marked"
    """A maintainer changed how far scores are verified."""


@dataclass(frozen=True, slots=True)
class Move:
    """How a model stood in one table before and after; null where it did not stand there."""

    entry: str
    """The submission's name."""
    model: str
    dataset: str
    split: str
    metric: str
    before: float | None
    after: float | None
    rank_before: int | None
    rank_after: int | None


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line of the log."""

    at: datetime
    """In UTC."""
    action: Action
    mix: str
    text: str
    """What was done and why, as the maintainer wrote it; plain text."""
    entry: str | None = None
    """The submission's name; none where the whole mix is meant."""
    model: str | None = None
    """Its name and version as they stood, since a removed one is nowhere else."""
    moves: tuple[Move, ...] = ()


def newest_first(records: Iterable[LogRecord]) -> tuple[LogRecord, ...]:
    """Returns records by their time, the newest first, whatever order they come in."""
    return tuple(
        sorted(records, key=lambda item: (item.at, item.mix, item.entry or "", item.action, item.text), reverse=True)
    )
