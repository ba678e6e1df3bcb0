"""Routes of users and repositories: who am I, create, delete, list, describe; branches, tags, trees, history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from molmix_bench.devhub.access import (
    caller,
    hub_of,
    kind_of,
    open_repo,
    piece,
    read_body,
    read_object,
    required_caller,
    text_of,
    writable_repo,
)
from molmix_bench.devhub.commits import Commit, Entry, tree_entry
from molmix_bench.devhub.names import Kind, RefusalError, RepoId, repo_id
from molmix_bench.devhub.repository import Repository

_REF_KINDS = {"branches": "refs/heads/", "tags": "refs/tags/", "converts": "refs/convert/"}


async def whoami(request: Request) -> Response:
    """The user that the token stands for."""
    user = required_caller(request)
    token = {"type": "access_token", "accessToken": {"displayName": user, "role": "write"}}
    return JSONResponse({"type": "user", "name": user, "fullname": user, "orgs": [], "auth": token})


async def create_repo(request: Request) -> Response:
    """A new repository in the caller's own namespace."""
    repo, data = await _named_repo(request)
    address = f"{request.base_url}{'' if repo.kind is Kind.MODEL else repo.kind.plural + '/'}{repo}"
    if hub_of(request).find(repo) is not None:
        return JSONResponse({"error": "You already created this repo", "url": address}, status_code=409)
    hub_of(request).create(repo, private=bool(data.get("private")) or data.get("visibility") == "private")
    return JSONResponse({"url": address, "name": str(repo), "id": str(repo)})


async def delete_repo(request: Request) -> Response:
    """A repository of the caller's, gone."""
    repo, _ = await _named_repo(request)
    hub_of(request).delete(repo)
    return JSONResponse({})


async def _named_repo(request: Request) -> tuple[RepoId, dict[str, Any]]:
    user, data = required_caller(request), await read_object(request)
    namespace = data.get("organization") or user
    kind = data.get("type") or "model"
    if kind not in list(Kind) or not isinstance(namespace, str):
        raise RefusalError(400, f"Unknown repository type: {kind!r}")
    if namespace != user:
        raise RefusalError(403, f"You don't have the rights to create a {kind} under the namespace {namespace!r}")
    return repo_id(Kind(kind), namespace, text_of(data, "name")), data


async def list_repos(request: Request) -> Response:
    """The repositories of a kind that the caller may see."""
    user, author = caller(request), request.query_params.get("author")
    found = [
        describe(repo, "main")
        for repo in hub_of(request).list(kind_of(request))
        if author in (None, repo.id.namespace) and (not repo.state.private or user == repo.id.namespace)
    ]
    return JSONResponse(found)


async def repo_info(request: Request) -> Response:
    """What a repository holds at a revision."""
    revision = piece(request, "revision") if "revision" in request.path_params else "main"
    return JSONResponse(describe(open_repo(request), revision, blobs="blobs" in request.query_params))


async def auth_check(request: Request) -> Response:
    """Whether the caller may read."""
    open_repo(request)
    return JSONResponse({})


async def auth_check_write(request: Request) -> Response:
    """Whether the caller may write."""
    writable_repo(request)
    return JSONResponse({})


def describe(repo: Repository, revision: str, *, blobs: bool = False) -> dict[str, Any]:
    """Returns a repository as the Hub describes it."""
    sha = repo.resolve(revision)
    commit = repo.commit(sha)
    siblings: list[dict[str, Any]] = []
    for path, entry in commit.files.items():
        item = tree_entry(path, entry)
        extra = {"blobId": entry.oid, "size": entry.size} | ({"lfs": item["lfs"]} if "lfs" in item else {})
        siblings.append({"rfilename": path} | (extra if blobs else {}))
    return {
        "_id": str(repo.id),
        "id": str(repo.id),
        "author": repo.id.namespace,
        "sha": sha,
        "lastModified": commit.date,
        "createdAt": repo.state.created_at,
        "private": repo.state.private,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": siblings,
    }


async def tree(request: Request) -> Response:
    """The files and folders below a path, in pages."""
    repo = open_repo(request)
    revision = piece(request, "revision")
    commit = repo.commit(revision)
    folder = piece(request, "path").strip("/") if "path" in request.path_params else ""
    recursive = request.query_params.get("recursive", "").lower() in ("1", "true")
    items = _list_tree(commit, folder, recursive=recursive)
    if folder and not items:
        raise RefusalError(404, f"{folder} does not exist on {revision!r}", code="EntryNotFound")
    if request.query_params.get("expand", "").lower() in ("1", "true"):
        items = [item | _expanded(repo, commit, revision) for item in items]
    return _page(request, items)


def _list_tree(commit: Commit, folder: str, *, recursive: bool) -> list[dict[str, Any]]:
    prefix = f"{folder}/" if folder else ""
    items: dict[str, dict[str, Any]] = {}
    for path, entry in commit.files.items():
        if not path.startswith(prefix):
            continue
        parents = path[len(prefix) :].split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            parent = prefix + "/".join(parents[:depth])
            if recursive or depth == 1:
                items.setdefault(parent, {"type": "directory", "oid": "0" * 40, "size": 0, "path": parent})
        if recursive or not parents:
            items[path] = tree_entry(path, entry)
    return list(items.values())


def _expanded(repo: Repository, commit: Commit, revision: str) -> dict[str, Any]:
    last = {"id": repo.resolve(revision), "title": commit.title, "date": commit.date}
    return {"lastCommit": last, "securityFileStatus": None}


def _page(request: Request, items: list[Any]) -> Response:
    """Answers with a part of a list, and with the address of the next in the Link header."""
    size = int(request.app.state.page_size)
    cursor = request.query_params.get("cursor", "0")
    start = int(cursor) if cursor.isascii() and cursor.isdigit() else 0
    headers = {}
    if start + size < len(items):
        following = request.url.include_query_params(cursor=start + size)
        headers["Link"] = f'<{following}>; rel="next"'
    return JSONResponse(items[start : start + size], headers=headers)


async def paths_info(request: Request) -> Response:
    """The files and folders of a list of paths; what does not exist is left out."""
    commit = open_repo(request).commit(piece(request, "revision"))
    if "json" in request.headers.get("Content-Type", ""):
        asked = (await read_object(request)).get("paths", [])
    else:
        asked = parse_qs((await read_body(request)).decode("utf-8", "replace")).get("paths", [])
    folders = {parent for path in commit.files for parent in _parents(path)}
    found = []
    for path in asked if isinstance(asked, list) else []:
        if path in commit.files:
            found.append(tree_entry(path, commit.files[path]))
        elif path in folders:
            found.append({"type": "directory", "oid": "0" * 40, "size": 0, "path": path})
    return JSONResponse(found)


def _parents(path: str) -> Iterable[str]:
    pieces = path.split("/")[:-1]
    return ("/".join(pieces[: depth + 1]) for depth in range(len(pieces)))


async def refs(request: Request) -> Response:
    """Branches, tags and, where asked for, pull requests."""
    state = open_repo(request).state
    kinds = _REF_KINDS | ({"pullRequests": "refs/pr/"} if "include_prs" in request.query_params else {})
    data = {
        kind: [
            {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": sha}
            for ref, sha in state.refs.items()
            if ref.startswith(prefix)
        ]
        for kind, prefix in kinds.items()
    }
    return JSONResponse(data)


async def commits(request: Request) -> Response:
    """The history of a revision, newest first, in pages."""
    items = [
        {
            "id": sha,
            "title": commit.title,
            "message": commit.message,
            "date": commit.date,
            "authors": [{"user": commit.author}],
        }
        for sha, commit in open_repo(request).log(piece(request, "revision"))
    ]
    return _page(request, items)


async def create_branch(request: Request) -> Response:
    """A new branch, at a given revision or at main."""
    repo, data = writable_repo(request), await read_object(request)
    repo.create_ref(f"refs/heads/{piece(request, 'branch')}", text_of(data, "startingPoint", "main"))
    return JSONResponse({})


async def delete_branch(request: Request) -> Response:
    """A branch, gone."""
    writable_repo(request).delete_ref(f"refs/heads/{piece(request, 'branch')}")
    return JSONResponse({})


async def create_tag(request: Request) -> Response:
    """A new tag at a revision."""
    repo, data = writable_repo(request), await read_object(request)
    repo.create_ref(f"refs/tags/{text_of(data, 'tag')}", piece(request, "revision"))
    return JSONResponse({})


async def delete_tag(request: Request) -> Response:
    """A tag, gone."""
    writable_repo(request).delete_ref(f"refs/tags/{piece(request, 'revision')}")
    return JSONResponse({})


def entry_at(repo: Repository, revision: str, path: str) -> tuple[str, Entry]:
    """Returns the commit of a revision and a file of it."""
    sha = repo.resolve(revision)
    entry = repo.commit(sha).files.get(path)
    if entry is None:
        raise RefusalError(404, f"{path} does not exist on {revision!r}", code="EntryNotFound")
    return sha, entry
