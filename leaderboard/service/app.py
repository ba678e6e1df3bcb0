"""The application: which route answers what, and how refusals look."""

from __future__ import annotations

import errno
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException as PlainHTTPException
from starlette.types import ASGIApp

from leaderboard.service import pages, public_api, tickets_api, uploads_api
from leaderboard.service.current import Current
from leaderboard.service.docs import docs_page
from leaderboard.service.guard import BodyLimit, Guard
from leaderboard.service.identity import Identity
from leaderboard.service.writers import Writers
from leaderboard.store.database import Store
from leaderboard.store.limits import UploadLimits
from leaderboard.store.refusals import RefusalError
from molmix_bench import __version__

_ABOUT = "Predictions in, ranks out: every score is computed here, from predictions. `/` is the board."
_NUM_SHOWN = 3
_NOT_FOUND = 404
_MISSING = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>No such page</title><link rel="stylesheet" href="/assets/colours.css">
<link rel="stylesheet" href="/assets/site.css"><main class="wrap"><h1>No such page</h1>
<p>It may have been a submission that was removed. <a href="/">The board</a> has all that there is.</p></main></html>
"""


def make_app(store: Store, *, hub: str | None, limits: UploadLimits | None = None) -> ASGIApp:
    """Returns the service as an ASGI application.

    Args:
        store: what it serves.
        hub: the address of the Hub that knows users' tokens; None where only local tokens are good.
        limits: on uploads.
    """
    limits = limits or UploadLimits()
    app = FastAPI(
        title="molmix-bench leaderboard",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.store, app.state.limits = store, limits
    app.state.identity, app.state.writers = Identity(store, hub), Writers()
    app.state.current = Current(store, limits)
    for module in (uploads_api, tickets_api, public_api):
        app.include_router(module.router)
    app.add_api_route("/docs", _docs, include_in_schema=False, response_class=HTMLResponse)
    app.include_router(pages.router)
    app.add_exception_handler(RefusalError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(PlainHTTPException, _plain)
    app.add_exception_handler(OperationalError, _busy)
    app.add_exception_handler(OSError, _full)
    app.add_exception_handler(Exception, _broken)
    return Guard(app, pieces=BodyLimit(limits.chunk_bytes, limits.chunk_seconds))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    current: Current = app.state.current
    current.start()
    yield
    current.stop()


def _docs(request: Request) -> HTMLResponse:
    """Returns the API to read."""
    return HTMLResponse(docs_page(request.app.openapi()))


def _problem(status: int, problem: str, *, after_s: float | None = None, **more: object) -> JSONResponse:
    headers = {} if after_s is None else {"Retry-After": str(max(1, math.ceil(after_s)))}
    if status == 401:  # noqa: PLR2004  # HTTP says that it names a way in
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"problem": problem, **more}, status_code=status, headers=headers)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusalError)  # noqa: S101  # for the type checker
    is_read = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")
    if error.status == _NOT_FOUND and is_read:
        return HTMLResponse(_MISSING, status_code=error.status)
    return _problem(error.status, error.problem, after_s=error.after_s, **error.more)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # for the type checker
    # What was sent is not repeated: it may be long, or meant for nobody's log.
    found = error.errors()
    shown = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"[:300] for item in found[:_NUM_SHOWN]]
    rest = f"; and {len(found) - _NUM_SHOWN} more" if len(found) > _NUM_SHOWN else ""
    return _problem(422, f"{'; '.join(shown)}{rest}: /docs says what is expected")


async def _plain(_: Request, error: Exception) -> Response:
    assert isinstance(error, PlainHTTPException)  # noqa: S101  # for the type checker
    answer = _problem(error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _busy(_: Request, __: Exception) -> Response:
    return _problem(503, "the store is busy: try again", after_s=2)


async def _full(_: Request, error: Exception) -> Response:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _problem(507, "no room on the service's disk: its maintainers have to make some")
    raise error


async def _broken(_: Request, __: Exception) -> Response:
    return _problem(500, "something is wrong here, and is in the maintainers' log; try again later")
