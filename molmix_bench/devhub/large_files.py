"""Routes of large files: where to upload them, in one piece or several, and which there are."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path
from typing import Any, BinaryIO

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from molmix_bench.devhub.access import hub_of, open_repo, read_object, required_caller, text_of, writable_repo
from molmix_bench.devhub.names import Kind, RefusalError, RepoId, no_repo, repo_id
from molmix_bench.devhub.repository import Repository, sync_folder

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LFS_JSON = "application/vnd.git-lfs+json"


async def batch(request: Request) -> Response:
    """For every object: nothing where it is there already, else where to upload it."""
    repo = open_repo(request)
    required_caller(request)
    answers = [_answer(request, repo, item) for item in (await read_object(request)).get("objects", [])]
    return JSONResponse({"transfer": "basic", "objects": answers}, media_type=_LFS_JSON)


def _answer(request: Request, repo: Repository, item: Any) -> dict[str, Any]:
    if not isinstance(item, dict) or not isinstance(item.get("size"), int) or item["size"] < 0:
        raise RefusalError(400, "'objects' must be a list of oid and size")
    oid, size = _checked(text_of(item, "oid")), item["size"]
    answer: dict[str, Any] = {"oid": oid, "size": size, "authenticated": True}
    if repo.large_path(oid).is_file():
        return answer
    part_bytes = int(request.app.state.part_bytes)
    upload: dict[str, Any] = {"href": _address(request, repo.id, oid, "whole")}
    if size > part_bytes:
        parts = {str(i + 1): _address(request, repo.id, oid, str(i + 1)) for i in range(-(-size // part_bytes))}
        upload = {
            "href": _address(request, repo.id, oid, "complete"),
            "header": {"chunk_size": str(part_bytes), **parts},
        }
    return answer | {"actions": {"upload": upload, "verify": {"href": _address(request, repo.id, oid, "verify")}}}


def _checked(oid: str) -> str:
    if not _SHA256.fullmatch(oid):
        raise RefusalError(400, f"no sha256: {oid!r}")
    return oid


def _address(request: Request, repo: RepoId, oid: str, what: str) -> str:
    """Returns an address that is as good as a token, for this one upload."""
    path = f"lfs/{repo.kind.plural}/{repo}/{oid}/{what}"
    return f"{request.base_url}{path}?key={_key(request, path)}"


def _key(request: Request, path: str) -> str:
    return hmac.new(hub_of(request).secret, path.encode(), "sha256").hexdigest()


def _signed_repo(request: Request) -> tuple[Repository, str, str]:
    """Returns the repository, the object and the piece that a signed address names."""
    kind, namespace, name, oid, what = (
        request.path_params[key] for key in ("kind", "namespace", "name", "oid", "what")
    )
    path = f"lfs/{kind}/{namespace}/{name}/{oid}/{what}"
    if not hmac.compare_digest(_key(request, path), request.query_params.get("key", "")):
        raise RefusalError(403, "this address was not signed here")
    repo = hub_of(request).find(repo_id(Kind(kind.removesuffix("s")), namespace, name))
    if repo is None:
        raise no_repo()
    return repo, _checked(oid), what


async def put(request: Request) -> Response:
    """An object, or a part of one; an object counts once its bytes have the digest that names it."""
    repo, oid, what = _signed_repo(request)
    target = _part_path(repo, oid, what)
    target.parent.mkdir(exist_ok=True)
    # A name of its own, since a client that was cut off may send the same again while this goes on.
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    digest = hashlib.sha256()
    try:
        with part.open("wb") as stream:
            async for block in request.stream():
                stream.write(block)
                digest.update(block)
            _flush(stream)
        if what == "whole":
            _keep(repo, oid, part, digest.hexdigest())
        else:
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return Response(headers={"ETag": f'"{digest.hexdigest()}"'})


async def post(request: Request) -> Response:
    """The parts of an object put together, or the question whether it is there."""
    repo, oid, what = _signed_repo(request)
    data = await read_object(request)
    if what == "complete" and not repo.large_path(oid).is_file():
        parts = data.get("parts")
        if not isinstance(parts, list) or not parts:
            raise RefusalError(400, "'parts' must be a list")
        _put_together(repo, oid, [_part_path(repo, oid, str(number)) for number in range(1, len(parts) + 1)])
    if not repo.large_path(oid).is_file():
        raise RefusalError(404, f"LFS object {oid} was never uploaded")
    return JSONResponse({"success": True}, media_type=_LFS_JSON)


def _put_together(repo: Repository, oid: str, parts: list[Path]) -> None:
    whole, digest = _part_path(repo, oid, "whole"), hashlib.sha256()
    with whole.open("wb") as stream:
        for part in parts:
            if not part.is_file():
                raise RefusalError(400, f"{part.name} was never uploaded")
            data = part.read_bytes()
            stream.write(data)
            digest.update(data)
        _flush(stream)
    _keep(repo, oid, whole, digest.hexdigest())
    for part in parts:
        part.unlink()


def _flush(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _part_path(repo: Repository, oid: str, what: str) -> Path:
    return repo.path / "parts" / f"{oid}.{what}"


def _keep(repo: Repository, oid: str, part: Path, found: str) -> None:
    if found != oid:
        part.unlink()
        raise RefusalError(400, f"the bytes have sha256 {found}, not {oid}")
    target = repo.large_path(oid)
    target.parent.mkdir(exist_ok=True)
    part.replace(target)
    sync_folder(target.parent)


async def list_large(request: Request) -> Response:
    """The large files of a repository; the path is that of the newest commit of a branch that names it."""
    repo = writable_repo(request)
    names: dict[str, tuple[str, str]] = {}
    for ref, sha in repo.state.refs.items():
        for path, entry in repo.commit(sha).files.items():
            if entry.sha256 is not None:
                names.setdefault(entry.sha256, (path, ref))
    folder = repo.path / "lfs"
    items = []
    for found in sorted(folder.iterdir()) if folder.is_dir() else ():
        path, ref = names.get(found.name, (found.name, ""))
        size, pushed = found.stat().st_size, repo.state.created_at
        items.append(
            {"fileOid": found.name, "oid": found.name, "filename": path, "ref": ref, "size": size, "pushedAt": pushed}
        )
    return JSONResponse(items)


async def delete_large(request: Request) -> Response:
    """Large files, gone; what points to them stays."""
    repo, data = writable_repo(request), await read_object(request)
    deletions = data.get("deletions")
    if not isinstance(deletions, dict) or deletions.get("rewriteHistory"):
        raise RefusalError(501, "this Hub deletes large files only with rewriteHistory false")
    for oid in deletions.get("sha", []):
        repo.large_path(_checked(oid)).unlink(missing_ok=True)
    return JSONResponse({})


async def no_xet(_: Request) -> Response:
    """Why the newer way of uploading is not there."""
    raise RefusalError(404, "This Hub speaks LFS only: set the environment variable HF_HUB_DISABLE_XET=1")
