"""Routes that everyone may read: mixes, boards, submissions, the log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from leaderboard.boards import Board
from leaderboard.entries import Verification
from leaderboard.service.current import Current
from leaderboard.service.record import PUBLIC, Record, Refusal
from leaderboard.service.rows import BoardRow
from leaderboard.service.snapshot import Snapshot
from leaderboard.site.records import Action, Move
from leaderboard.store.queue import waiting
from leaderboard.store.refusals import RefusalError
from molmix_bench import __version__
from molmix_bench.vocab import Split

router = APIRouter(tags=["board"], responses=PUBLIC)
_MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Refusal, "description": "There is no such thing."}}
Limit = Annotated[int, Query(ge=1, le=1_000)]
Offset = Annotated[int, Query(ge=0)]
Text = Annotated[str | None, Query(max_length=200)]


class MixRecord(Record):
    """A mix that there is a board of."""

    mix: str
    version: str
    build_key: str
    num_submissions: int
    datasets: list[str]


class Mixes(Record):
    """All boards."""

    protocol: str
    mixes: list[MixRecord]


class BoardQuery(Record):
    """Which rows of a board are asked for."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    dataset: str | None = Field(None, max_length=200)
    split: Split | None = None
    metric: str | None = Field(None, max_length=200)
    verification: Verification | None = None
    model: str | None = Field(None, max_length=200)
    """A part of its name."""
    limit: int = Field(100, ge=1, le=1_000)
    offset: int = Field(0, ge=0)

    def fits(self, row: BoardRow) -> bool:
        """Whether a row is asked for."""
        wanted = (
            (self.dataset, row.dataset),
            (self.split, row.split),
            (self.metric, row.metric),
            (self.verification, row.verification),
        )
        is_named = self.model is None or self.model.lower() in row.model.lower()
        return is_named and all(value in (None, found) for value, found in wanted)


class Rows(Record):
    """A part of a board's rows."""

    mix: str
    total: int
    """Of those that were asked for."""
    rows: list[BoardRow]


class HashRecord(Record):
    """A prediction file."""

    path: str
    sha256: str
    num_bytes: int


class SubmissionRecord(Record):
    """A submission on the board."""

    name: str
    mix: str
    build_key: str
    protocol: str
    verification: Verification
    user: str | None
    submitted: datetime | None
    stated: dict[str, Any]
    """`submission.yaml`, but how to reach its authors."""
    files: list[HashRecord]


class LogLine(Record):
    """What was done."""

    at: datetime
    action: Action
    mix: str
    entry: str | None
    model: str | None
    text: str
    moves: list[Move]


class Log(Record):
    """A part of the log, the newest first."""

    total: int
    records: list[LogLine]


class Health(Record):
    """How the service is."""

    status: str
    version: str
    queued: int
    running: int
    board_version: int


@router.get("/api/mixes")
def mixes(request: Request) -> Mixes:
    """Lists the boards."""
    snapshot = _snapshot(request)
    records = [
        MixRecord(
            mix=name,
            version=board.mix.version,
            build_key=board.mix.manifest.build_key,
            num_submissions=len(board.entries),
            datasets=list(board.mix.datasets),
        )
        for name, board in snapshot.boards.items()
    ]
    return Mixes(protocol=snapshot.protocol, mixes=records)


@router.get("/api/boards/{mix}", responses=_MISSING)
def board(mix: str, asked: Annotated[BoardQuery, Query()], request: Request) -> Rows:
    """Lists the rows of a board, by dataset, split, metric and rank."""
    rows = [row for row in _snapshot(request).rows(_board(request, mix)) if asked.fits(row)]
    return Rows(mix=mix, total=len(rows), rows=rows[asked.offset : asked.offset + asked.limit])


@router.get("/api/submissions/{name}", responses=_MISSING)
def submission(name: str, request: Request) -> SubmissionRecord:
    """Returns what a submission states, and what was scored."""
    snapshot = _snapshot(request)
    entry = snapshot.entries.get(name)
    if entry is None:
        raise RefusalError(404, "no such submission on the board: GET /api/boards/MIX lists those that are")
    # How to reach the submitters is for maintainers.
    stated = entry.submission.spec.model_dump(mode="json", exclude={"contact"})
    files = [
        HashRecord(path=file.path, sha256=file.sha256, num_bytes=file.num_bytes) for file in entry.submission.files
    ]
    return SubmissionRecord(
        name=entry.name,
        mix=entry.mix.name,
        build_key=entry.mix.manifest.build_key,
        protocol=snapshot.protocol,
        verification=entry.verification,
        user=entry.user,
        submitted=entry.submitted,
        stated=stated,
        files=files,
    )


@router.get("/api/submissions/{name}/scores.csv", response_class=Response, responses=_MISSING)
def scores(name: str, request: Request) -> Response:
    """Returns everything that was scored, as CSV."""
    entry = _snapshot(request).entries.get(name)
    if entry is None:
        raise RefusalError(404, "no such submission on the board: GET /api/boards/MIX lists those that are")
    # Its name is one of ours, of plain letters.
    headers = {"Content-Disposition": f'attachment; filename="{entry.name}.csv"'}
    return Response(entry.submission.table.table.write_csv(), media_type="text/csv", headers=headers)


@router.get("/api/log")
def log(
    request: Request, mix: Text = None, action: Action | None = None, limit: Limit = 100, offset: Offset = 0
) -> Log:
    """Lists what was done: submissions scored, removed and marked, and every rescore with what it moved."""
    records = [
        record for record in _snapshot(request).log if mix in (None, record.mix) and action in (None, record.action)
    ]
    lines = [
        LogLine(
            at=record.at,
            action=record.action,
            mix=record.mix,
            entry=record.entry,
            model=record.model,
            text=record.text,
            moves=list(record.moves),
        )
        for record in records[offset : offset + limit]
    ]
    return Log(total=len(records), records=lines)


@router.get("/health", responses={503: {"model": Health}})
async def health(request: Request) -> JSONResponse:
    """Says whether the store can be read, and how long the queue is."""
    store = request.app.state.store
    is_whole = await run_in_threadpool(store.is_whole)
    jobs = await run_in_threadpool(_jobs, store) if is_whole else {"queued": 0, "running": 0}
    found = Health(
        status="good" if is_whole else "the store cannot be read",
        version=__version__,
        board_version=_snapshot(request).version,
        **jobs,
    )
    return JSONResponse(found.model_dump(), status_code=200 if is_whole else 503)


def _jobs(store: Any) -> dict[str, int]:
    with store.reading() as session:
        return waiting(session)


def _board(request: Request, mix: str) -> Board:
    found = _snapshot(request).boards.get(mix)
    if found is None:
        raise RefusalError(404, "no board of such a mix: GET /api/mixes lists those that there are")
    return found


def _snapshot(request: Request) -> Snapshot:
    current: Current = request.app.state.current
    return current.snapshot
