"""Route of downloads: a file at a revision, whole or in part."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from molmix_bench.devhub.access import open_repo, piece
from molmix_bench.devhub.names import RefusalError
from molmix_bench.devhub.repos_api import entry_at


async def resolve(request: Request) -> Response:
    """The bytes of a file, with the headers by which clients name their cached copies."""
    repo = open_repo(request)
    path = piece(request, "path")
    sha, entry = entry_at(repo, piece(request, "revision"), path)
    file = repo.content_path(entry)
    if not file.is_file():
        raise RefusalError(404, f"the bytes of {path} are gone", code="EntryNotFound")
    etag = f'"{entry.sha256 or entry.oid}"'
    headers = {"X-Repo-Commit": sha, "ETag": etag, "Content-Disposition": "attachment"}
    if entry.sha256 is not None:
        headers |= {"X-Linked-Etag": etag, "X-Linked-Size": str(entry.size)}
    return FileResponse(file, headers=headers, media_type="application/octet-stream")
