"""The application: which function answers which address, and how refusals look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from molmix_bench.devhub import commits_api, discussions, large_files, repos_api
from molmix_bench.devhub.names import Kind, RefusalError
from molmix_bench.devhub.resolve_file import resolve
from molmix_bench.devhub.store import HubStore

PAGE_SIZE = 1000
PART_BYTES = 64 << 20

Endpoint = Callable[[Request], Awaitable[Response]]


class _KindConvertor(Convertor[str]):
    """The piece of an address that says which kind of repository is meant."""

    regex = "|".join(kind.plural for kind in Kind)

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class RawPath:
    """Hands on the address as it was sent: `refs%2Fpr%2F1` is one piece of it, not three."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http":
            scope = {**scope, "path": scope["raw_path"].decode("ascii")}
        await self.app(scope, receive, send)


def make_app(store: HubStore, *, page_size: int = PAGE_SIZE, part_bytes: int = PART_BYTES) -> Starlette:
    """Returns the Hub as an ASGI application.

    Args:
        store: the repositories.
        page_size: entries of one answer of a tree or a history.
        part_bytes: larger objects are uploaded in parts of this size.
    """
    register_url_convertor("kind", _KindConvertor())
    app = Starlette(
        routes=_routes(),
        exception_handlers={RefusalError: _refuse},
        middleware=[
            # A page of the web must not reach this Hub by a name that it points at loopback.
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            Middleware(RawPath),
        ],
    )
    app.state.store = store
    app.state.page_size = page_size
    app.state.part_bytes = part_bytes
    return app


def _refuse(_: Request, error: Exception) -> Response:
    if not isinstance(error, RefusalError):
        raise error
    # A header is one line of Latin-1.
    message = " ".join(error.message.split()).encode("ascii", "replace").decode("ascii")
    headers = {"X-Error-Message": message} | ({"X-Error-Code": error.code} if error.code else {})
    return JSONResponse({"error": error.message}, status_code=error.status, headers=headers)


def _routes() -> list[Route]:
    repo = "/api/{kind:kind}/{namespace}/{name}"
    return [
        _route("GET /api/whoami-v2", repos_api.whoami),
        _route("POST /api/repos/create", repos_api.create_repo),
        _route("DELETE /api/repos/delete", repos_api.delete_repo),
        _route("POST /api/validate-yaml", commits_api.validate_yaml),
        _route("GET /api/{kind:kind}", repos_api.list_repos),
        _route(f"GET {repo}", repos_api.repo_info),
        _route(f"GET {repo}/revision/{{revision}}", repos_api.repo_info),
        _route(f"GET {repo}/auth-check", repos_api.auth_check),
        _route(f"GET {repo}/auth-check/write", repos_api.auth_check_write),
        _route(f"GET {repo}/refs", repos_api.refs),
        _route(f"GET {repo}/commits/{{revision}}", repos_api.commits),
        _route(f"GET {repo}/tree/{{revision}}", repos_api.tree),
        _route(f"GET {repo}/tree/{{revision}}/{{path:path}}", repos_api.tree),
        _route(f"POST {repo}/paths-info/{{revision}}", repos_api.paths_info),
        _route(f"POST {repo}/branch/{{branch}}", repos_api.create_branch),
        _route(f"DELETE {repo}/branch/{{branch}}", repos_api.delete_branch),
        _route(f"POST {repo}/tag/{{revision}}", repos_api.create_tag),
        _route(f"DELETE {repo}/tag/{{revision}}", repos_api.delete_tag),
        _route(f"POST {repo}/preupload/{{revision}}", commits_api.preupload),
        _route(f"POST {repo}/commit/{{revision}}", commits_api.commit),
        _route(f"GET {repo}/discussions", discussions.list_all),
        _route(f"POST {repo}/discussions", discussions.create),
        _route(f"GET {repo}/discussions/{{number:int}}", discussions.details),
        _route(f"POST {repo}/discussions/{{number:int}}/comment", discussions.comment),
        _route(f"POST {repo}/discussions/{{number:int}}/status", discussions.change_status),
        _route(f"POST {repo}/discussions/{{number:int}}/merge", discussions.merge),
        _route(f"GET {repo}/lfs-files", large_files.list_large),
        _route(f"POST {repo}/lfs-files/batch", large_files.delete_large),
        _route(f"GET {repo}/xet-write-token/{{revision}}", large_files.no_xet),
        _route("PUT /lfs/{kind}/{namespace}/{name}/{oid}/{what}", large_files.put),
        _route("POST /lfs/{kind}/{namespace}/{name}/{oid}/{what}", large_files.post),
        _route("POST /{kind:kind}/{namespace}/{name}/info/lfs/objects/batch", large_files.batch),
        _route("POST /{namespace}/{name}/info/lfs/objects/batch", large_files.batch),
        _route("GET /{kind:kind}/{namespace}/{name}/resolve/{revision}/{path:path}", resolve),
        _route("GET /{namespace}/{name}/resolve/{revision}/{path:path}", resolve),
    ]


def _route(address: str, endpoint: Endpoint) -> Route:
    method, _, path = address.partition(" ")
    return Route(path, endpoint, methods=[method])
