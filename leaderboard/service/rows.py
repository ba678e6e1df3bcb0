"""Rows of a board as plain records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from leaderboard.boards import Board, MetricTable, Section
from leaderboard.entries import Verification
from leaderboard.service.record import Record
from leaderboard.site.jinja import is_open
from molmix_bench.vocab import Split


class BoardRow(Record):
    """A model in one table: a dataset and split, by one metric."""

    dataset: str
    split: Split
    metric: str
    direction: str
    rank: int | None
    tied: bool
    name: str
    """Of the submission."""
    model: str
    version: str
    value: float | None
    """Mean over seeds of the mean over tasks."""
    std: float | None
    ci_low: float | None
    ci_high: float | None
    reliable: float | None
    """The same over tasks with labels enough."""
    num_seeds: int
    verification: Verification
    parameters: int
    has_external_data: bool
    has_open_weights: bool
    user: str | None
    submitted: datetime | None


def board_rows(board: Board) -> list[BoardRow]:
    """Returns the rows of all tables of a board, in their order."""
    return [row for section in board.sections for table in section.tables for row in _rows(section, table)]


def _rows(section: Section, table: MetricTable) -> Iterator[BoardRow]:
    for row in table.rows:
        spec = row.entry.submission.spec
        yield BoardRow(
            dataset=section.dataset.name,
            split=section.split,
            metric=table.metric.name,
            direction=table.metric.direction,
            rank=row.rank,
            tied=row.tied,
            name=row.entry.name,
            model=spec.model,
            version=spec.version,
            value=row.macro.mean,
            std=row.macro.std,
            ci_low=row.macro.low,
            ci_high=row.macro.high,
            reliable=row.reliable.mean,
            num_seeds=row.num_seeds,
            verification=row.entry.verification,
            parameters=spec.parameters,
            has_external_data=bool(spec.training_data.external_data),
            has_open_weights=is_open(spec),
            user=row.entry.user,
            submitted=row.entry.submitted,
        )
