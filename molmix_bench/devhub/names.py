"""What callers of the Hub may name: kinds of repository, repositories, refs and paths; and how a refusal looks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_PIECE = re.compile(r"[^/\\\x00-\x1f]{1,255}")
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
MAIN = "refs/heads/main"


class Kind(StrEnum):
    """The kinds of repository; each has its own names."""

    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"

    @property
    def plural(self) -> str:
        """The word in addresses."""
        return f"{self}s"


class RefusalError(Exception):
    """A request that is answered with an error.

    Args:
        status: the HTTP status.
        message: what the client shows.
        code: the Hub's word for it, by which clients choose their exception.
    """

    def __init__(self, status: int, message: str, *, code: str = "") -> None:
        self.status = status
        self.message = message
        self.code = code
        super().__init__(message)


def no_repo() -> RefusalError:
    """Returns the answer for a repository that does not exist, or that the caller may not see."""
    return RefusalError(404, "Repository not found", code="RepoNotFound")


@dataclass(frozen=True, slots=True)
class RepoId:
    """A repository's kind and name."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def repo_id(kind: Kind, namespace: str, name: str) -> RepoId:
    """Returns a repository's identity; refuses names that the Hub refuses."""
    for piece in (namespace, name):
        if not _NAME.fullmatch(piece) or ".." in piece or piece.endswith((".git", ".")):
            raise RefusalError(400, f"Invalid repository name: {namespace}/{name}")
    return RepoId(kind, namespace, name)


def check_path(path: str) -> str:
    """Returns the path of a file inside a repository; refuses one that leads out of it."""
    pieces = path.split("/")
    if not all(_PIECE.fullmatch(piece) and piece not in (".", "..", ".git") for piece in pieces):
        raise RefusalError(400, f"Invalid path in repository: {path!r}")
    return path


def check_ref(name: str) -> str:
    """Returns the name of a branch or tag; refuses what git refuses."""
    if not _REF.fullmatch(name) or ".." in name or "//" in name or name.endswith(("/", ".", ".lock")):
        raise RefusalError(400, f"Invalid reference name: {name!r}")
    return name
