"""What holds for every request: how long and how large it may be, and what its answer says to a browser."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leaderboard.site.assets import POLICY
from molmix_bench.talk import say

MAX_BODY_BYTES = 1 << 20
"""Of anything but a piece of a file."""
BODY_SECONDS = 20.0
_DRAIN_SECONDS = 3.0
_API = ("/api/", "/health", "/openapi.json")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_PAGE_POLICY = f"{POLICY}; frame-ancestors 'none'"
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Of one request."""

    num_bytes: int = MAX_BODY_BYTES
    seconds: float = BODY_SECONDS
    """From the first byte of the body that is waited for to the last."""


class BodyError(HTTPException):
    """A body that is too large or too slow; the connection ends with the answer."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(status, problem, headers={"Connection": "close"})


class Guard:
    """Puts limits on bodies and headers on answers.

    Args:
        app: what answers.
        pieces: the limit of `PUT`, which is a piece of a file.
    """

    def __init__(self, app: ASGIApp, *, pieces: BodyLimit) -> None:
        self._app = app
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        body = _Body(scope, receive, self._pieces if scope["method"] == "PUT" else BodyLimit())

        async def _send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = _headers(scope["path"])
                if not await body.drained():
                    more = [*more, (b"connection", b"close")]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        await self._app(scope, body.receive, _send)
        if scope["method"] not in ("GET", "HEAD"):
            # The route and not the address, and no header: whatever a caller wrote into them is not ours to keep.
            route = getattr(scope.get("route"), "path", "-")
            say(f"{scope['method']} {route}: {status} after {time.monotonic() - began:.2f} s")


class _Body:
    """The body of a request, given up where it is over its limit."""

    def __init__(self, scope: Scope, receive: Receive, limit: BodyLimit) -> None:
        self._receive, self._limit = receive, limit
        self._size, self._end = 0, 0.0
        names = {name for name, _ in scope["headers"]}
        self._is_whole = not names & {b"content-length", b"transfer-encoding"}

    async def receive(self) -> Message:
        """Returns the next message, as ASGI's `receive`."""
        if self._is_whole:
            # Only the end of the connection is left to be told of, which is never late.
            return await self._receive()
        self._end = self._end or time.monotonic() + self._limit.seconds
        try:
            async with asyncio.timeout(max(0.0, self._end - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            problem = f"the body did not arrive within {self._limit.seconds:g} s: send it in smaller pieces"
            raise BodyError(408, problem) from None
        self._is_whole = not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        if self._size > self._limit.num_bytes:
            raise BodyError(413, f"a body of over {self._limit.num_bytes:,} bytes: send it in smaller pieces")
        return message

    async def drained(self) -> bool:
        """Whether all of the body was read: one who is refused while sending hears of it only after the last byte."""
        self._end = min(self._end or math.inf, time.monotonic() + _DRAIN_SECONDS)
        try:
            while not self._is_whole:
                await self.receive()
        except BodyError:
            return False
        return True


def _headers(path: str) -> list[tuple[bytes, bytes]]:
    policy = _DATA_POLICY if path.startswith(_API) else _PAGE_POLICY
    pairs = (*_HEADERS.items(), ("Content-Security-Policy", policy))
    return [(name.lower().encode(), value.encode()) for name, value in pairs]
