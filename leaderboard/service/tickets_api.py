"""Routes of a ticket: for its own user alone."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from leaderboard.service.current import Current
from leaderboard.service.identity import Known
from leaderboard.service.record import FOR_USERS, Record
from leaderboard.service.snapshot import Snapshot
from leaderboard.site.views import entry_path
from leaderboard.store.tables import State
from leaderboard.store.tickets import Ticket, find_ticket, tickets_of

router = APIRouter(tags=["tickets"], responses=FOR_USERS)
_BOARD_S = 15.0
"""So long the verdict of a submission waits for the board to show it."""


class ProblemRecord(Record):
    """One thing that is wrong with a submission."""

    where: str
    found: str
    expected: str
    fix: str


class TicketRecord(Record):
    """A submission as its user sees it."""

    ticket: str
    state: State
    submitted: datetime
    mix: str | None
    name: str | None
    """Of its row."""
    page: str | None
    """Below the site's root; none where it has no row."""
    problems: list[ProblemRecord]
    ahead: int
    """Submissions that are scored before it."""


class Tickets(Record):
    """The caller's tickets, the newest first."""

    tickets: list[TicketRecord]


@router.get("/api/tickets")
def list_tickets(request: Request, caller: Known) -> Tickets:
    """Lists the caller's tickets, the newest first."""
    snapshot = _current(request).snapshot
    return Tickets(tickets=[_record(ticket, snapshot) for ticket in tickets_of(request.app.state.store, caller)])


@router.get("/api/tickets/{ticket}")
async def show_ticket(ticket: str, request: Request, caller: Known) -> TicketRecord:
    """Says where a submission stands, and everything that the check found wrong with it."""
    current = _current(request)
    found = await run_in_threadpool(find_ticket, request.app.state.store, caller, ticket)
    snapshot = current.snapshot
    if found.state is State.ACCEPTED and found.name not in snapshot.entries:
        snapshot = await current.caught_up(seconds=_BOARD_S)
    return _record(found, snapshot)


def _record(ticket: Ticket, snapshot: Snapshot) -> TicketRecord:
    entry = snapshot.entries.get(ticket.name or "") if ticket.state is State.ACCEPTED else None
    return TicketRecord(
        ticket=ticket.ticket,
        state=ticket.state,
        submitted=datetime.fromtimestamp(ticket.since, UTC),
        mix=ticket.mix,
        name=ticket.name,
        page=f"{entry_path(entry.mix.name, entry.name)}/index.html" if entry else None,
        problems=[ProblemRecord(**asdict(problem)) for problem in ticket.problems],
        ahead=ticket.ahead,
    )


def _current(request: Request) -> Current:
    current: Current = request.app.state.current
    return current
