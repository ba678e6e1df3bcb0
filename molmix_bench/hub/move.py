"""Moving a branch to a new version by one commit, locked on its parent, though answers may be lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molmix_bench.errors import HubError, MixError
from molmix_bench.hub.contents import LocalFile
from molmix_bench.hub.remote import Remote, addition, deletion
from molmix_bench.hub.trouble import TRIES, client_errors, explained, passing_wait, pause


@dataclass(frozen=True, slots=True)
class Move:
    """A commit to make.

    Attributes:
        branch: the branch to move.
        parent: the commit that it must still be at.
        changed: files to add.
        stale: files to delete.
        message: the commit's title.
    """

    branch: str
    parent: str
    changed: tuple[LocalFile, ...]
    stale: tuple[str, ...]
    message: str


def move_branch(remote: Remote, move: Move, wanted: Mapping[str, LocalFile]) -> str:
    """Returns the commit at which the branch holds the new version.

    Raises:
        HubError: somebody else moved the branch meanwhile, or the Hub refuses.
        MixError: a file changed on disk since it was validated.
    """
    where = f"{remote.where}, branch {move.branch}"
    for attempt in range(1, TRIES + 1):
        try:
            return remote.commit(_operations(move), branch=move.branch, parent=move.parent, message=move.message)
        except client_errors() as error:
            # The commit may be made though its answer was an error: only the branch itself knows.
            head = remote.head(move.branch)
            if head != move.parent:
                if _holds(remote, head, move, wanted):
                    return head
                raise _moved(where, move.parent, head) from error
            wait = passing_wait(error, attempt)
            if wait is None or attempt == TRIES:
                raise explained(error, where=where) from error
            pause(wait, where=where, error=error)
    raise AssertionError("the last attempt returns or raises")


def _operations(move: Move) -> list[Any]:
    """Returns the changes of the commit, made anew: a client's objects are for one commit only."""
    operations = []
    for file in move.changed:
        operation = addition(file.path, file.source)
        if operation.upload_info.sha256.hex() != file.sha256:
            raise MixError(
                str(file.source),
                found="other bytes than a moment ago",
                expected=f"sha256 {file.sha256}",
                fix="let nothing write into the directory, validate it, and run the same command again",
            )
        operations.append(operation)
    return [*operations, *map(deletion, move.stale)]


def _holds(remote: Remote, commit: str, move: Move, wanted: Mapping[str, LocalFile]) -> bool:
    tree = remote.tree(commit)
    return all(file.matches(tree.get(path)) for path, file in wanted.items()) and not tree.keys() & set(move.stale)


def _moved(where: str, parent: str, head: str) -> HubError:
    return HubError(
        where,
        found=f"a commit of somebody else, {head}",
        expected=f"{parent}, as when this began",
        fix="look at what changed, then run the same command again; nothing is uploaded twice",
    )
