"""The board's pages over HTTP."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from leaderboard.service.current import Current
from leaderboard.service.snapshot import Page, Snapshot
from leaderboard.store.refusals import RefusalError

router = APIRouter(include_in_schema=False)
_NEW_S = 10.0
"""So long a page is waited for that the next snapshot may have."""


@router.api_route("/{path:path}", methods=["GET", "HEAD"])
async def show(path: str, request: Request) -> Response:
    """Returns a page or file of the site."""
    current: Current = request.app.state.current
    snapshot = current.snapshot
    found = _resolve(path, snapshot)
    if found is None:
        snapshot = await current.caught_up(seconds=_NEW_S)
        found = _resolve(path, snapshot)
    if found is None:
        raise RefusalError(404, "no such page: / is the board's first")
    if path and found == f"{path}/index.html":
        # Its links go on from a folder. By the last part alone, so that no address can lead to another host.
        return RedirectResponse(f"{path.rpartition('/')[2]}/", status_code=308)
    page = snapshot.cached(found)
    if page is None:
        page = await run_in_threadpool(snapshot.page, found)
    return _answer(page, request)


def _resolve(path: str, snapshot: Snapshot) -> str | None:
    wanted = f"{path}index.html" if not path or path.endswith("/") else path
    return next((name for name in (wanted, f"{path}/index.html") if snapshot.has(name)), None)


def _answer(page: Page, request: Request) -> Response:
    headers = {"ETag": page.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    known = request.headers.get("if-none-match", "")
    if page.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    content = page.content
    if page.packed is not None and _takes_gzip(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
        content = page.packed
    return Response(content, media_type=page.media_type, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether a browser says that it takes gzip.

    >>> _takes_gzip("br, gzip;q=0.8"), _takes_gzip("gzip;q=0"), _takes_gzip("")
    (True, False, False)
    """
    named = dict(part.strip().partition(";")[::2] for part in accepted.lower().split(","))
    return named.get("gzip", "q=0").replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
