"""Who calls, and what they may see and change."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from molmix_bench.devhub.names import Kind, RefusalError, no_repo, repo_id
from molmix_bench.devhub.repository import Repository
from molmix_bench.devhub.store import HubStore

MAX_BODY_BYTES = 256 << 20
"""Of what is read into memory: a commit with its regular files; large files are streamed to disk."""
_TOKEN = re.compile(r"(?:Bearer|Token) hf_([A-Za-z0-9][A-Za-z0-9._-]{0,95})", re.IGNORECASE)


def hub_of(request: Request) -> HubStore:
    """Returns the repositories that the application serves."""
    store: HubStore = request.app.state.store
    return store


def piece(request: Request, name: str) -> str:
    """Returns a part of the address, decoded; a revision's own slashes are escaped in it."""
    return unquote(request.path_params[name])


def caller(request: Request) -> str | None:
    """Returns the user: any token `hf_NAME` is NAME's; None for nobody."""
    given = request.headers.get("Authorization")
    if given is None:
        return None
    found = _TOKEN.fullmatch(given)
    if found is None:
        raise RefusalError(401, "Invalid credentials in Authorization header")
    return found[1]


def required_caller(request: Request) -> str:
    """Returns the user; refuses nobody."""
    user = caller(request)
    if user is None:
        raise RefusalError(401, "Invalid username or password.")
    return user


def kind_of(request: Request) -> Kind:
    """Returns the kind of repository that the address names."""
    return Kind(request.path_params.get("kind", "models").removesuffix("s"))


def open_repo(request: Request) -> Repository:
    """Returns the repository of the address; a private one is there for its owner only."""
    repo = repo_id(kind_of(request), piece(request, "namespace"), piece(request, "name").removesuffix(".git"))
    found = hub_of(request).find(repo)
    if found is None or (found.state.private and caller(request) != repo.namespace):
        raise no_repo()
    return found


def writable_repo(request: Request) -> Repository:
    """Returns the repository of the address for a change; refuses everybody but its owner."""
    found = open_repo(request)
    if required_caller(request) != found.id.namespace:
        raise RefusalError(403, f"You don't have the rights to write to {found.id}")
    return found


async def read_body(request: Request) -> bytes:
    """Returns the body; refuses one that would fill the memory."""
    pieces, size = [], 0
    async for block in request.stream():
        size += len(block)
        if size > MAX_BODY_BYTES:
            raise RefusalError(413, f"More than {MAX_BODY_BYTES:,} bytes in one request")
        pieces.append(block)
    return b"".join(pieces)


async def read_object(request: Request) -> dict[str, Any]:
    """Returns the JSON object of the body; an empty body is an empty object."""
    body = await read_body(request)
    try:
        data = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise RefusalError(400, f"The body is no JSON: {error}") from None
    if not isinstance(data, dict):
        raise RefusalError(400, "The body is no JSON object")
    return data


def text_of(data: dict[str, Any], key: str, default: str | None = None) -> str:
    """Returns a text of a JSON object; refuses anything else."""
    value = data.get(key, default)
    if not isinstance(value, str):
        raise RefusalError(400, f"{key!r} must be text")
    return value
