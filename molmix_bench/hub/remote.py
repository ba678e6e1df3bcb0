"""One dataset repository on a Hub, as publishing and fetching see it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molmix_bench.errors import HubError, UsageError
from molmix_bench.hub.trouble import TRIES, is_missing, persist

if TYPE_CHECKING:
    from huggingface_hub import HfApi

OFFICIAL_ENDPOINT = "https://huggingface.co"
MAIN = "main"
_DATASET = "dataset"
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository as its tree lists it.

    Attributes:
        size: in bytes.
        oid: git's name of its bytes; of a pointer's where the file is a large one.
        sha256: of a large file; None for others.
    """

    size: int
    oid: str
    sha256: str | None


def is_repo_name(name: str) -> bool:
    """Whether a name has the form of a repository on a Hub, `namespace/name`."""
    return _REPO.fullmatch(name) is not None


class Remote:
    """A dataset repository. Every question is asked again after errors that pass.

    Args:
        repo: `namespace/name`.
        tries: how often a question is asked.

    Raises:
        UsageError: the name is no such name, or HF_ENDPOINT no address.
    """

    def __init__(self, repo: str, *, tries: int = TRIES) -> None:
        if not is_repo_name(repo):
            raise UsageError(f"repository {repo!r}", found="no name of a repository", expected="namespace/name")
        self.repo = repo
        self.api = _make_api()
        self._tries = tries
        self.where = f"{self.api.endpoint}/datasets/{repo}"

    def user(self) -> str:
        """Returns the name of the user whose token is at hand."""
        from huggingface_hub import get_token

        where = str(self.api.endpoint)
        if get_token() is None:
            raise HubError(where, found="no token", fix="log in with `hf auth login`, or set HF_TOKEN")
        return str(persist(self.api.whoami, where=where)["name"])

    def find(self, revision: str = MAIN) -> str | None:
        """Returns the commit of a branch, tag or commit; None where the repository or the revision does not exist."""
        try:
            return self.head(revision)
        except HubError as error:
            if is_missing(error):
                return None
            raise

    def head(self, revision: str = MAIN) -> str:
        """Returns the commit of a branch, tag or commit."""
        info = persist(
            lambda: self.api.repo_info(self.repo, revision=revision, repo_type=_DATASET),
            where=self._at(revision),
            tries=self._tries,
        )
        return str(info.sha)

    def other_kind(self) -> str | None:
        """Returns `model` or `space` where the Hub has one of this name."""
        for kind in ("model", "space"):
            try:
                persist(lambda kind=kind: self.api.repo_info(self.repo, repo_type=kind), where=self.where)  # type: ignore[misc]
            except HubError as error:
                if not is_missing(error):
                    raise
            else:
                return kind
        return None

    def create(self, *, private: bool) -> None:
        """Makes the repository where it does not exist."""
        persist(
            lambda: self.api.create_repo(self.repo, repo_type=_DATASET, private=private, exist_ok=True),
            where=self.where,
        )

    def refs(self) -> tuple[dict[str, str], dict[str, str]]:
        """Returns the commits of the branches and of the tags, by name."""
        refs = persist(lambda: self.api.list_repo_refs(self.repo, repo_type=_DATASET), where=self.where)
        return (
            {item.name: item.target_commit for item in refs.branches},
            {item.name: item.target_commit for item in refs.tags},
        )

    def tree(self, commit: str) -> dict[str, RemoteFile]:
        """Returns all files of a commit by path."""
        from huggingface_hub.hf_api import RepoFile

        def _list() -> dict[str, RemoteFile]:
            items = self.api.list_repo_tree(self.repo, recursive=True, revision=commit, repo_type=_DATASET)
            return {
                item.path: RemoteFile(item.size, item.blob_id, item.lfs.sha256 if item.lfs else None)
                for item in items
                if isinstance(item, RepoFile)
            }

        return persist(_list, where=self._at(commit))

    @contextmanager
    def downloaded(self, commit: str, path: str) -> Iterator[Path]:
        """Yields a fresh copy of a file, past every cache; it is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="molmix-") as folder:
            yield Path(
                persist(
                    lambda: self.api.hf_hub_download(
                        self.repo,
                        path,
                        repo_type=_DATASET,
                        revision=commit,
                        local_dir=folder,
                        force_download=True,
                    ),
                    where=f"{self._at(commit)}, {path}",
                )
            )

    def cached(self, commit: str, patterns: list[str], *, local_only: bool = False) -> Path:
        """Returns the folder of a commit in the Hub's cache, with the files of the patterns in it."""
        return Path(
            persist(
                lambda: self.api.snapshot_download(
                    self.repo,
                    repo_type=_DATASET,
                    revision=commit,
                    allow_patterns=patterns,
                    local_files_only=local_only,
                ),
                where=self._at(commit),
            )
        )

    def upload(self, additions: Iterable[Any], *, revision: str) -> None:
        """Uploads what of the additions is a large file and is not there yet; no commit is made."""
        batch = list(additions)
        persist(
            lambda: self.api.preupload_lfs_files(
                self.repo, batch, repo_type=_DATASET, revision=revision, free_memory=False
            ),
            where=self.where,
        )

    def commit(self, operations: list[Any], *, branch: str, parent: str, message: str) -> str:
        """Makes one commit on a branch that must still be at `parent`, and returns it. Asked once only."""
        info = self.api.create_commit(
            self.repo, operations, commit_message=message, repo_type=_DATASET, revision=branch, parent_commit=parent
        )
        return str(info.oid)

    def create_branch(self, branch: str, commit: str) -> None:
        """Makes a branch where there is none of this name."""
        persist(
            lambda: self.api.create_branch(
                self.repo, branch=branch, revision=commit, repo_type=_DATASET, exist_ok=True
            ),
            where=self.where,
        )

    def delete_branch(self, branch: str) -> None:
        """Deletes a branch; one that is gone already is no error."""
        try:
            persist(lambda: self.api.delete_branch(self.repo, branch=branch, repo_type=_DATASET), where=self.where)
        except HubError as error:
            if branch in self.refs()[0]:
                raise
            if not is_missing(error):
                raise

    def create_tag(self, tag: str, commit: str) -> None:
        """Makes a tag, or finds it made at this very commit."""
        persist(
            lambda: self.api.create_tag(self.repo, tag=tag, revision=commit, repo_type=_DATASET, exist_ok=True),
            where=self.where,
        )
        found = self.refs()[1].get(tag)
        if found != commit:
            raise HubError(
                f"{self.where}, tag {tag}",
                found=f"commit {found}",
                expected=commit,
                fix="a published version never changes: build with another one, --set version=...",
            )

    def forget_objects(self, digests: set[str]) -> None:
        """Deletes large files by their sha256, so that they can be uploaded again; what names them stays."""

        def _delete() -> None:
            listed = self.api.list_lfs_files(self.repo, repo_type=_DATASET)
            doomed = [item for item in listed if item.file_oid in digests]
            self.api.permanently_delete_lfs_files(self.repo, doomed, rewrite_history=False, repo_type=_DATASET)

        persist(_delete, where=self.where)

    def _at(self, revision: str) -> str:
        return f"{self.where} at {revision}"


def addition(path: str, content: Path | bytes) -> Any:
    """Returns the operation of a commit that adds a file."""
    from huggingface_hub import CommitOperationAdd

    return CommitOperationAdd(path, content)


def deletion(path: str) -> Any:
    """Returns the operation of a commit that deletes a file."""
    from huggingface_hub import CommitOperationDelete

    return CommitOperationDelete(path, is_folder=False)


def _make_api() -> HfApi:
    """Returns the client of the endpoint that HF_ENDPOINT names; the newer transfer is for the official Hub only."""
    endpoint = (os.environ.get("HF_ENDPOINT") or OFFICIAL_ENDPOINT).rstrip("/")
    if not re.match(r"https?://[^/]", endpoint):
        raise UsageError("HF_ENDPOINT", found=repr(endpoint), expected=f"an address such as {OFFICIAL_ENDPOINT}")
    if endpoint != OFFICIAL_ENDPOINT:
        # Read when the client is imported, which another library may have done already. Without it a client with
        # hf-xet asks every Hub for a token of that protocol and gives up where there is none.
        os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    import huggingface_hub
    from huggingface_hub import HfApi, constants
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if endpoint != OFFICIAL_ENDPOINT:
        constants.HF_HUB_DISABLE_XET = True
    if not sys.stderr.isatty():
        disable_progress_bars()
    return HfApi(
        endpoint=endpoint, library_name="molmix-bench", user_agent={"huggingface_hub": huggingface_hub.__version__}
    )
