"""A job: a submission laid out as a folder, checked and scored."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from leaderboard.entries import Entry, Refused, read_entry
from leaderboard.mixes import Mixes
from leaderboard.store.database import Store
from leaderboard.store.tables import Job, JobState
from molmix_bench.submissions.check import Problem
from molmix_bench.submissions.entry import HashedFile
from molmix_bench.submissions.steps import PREDICTIONS_DIR

WORK = "work"
NAME = "submission"
"""Of the folder, as problems name it."""


def desk_of(store: Store, owner: str) -> Path:
    """Returns the folder of a worker."""
    return store.path / WORK / owner


@contextmanager
def laid_out(store: Store, place: Path, files: Sequence[Mapping[str, Any]]) -> Iterator[Path]:
    """Yields a submission's folder below `place`, of copies from the archive; gone afterwards."""
    shutil.rmtree(place, ignore_errors=True)
    root = place / NAME
    root.mkdir(mode=0o700, parents=True)
    try:
        for file in files:
            store.archive.copy(file["sha256"], root / file["path"])
        yield root
    finally:
        shutil.rmtree(place, ignore_errors=True)


def drop_left_over(store: Store) -> None:
    """Deletes the folders of workers that were killed."""
    root = store.path / WORK
    folders = list(root.iterdir()) if root.is_dir() else []
    with store.reading() as session:
        # Read after the folders: whoever had made one by then had its lease before.
        owners = set(session.scalars(select(Job.owner).where(Job.state == JobState.RUNNING)))
    for folder in folders:
        if folder.name not in owners:
            shutil.rmtree(folder, ignore_errors=True)


def score_files(
    folder: Path, files: Sequence[Mapping[str, Any]], mixes: Mixes, checked: Callable[[], object] = lambda: None
) -> Entry | Refused:
    """Returns a submission checked and scored, or refused.

    Args:
        folder: of `laid_out`.
        files: those in it, with their hashes.
        mixes: that can be predicted.
        checked: called between check and scoring.
    """
    found = read_entry(NAME, folder, mixes, checked=checked)
    if isinstance(found, Refused):
        return found
    known = {HashedFile(file["path"], file["sha256"], file["num_bytes"]) for file in files}
    if found.submission.files and set(found.submission.files) <= known:
        return found
    # The process that reads a stranger's files names what it scored, and a file may have taken it over.
    problem = Problem(
        PREDICTIONS_DIR,
        "scores of other files than were sent",
        "scores of these files",
        "write the files again with `molmix-bench predict`",
    )
    return Refused(NAME, found.mix.name, (problem,))
