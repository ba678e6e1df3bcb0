"""The submissions that arguments mean."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from molmix_bench.errors import UsageError
from molmix_bench.specs.submission import SUBMISSION_FILE
from molmix_bench.submissions.steps import PREDICTIONS_DIR

MAX_SUBMISSIONS = 10_000


def find_submissions(paths: Sequence[Path]) -> dict[str, Path]:
    """Returns the folders of submissions by their names, sorted.

    A path is one of them where it holds `submission.yaml` or `predictions/`; else each folder in it is one, but those
    whose names begin with a dot.

    Raises:
        UsageError: a path is no folder or holds no submission, or two have the same name.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if not path.is_dir():
            raise UsageError(str(path), found="no such folder", expected="a submission, or a folder of submissions")
        folders = _folders(path)
        if not folders:
            fix = "`molmix-bench submit --init RUN` makes one of a run"
            raise UsageError(str(path), found="no submission", expected="one, or a folder of them", fix=fix)
        for folder in folders:
            if folder.name in found:
                fix = "rename one: on the page, the folder's name stands for the submission"
                raise UsageError(str(folder), found=f"another submission {folder.name!r}", expected="one", fix=fix)
            found[folder.name] = folder
    return dict(sorted(found.items()))


def _folders(path: Path) -> list[Path]:
    if (path / SUBMISSION_FILE).exists() or (path / PREDICTIONS_DIR).exists():
        # With its name, also where it is given as `.`.
        return [path.resolve()]
    with os.scandir(path) as entries:
        names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    if len(names) > MAX_SUBMISSIONS:
        raise UsageError(str(path), found=f"{len(names):,} folders", expected=f"at most {MAX_SUBMISSIONS:,}")
    return [path / name for name in sorted(names)]
