"""All repositories of the Hub, in one folder."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from molmix_bench.devhub.names import MAIN, Kind, RefusalError, RepoId, no_repo
from molmix_bench.devhub.repository import Repository, State, now, sync_folder, write_durably
from molmix_bench.errors import UsageError

_ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"


class HubStore:
    """The repositories below a folder; one process at a time.

    Args:
        path: the folder; made where it is missing.

    Raises:
        UsageError: another dev-hub serves the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(path / "lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(
                str(path), found="another dev-hub at work on this folder", fix="stop it, or choose another --data"
            ) from None
        for leftover in path.glob("*.making"):
            shutil.rmtree(leftover)
        if not (path / "secret").is_file():
            write_durably(path / "secret", secrets.token_bytes(32))
        self.secret = (path / "secret").read_bytes()
        """Signs the addresses of uploads, which carry no token."""
        self._open: dict[RepoId, Repository] = {}

    def close(self) -> None:
        """Lets another process serve the folder."""
        self._lock.release()

    def find(self, repo: RepoId) -> Repository | None:
        """Returns a repository, or None where there is no such."""
        if repo not in self._open:
            if not (self._folder(repo) / "state.json").is_file():
                return None
            self._open[repo] = Repository(repo, self._folder(repo))
        return self._open[repo]

    def create(self, repo: RepoId, *, private: bool = False) -> Repository:
        """Makes a repository with a first commit; refuses where it exists."""
        if self.find(repo) is not None:
            raise RefusalError(409, "You already created this repo")
        # Made aside and renamed, so that no repository is ever there without its first commit.
        making = self.path / f"{secrets.token_hex(8)}.making"
        state = State(private=private, created_at=now())
        write_durably(making / "state.json", json.dumps(asdict(state)).encode())
        draft = Repository(repo, making)
        files = {".gitattributes": draft.regular_entry(_ATTRIBUTES)}
        with draft.changing() as first:
            draft.add_commit(first, MAIN, files, title="initial commit", text="", author=repo.namespace)
        folder = self._folder(repo)
        folder.parent.mkdir(parents=True, exist_ok=True)
        making.rename(folder)
        sync_folder(folder.parent)
        self._open[repo] = Repository(repo, folder)
        return self._open[repo]

    def delete(self, repo: RepoId) -> None:
        """Deletes a repository with all that is in it."""
        if self.find(repo) is None:
            raise no_repo()
        self._open.pop(repo)
        doomed = self.path / f"{secrets.token_hex(8)}.making"
        self._folder(repo).rename(doomed)
        shutil.rmtree(doomed)

    def list(self, kind: Kind) -> Iterator[Repository]:
        """Yields the repositories of a kind, by name."""
        for path in sorted((self.path / "repos" / kind.plural).glob("*/*/state.json")):
            found = self.find(RepoId(kind, path.parent.parent.name, path.parent.name))
            if found is not None:
                yield found

    def _folder(self, repo: RepoId) -> Path:
        return self.path / "repos" / repo.kind.plural / repo.namespace / repo.name
