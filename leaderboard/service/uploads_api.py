"""Routes of an upload: begun, sent in pieces, finished."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from leaderboard.service.identity import Known
from leaderboard.service.record import FOR_USERS, Record
from leaderboard.service.writers import Writers
from leaderboard.store.database import Store
from leaderboard.store.limits import UploadLimits
from leaderboard.store.paths import Announced
from leaderboard.store.refusals import RefusalError
from leaderboard.store.tickets import finish_upload
from leaderboard.store.uploads import (
    Arriving,
    OpenUpload,
    begin_upload,
    drop_upload,
    find_upload,
    open_uploads,
    touch_upload,
)

router = APIRouter(tags=["uploads"], responses=FOR_USERS)


class NewFile(Record):
    """A file that is going to be sent."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    path: str = Field(
        max_length=600, description="Below the submission's folder: `predictions/qm9/test/seed=0.parquet`."
    )
    num_bytes: int = Field(ge=0)
    sha256: str | None = Field(None, description="Where it is given, what arrives must have it.")


class NewUpload(Record):
    """All files of a submission."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    files: list[NewFile] = Field(max_length=10_000)


class UploadFile(Record):
    """A file of an upload, and how much of it is here."""

    path: str
    num_bytes: int
    received: int
    sha256: str | None


class Uploading(Record):
    """An upload."""

    upload: str
    files: list[UploadFile]


class Uploads(Record):
    """The caller's open uploads, the newest first."""

    uploads: list[Uploading]


class Received(Record):
    """Bytes of a file that are here, which the next piece goes on from."""

    received: int


class Finished(Record):
    """The ticket of a submission: the same files again have the same."""

    ticket: str
    state: str


@router.post("/api/uploads", status_code=201)
def begin(new: NewUpload, request: Request, caller: Known) -> Uploading:
    """Begins an upload, for which all files are announced with their sizes."""
    files = [Announced(file.path, file.num_bytes, file.sha256) for file in new.files]
    return _uploading(begin_upload(_store(request), caller, files, _limits(request)))


@router.get("/api/uploads")
def list_open(request: Request, caller: Known) -> Uploads:
    """Lists the caller's open uploads, to go on with."""
    return Uploads(uploads=[_uploading(upload) for upload in open_uploads(_store(request), caller)])


@router.get("/api/uploads/{upload}")
def show(upload: str, request: Request, caller: Known) -> Uploading:
    """Says how much of each file is here."""
    return _uploading(find_upload(_store(request), caller, upload))


@router.put("/api/uploads/{upload}/files/{path:path}", responses={409: {"model": Received}})
async def send(
    upload: str, path: str, offset: Annotated[int, Query(ge=0)], request: Request, caller: Known
) -> Received:
    """Takes the next piece of a file, which begins at `offset`: 409 says where it would have to."""
    store, writers = _store(request), _writers(request)
    found = await run_in_threadpool(find_upload, store, caller, upload)
    number, file = found.file(path)
    if found.submission_id is not None:
        return Received(received=file.announced.num_bytes)
    async with writers.turn((upload, number), caller.id) as ousted:
        if offset != file.received:
            raise RefusalError(409, f"offset {offset:,}, but {file.received:,} bytes are here", received=file.received)
        await _append(request, file, ousted)
    await run_in_threadpool(touch_upload, store, upload)
    return Received(received=file.received)


@router.post("/api/uploads/{upload}/finish", status_code=202)
def finish(upload: str, request: Request, caller: Known) -> Finished:
    """Turns an upload that is whole into a submission, which waits for a worker."""
    ticket = finish_upload(_store(request), caller, upload)
    return Finished(ticket=ticket.ticket, state=ticket.state)


@router.delete("/api/uploads/{upload}", status_code=204)
def drop(upload: str, request: Request, caller: Known) -> Response:
    """Throws an open upload away."""
    drop_upload(_store(request), find_upload(_store(request), caller, upload))
    return Response(status_code=204)


async def _append(request: Request, file: Arriving, ousted: asyncio.Event) -> None:
    """Writes what comes to the end of a file; what has come stays, however the request ends."""
    room = file.announced.num_bytes - file.received
    begin = file.received
    if int(request.headers.get("content-length", 0)) > room:
        raise _too_much(file)
    file.place.parent.mkdir(parents=True, exist_ok=True)
    with file.place.open("ab", buffering=0) as stream:
        async for block in _until(request, file, ousted):
            if len(block) > room:
                stream.truncate(begin)
                raise _too_much(file)
            stream.write(block)
            room -= len(block)


async def _until(request: Request, file: Arriving, ousted: asyncio.Event) -> AsyncIterator[bytes]:
    """Yields the body's blocks until its end, or until it is another request's turn."""
    blocks = request.stream()
    other = asyncio.ensure_future(ousted.wait())
    try:
        while True:
            block = asyncio.ensure_future(anext(blocks))
            await asyncio.wait({block, other}, return_when=asyncio.FIRST_COMPLETED)
            if not block.done():
                block.cancel()
                await asyncio.wait({block})
                raise RefusalError(409, "another request goes on with this file", received=file.received)
            yield block.result()
    except (StopAsyncIteration, ClientDisconnect):
        # Nobody is there to hear of it.
        return
    finally:
        other.cancel()


def _too_much(file: Arriving) -> RefusalError:
    return RefusalError(413, f"more bytes of {file.announced.path!r} than the {file.announced.num_bytes:,} announced")


def _uploading(upload: OpenUpload) -> Uploading:
    is_done = upload.submission_id is not None
    files = [
        UploadFile(
            path=file.announced.path,
            num_bytes=file.announced.num_bytes,
            received=file.announced.num_bytes if is_done else file.received,
            sha256=file.announced.sha256,
        )
        for file in upload.files
    ]
    return Uploading(upload=upload.id, files=files)


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _limits(request: Request) -> UploadLimits:
    limits: UploadLimits = request.app.state.limits
    return limits


def _writers(request: Request) -> Writers:
    writers: Writers = request.app.state.writers
    return writers
