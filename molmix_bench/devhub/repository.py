"""One repository on disk: refs, commits, files. Whatever kills the process, it is as before a change or after it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from molmix_bench.devhub.commits import Commit, Entry, commit_from_json, git_oid
from molmix_bench.devhub.names import MAIN, RefusalError, RepoId, check_ref

_SHA_LENGTH = 40


@dataclass(slots=True)
class State:
    """What of a repository changes; everything else is written once under the digest of its bytes."""

    private: bool
    created_at: str
    refs: dict[str, str] = field(default_factory=dict)
    """Commits by full name: `refs/heads/main`, `refs/tags/v1.0.0`, `refs/pr/1`."""
    discussions: list[dict[str, Any]] = field(default_factory=list)
    """The first has number 1."""


class Repository:
    """A repository in a folder of its own.

    Args:
        repo: kind and name.
        path: the folder.
    """

    def __init__(self, repo: RepoId, path: Path) -> None:
        self.id = repo
        self.path = path
        self._lock = threading.RLock()
        self._state = State(**json.loads((path / "state.json").read_text(encoding="utf-8")))

    @property
    def state(self) -> State:
        """The repository's refs and discussions; change them in `changing` only."""
        return self._state

    @contextmanager
    def changing(self) -> Iterator[State]:
        """Yields the state for a change, which counts once the block has ended: one file takes another's place."""
        with self._lock:
            draft = State(**json.loads(json.dumps(asdict(self._state))))
            yield draft
            write_durably(self.path / "state.json", json.dumps(asdict(draft)).encode())
            self._state = draft

    def resolve(self, revision: str) -> str:
        """Returns the commit that a branch, a tag, a full ref or a commit's own name stands for."""
        refs = self._state.refs
        for name in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            if name in refs:
                return refs[name]
        if len(revision) == _SHA_LENGTH and revision.isalnum() and (self.path / "commits" / revision).is_file():
            return revision
        raise RefusalError(404, f"Invalid rev id: {revision}", code="RevisionNotFound")

    def commit(self, revision: str) -> Commit:
        """Returns the commit that a revision stands for."""
        return commit_from_json((self.path / "commits" / self.resolve(revision)).read_text(encoding="utf-8"))

    def log(self, revision: str) -> Iterator[tuple[str, Commit]]:
        """Yields commits from a revision back to the first."""
        sha: str | None = self.resolve(revision)
        while sha is not None:
            commit = self.commit(sha)
            yield sha, commit
            sha = commit.parent

    def add_commit(self, state: State, ref: str, files: dict[str, Entry], *, title: str, text: str, author: str) -> str:
        """Moves a ref of a changing state to a new commit on top of it, and returns the commit."""
        commit = Commit(state.refs.get(ref), title, text, author, now(), files)
        write_durably(self.path / "commits" / commit.sha, commit.to_json().encode())
        state.refs[ref] = commit.sha
        return commit.sha

    def create_ref(self, ref: str, revision: str) -> None:
        """Makes a branch or a tag; refuses one that exists."""
        sha = self.resolve(revision)
        with self.changing() as state:
            if check_ref(ref) in state.refs:
                raise RefusalError(409, f"Reference already exists: {ref}")
            state.refs[ref] = sha

    def delete_ref(self, ref: str) -> None:
        """Deletes a branch or a tag; `main` stays."""
        with self.changing() as state:
            if ref == MAIN:
                raise RefusalError(403, "The main branch cannot be deleted")
            if state.refs.pop(ref, None) is None:
                raise RefusalError(404, f"Invalid rev id: {ref}", code="RevisionNotFound")

    def regular_entry(self, data: bytes) -> Entry:
        """Keeps a file that is part of a commit itself, and returns its entry."""
        entry = Entry(git_oid(data), len(data))
        path = self.path / "blobs" / entry.oid
        if not path.is_file():
            write_durably(path, data)
        return entry

    def large_path(self, sha256: str) -> Path:
        """Returns where a large file lies, or would lie."""
        return self.path / "lfs" / sha256

    def content_path(self, entry: Entry) -> Path:
        """Returns where the bytes of an entry lie."""
        return self.path / "blobs" / entry.oid if entry.sha256 is None else self.large_path(entry.sha256)


def now() -> str:
    """Returns the time as the Hub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def write_durably(path: Path, data: bytes) -> None:
    """Writes a file that is there whole after a crash, or as before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder survive a crash of the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
