"""Faults that a Hub for tests makes on demand: what networks and servers do to a client sooner or later."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from molmix_bench.devhub.store import HubStore

_OK = 200


class FaultKind(StrEnum):
    """What goes wrong with a request."""

    REFUSE = "refuse"
    """Answered with an error, and not carried out: 429, 503, 412, 403."""
    LOSE = "lose"
    """Carried out, but answered with an error: the 504 of a proxy that lost patience."""
    CUT = "cut"
    """Not carried out; the connection breaks in the middle of the answer."""
    CUT_AFTER = "cut_after"
    """Carried out; the connection breaks in the middle of the answer."""
    CORRUPT_DOWNLOAD = "corrupt_download"
    """One byte of the answer is another one; its length is right."""
    CORRUPT_UPLOAD = "corrupt_upload"
    """One byte of an uploaded object is another one once it lies on the server."""
    SLOW = "slow"
    """Answered after a while."""
    NO_RANGE = "no_range"
    """Range is ignored: the whole file comes."""
    CALL = "call"
    """A function is called, and the request then carried out."""


@dataclass(slots=True)
class Fault:
    """One fault.

    Attributes:
        kind: what goes wrong.
        pattern: a regular expression that is searched in `METHOD /path?query` of each request.
        skip: so many matching requests go well first.
        times: how many requests are hit; a negative number hits all.
        status: of the answer of REFUSE and LOSE.
        headers: of the answer of REFUSE, such as Retry-After.
        seconds: of SLOW.
        call: of CALL.
        hits: the requests that were hit.
    """

    kind: FaultKind
    pattern: str = ""
    skip: int = 0
    times: int = 1
    status: int = 503
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    call: Callable[[], object] | None = None
    hits: list[str] = field(default_factory=list)

    def strikes(self, request: str) -> bool:
        """Whether this request is hit; counts."""
        if self.times == 0 or not re.search(self.pattern, request):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        self.hits.append(request)
        return True


class BrokenConnectionError(Exception):
    """Makes the server hang up on an answer that is not complete."""


class FaultyHub:
    """An application around the Hub's that lets faults happen and keeps a journal.

    Args:
        app: the Hub.
        store: its repositories.
        faults: what is to go wrong; the first that strikes counts. Append to it at any time.
    """

    def __init__(self, app: ASGIApp, store: HubStore, faults: list[Fault]) -> None:
        self.app = app
        self.store = store
        self.faults = faults
        self.journal: list[tuple[str, int]] = []
        """Request and status of every answer that went out whole."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, well or not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        query = scope["query_string"].decode("ascii")
        request = f"{scope['method']} {scope['raw_path'].decode('ascii')}" + (f"?{query}" if query else "")
        fault = next((item for item in self.faults if item.strikes(request)), None)
        answer = _Answer(send, lambda status: self.journal.append((request, status)))
        if fault is None:
            await self.app(scope, receive, answer.hold)
        else:
            await self._misbehave(fault, scope, receive, answer)

    async def _misbehave(self, fault: Fault, scope: Scope, receive: Receive, answer: _Answer) -> None:
        if fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
        elif fault.kind is FaultKind.CALL and fault.call is not None:
            fault.call()
        elif fault.kind is FaultKind.NO_RANGE:
            scope = {**scope, "headers": [item for item in scope["headers"] if item[0] != b"range"]}
        if fault.kind not in (FaultKind.REFUSE, FaultKind.CUT):
            await self.app(scope, receive, answer.way_of(fault.kind))
        if fault.kind in (FaultKind.REFUSE, FaultKind.LOSE):
            await answer.refuse(fault.status, fault.headers)
        elif fault.kind in (FaultKind.CUT, FaultKind.CUT_AFTER):
            await answer.cut()
        elif fault.kind is FaultKind.CORRUPT_UPLOAD and answer.status == _OK:
            flip_byte(self._uploaded(scope))

    def _uploaded(self, scope: Scope) -> Path:
        """Returns the file of the object that a request has uploaded."""
        pieces: list[str] = scope["raw_path"].decode("ascii").split("/")
        _, _, kind, namespace, name, oid, _ = pieces
        folder = self.store.path / "repos" / kind / namespace / name
        return folder / "lfs" / oid


class _Answer:
    """The answer to one request, on its way out."""

    def __init__(self, send: Send, note: Callable[[int], object]) -> None:
        self._send = send
        self._note = note
        self._corrupted = False
        self.status = 0

    def way_of(self, kind: FaultKind) -> Send:
        """Returns where the messages of a request go that is carried out."""
        if kind in (FaultKind.LOSE, FaultKind.CUT_AFTER):
            return self.drop
        return self.corrupt if kind is FaultKind.CORRUPT_DOWNLOAD else self.hold

    async def hold(self, message: Message) -> None:
        """Hands a message on, and notes the status with the last one."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif not message.get("more_body"):
            self._note(self.status)
        await self._send(message)

    async def drop(self, message: Message) -> None:
        """Loses a message."""

    async def corrupt(self, message: Message) -> None:
        """Hands a message on, with one byte of the first body changed."""
        body = message.get("body", b"")
        if body and not self._corrupted:
            self._corrupted = True
            middle = len(body) // 2
            message = {**message, "body": body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]}
        await self.hold(message)

    async def refuse(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        """Answers with an error."""
        raw = [(key.lower().encode("ascii"), value.encode("ascii")) for key, value in headers]
        await self.hold({"type": "http.response.start", "status": status, "headers": [*raw, (b"content-length", b"0")]})
        await self.hold({"type": "http.response.body", "body": b""})

    async def cut(self) -> None:
        """Begins an answer and hangs up."""
        await self._send({"type": "http.response.start", "status": _OK, "headers": [(b"content-length", b"1000")]})
        await self._send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise BrokenConnectionError


def flip_byte(path: Path, position: int | None = None) -> None:
    """Changes one bit of a file in place; in the middle where no position is given."""
    with path.open("r+b") as stream:
        position = path.stat().st_size // 2 if position is None else position
        stream.seek(position)
        byte = stream.read(1)
        stream.seek(position)
        stream.write(bytes([byte[0] ^ 1]))
