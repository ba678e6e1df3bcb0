"""Discussions and pull requests: a pull request is a branch `refs/pr/N` that its owner may merge into main."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from molmix_bench.devhub.access import open_repo, read_object, required_caller, text_of, writable_repo
from molmix_bench.devhub.commits import Entry
from molmix_bench.devhub.names import MAIN, RefusalError
from molmix_bench.devhub.repository import Repository, State, now

_PAGE = 50


def open_discussion(state: State, title: str, text: str, *, author: str, base: str | None) -> int:
    """Opens a discussion, or with a base commit a pull request, in a changing state; returns its number."""
    number = len(state.discussions) + 1
    comment = {"edited": False, "hidden": False, "latest": {"raw": text}}
    item = {"num": number, "title": title, "author": author, "created_at": now(), "status": "open"}
    events = [_event(f"{number}-0", "comment", author, comment)]
    state.discussions.append(item | {"base": base, "merge": None, "events": events})
    if base is not None:
        state.refs[f"refs/pr/{number}"] = base
    return number


def _event(identity: str, kind: str, author: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"id": identity, "type": kind, "createdAt": now(), "author": {"name": author}, "data": data}


async def create(request: Request) -> Response:
    """A new discussion or an empty pull request."""
    repo, user, data = open_repo(request), required_caller(request), await read_object(request)
    title, text = text_of(data, "title"), text_of(data, "description", "")
    with repo.changing() as state:
        base = state.refs[MAIN] if data.get("pullRequest") else None
        number = open_discussion(state, title, text, author=user, base=base)
    return JSONResponse({"num": number})


async def list_all(request: Request) -> Response:
    """The discussions, in pages."""
    repo = open_repo(request)
    page = request.query_params.get("p", "0")
    start = _PAGE * (int(page) if page.isascii() and page.isdigit() else 0)
    found = [_summary(repo, item) for item in reversed(repo.state.discussions)]
    return JSONResponse({"count": len(found), "start": start, "discussions": found[start : start + _PAGE]})


async def details(request: Request) -> Response:
    """One discussion with all that was said."""
    repo = open_repo(request)
    item = _find(repo.state, request)
    extra: dict[str, Any] = {"events": item["events"]}
    if item["base"] is not None:
        conflicts = sorted(_merged(repo, item)[1]) if item["status"] == "open" else []
        changes = {"base": MAIN, "mergeCommitId": item["merge"]}
        extra |= {"changes": changes, "filesWithConflicts": conflicts, "diff": None}
    return JSONResponse(_summary(repo, item) | extra)


async def comment(request: Request) -> Response:
    """A comment more."""
    repo, user, data = open_repo(request), required_caller(request), await read_object(request)
    said = {"edited": False, "hidden": False, "latest": {"raw": text_of(data, "comment")}}
    with repo.changing() as state:
        event = _add_event(_find(state, request), "comment", user, said)
    return JSONResponse({"newMessage": event})


async def change_status(request: Request) -> Response:
    """A discussion closed or opened again."""
    repo, user, data = writable_repo(request), required_caller(request), await read_object(request)
    status = text_of(data, "status")
    if status not in ("open", "closed"):
        raise RefusalError(400, f"unknown status {status!r}")
    with repo.changing() as state:
        item = _find(state, request)
        item["status"] = status
        event = _add_event(item, "status-change", user, {"status": status})
    return JSONResponse({"newStatus": event})


async def merge(request: Request) -> Response:
    """A pull request's changes on top of main; refused where main has changed the same files since."""
    repo, user = writable_repo(request), required_caller(request)
    with repo.changing() as state:
        item = _find(state, request)
        if item["base"] is None or item["status"] != "open":
            raise RefusalError(400, "only an open pull request can be merged")
        files, conflicts = _merged(repo, item)
        if conflicts:
            raise RefusalError(409, f"Conflicts in {', '.join(sorted(conflicts))}")
        title = f"{item['title']} (#{item['num']})"
        item["merge"] = repo.add_commit(state, MAIN, files, title=title, text="", author=user)
        item["status"] = "merged"
        event = _add_event(item, "status-change", user, {"status": "merged"})
    return JSONResponse({"newStatus": event})


def _add_event(item: dict[str, Any], kind: str, user: str, data: dict[str, Any]) -> dict[str, Any]:
    event = _event(f"{item['num']}-{len(item['events'])}", kind, user, data)
    item["events"].append(event)
    return event


def _find(state: State, request: Request) -> dict[str, Any]:
    number = int(request.path_params["number"])
    if not 0 < number <= len(state.discussions):
        raise RefusalError(404, f"no discussion {number}", code="EntryNotFound")
    return state.discussions[number - 1]


def _summary(repo: Repository, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "num": item["num"],
        "title": item["title"],
        "author": {"name": item["author"]},
        "createdAt": item["created_at"],
        "status": item["status"],
        "repo": {"name": str(repo.id), "type": str(repo.id.kind)},
        "isPullRequest": item["base"] is not None,
    }


def _merged(repo: Repository, item: dict[str, Any]) -> tuple[dict[str, Entry], set[str]]:
    """Returns main with a pull request's changes, and the files that both have changed since it was opened."""
    base = repo.commit(item["base"]).files
    theirs = repo.commit(f"refs/pr/{item['num']}").files
    ours = repo.commit(MAIN).files
    changed = {path for path in base.keys() | theirs.keys() if base.get(path) != theirs.get(path)}
    conflicts = {path for path in changed if ours.get(path) not in (base.get(path), theirs.get(path))}
    files = {path: entry for path, entry in ours.items() if path not in changed}
    files |= {path: theirs[path] for path in changed if path in theirs}
    return dict(sorted(files.items())), conflicts
