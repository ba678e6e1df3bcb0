"""Routes of a commit: what is to be uploaded how, the card's front matter, and the commit itself."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from molmix_bench.devhub.access import (
    caller,
    open_repo,
    piece,
    read_body,
    read_object,
    required_caller,
    text_of,
    writable_repo,
)
from molmix_bench.devhub.commits import Entry, apply_changes, is_large, large_entry
from molmix_bench.devhub.discussions import open_discussion
from molmix_bench.devhub.names import RefusalError, check_path
from molmix_bench.devhub.repository import Repository

_SHA256 = re.compile(r"[0-9a-f]{64}")


async def validate_yaml(request: Request) -> Response:
    """Whether the front matter of a card is YAML with keys."""
    text = text_of(await read_object(request), "content")
    front = re.match(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", text, re.DOTALL)
    try:
        data = yaml.safe_load(front[1]) if front else {}
    except (yaml.YAMLError, RecursionError) as error:
        data, message = None, str(error)
    else:
        message = "the front matter must be a mapping"
    if not isinstance(data, dict):
        return JSONResponse({"errors": [{"message": message}], "warnings": []}, status_code=400)
    return JSONResponse({"errors": [], "warnings": []})


async def preupload(request: Request) -> Response:
    """How each file is to be uploaded, and what is at its path now."""
    repo = _repo_for_commit(request)
    files = repo.commit(piece(request, "revision")).files
    asked = (await read_object(request)).get("files", [])
    return JSONResponse({"files": [_upload_mode(item, files) for item in asked]})


def _upload_mode(item: Any, files: dict[str, Entry]) -> dict[str, Any]:
    if not isinstance(item, dict) or not isinstance(item.get("size"), int):
        raise RefusalError(400, "'files' must be a list of path, size and sample")
    path = check_path(text_of(item, "path"))
    large = is_large(path, item["size"])
    answer = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
    if (entry := files.get(path)) is not None:
        answer["oid"] = entry.sha256 or entry.oid
    return answer


async def commit(request: Request) -> Response:
    """A new commit on a branch, or on a pull request of its own."""
    repo, user = _repo_for_commit(request), required_caller(request)
    header, changes = _read_changes(await read_body(request), repo)
    title, text = text_of(header, "summary", ""), text_of(header, "description", "")
    answer = {}
    with repo.changing() as state:
        ref = _branch(repo, piece(request, "revision"))
        parent = state.refs[ref]
        if header.get("parentCommit") not in (None, parent):
            found = f"expected {header['parentCommit']}, found {parent}"
            raise RefusalError(412, f"A commit has happened since. Please refresh and try again. ({found})")
        files = apply_changes(repo.commit(parent).files, **changes)
        if request.query_params.get("create_pr") == "1":
            number = open_discussion(state, title, text, author=user, base=parent)
            ref = f"refs/pr/{number}"
            answer["pullRequestUrl"] = f"{request.base_url}{repo.id.kind.plural}/{repo.id}/discussions/{number}"
        sha = repo.add_commit(state, ref, files, title=title, text=text, author=user)
    address = f"{request.base_url}{repo.id.kind.plural}/{repo.id}/commit/{sha}"
    return JSONResponse({"success": True, "commitOid": sha, "commitUrl": address, "hookOutput": ""} | answer)


def _branch(repo: Repository, revision: str) -> str:
    """Returns the full name of a branch or pull request; refuses a tag or a commit, which never move."""
    for ref in (revision, f"refs/heads/{revision}"):
        if ref in repo.state.refs and ref.startswith(("refs/heads/", "refs/pr/")):
            return ref
    repo.resolve(revision)
    raise RefusalError(400, f"{revision!r} is no branch; a commit needs one")


def _repo_for_commit(request: Request) -> Repository:
    """Returns the repository; a pull request is open to every user, a branch to the owner."""
    proposed = request.query_params.get("create_pr") == "1" or piece(request, "revision").startswith("refs/pr/")
    if proposed and caller(request) is not None:
        return open_repo(request)
    return writable_repo(request)


def _read_changes(body: bytes, repo: Repository) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the header of a commit and the changes it makes, its files kept."""
    header: dict[str, Any] = {}
    added: dict[str, Entry] = {}
    deleted: list[str] = []
    folders: list[str] = []
    for line in body.splitlines():
        try:
            item = json.loads(line)
            key, value = item["key"], dict(item["value"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise RefusalError(400, "every line of a commit is an object of key and value") from None
        if key == "header":
            header = value
        elif key == "file":
            added[text_of(value, "path")] = repo.regular_entry(_content(value))
        elif key == "lfsFile":
            added[text_of(value, "path")] = _large(value, repo)
        elif key == "deletedFile":
            deleted.append(text_of(value, "path"))
        elif key == "deletedFolder":
            folders.append(text_of(value, "path"))
        else:
            raise RefusalError(400, f"unknown operation {key!r}")
    return header, {"added": added, "deleted": deleted, "folders": folders}


def _content(value: dict[str, Any]) -> bytes:
    if value.get("encoding") != "base64":
        return text_of(value, "content").encode()
    try:
        return base64.b64decode(text_of(value, "content"), validate=True)
    except binascii.Error as error:
        raise RefusalError(400, f"a file is no base64: {error}") from None


def _large(value: dict[str, Any], repo: Repository) -> Entry:
    oid = text_of(value, "oid")
    path = repo.large_path(oid)
    if not _SHA256.fullmatch(oid) or not path.is_file():
        raise RefusalError(400, f"LFS object {oid} of {value.get('path')} was never uploaded")
    return large_entry(oid, path.stat().st_size)
