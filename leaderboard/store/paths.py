"""Which files may be sent, by their names and sizes: what a name says is never part of a place on our disk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from leaderboard.store.limits import UploadLimits
from leaderboard.store.refusals import RefusalError

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_.=+-]{0,99}"
_PATH = re.compile(rf"{_SEGMENT}(/{_SEGMENT}){{0,5}}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NUM_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Announced:
    """A file that is going to be sent."""

    path: str
    """Below the submission's folder."""
    num_bytes: int
    sha256: str | None = None
    """Where the sender knows it: then what arrives must have it."""

    def to_record(self) -> dict[str, Any]:
        """Returns the file as the database has it."""
        return {"path": self.path, "num_bytes": self.num_bytes, "sha256": self.sha256}


def check_announced(files: list[Announced], limits: UploadLimits) -> None:
    """Refuses files that no submission has, or too much of them.

    Raises:
        RefusalError: saying everything that is wrong.
    """
    if not 0 < len(files) <= limits.files:
        raise RefusalError(422, f"{len(files):,} files; a submission has 1 to {limits.files:,}")
    bad = [file.path for file in files if _PATH.fullmatch(file.path) is None]
    if bad:
        raise RefusalError(
            422, f"{_shown(bad)}: send submission.yaml and predictions/<dataset>/<split>/seed=<k>.parquet"
        )
    folded = [file.path.lower() for file in files]
    parents = {parent for path in folded for parent in _parents(path)}
    twice = {path for path in folded if folded.count(path) > 1} if len(set(folded)) < len(folded) else set()
    if clash := sorted(twice | parents & set(folded)):
        raise RefusalError(422, f"{_shown(clash)}: the same name twice, or a file where another path has a folder")
    if wrong := [file.path for file in files if file.sha256 is not None and not _SHA256.fullmatch(file.sha256)]:
        raise RefusalError(422, f"{_shown(wrong)}: sha256 is no 64 hexadecimal digits in lower case")
    total = sum(file.num_bytes for file in files)
    if min(file.num_bytes for file in files) < 0 or total > limits.num_bytes:
        raise RefusalError(413, f"{total:,} bytes; a submission has at most {limits.num_bytes:,}")


def _parents(path: str) -> Iterable[str]:
    pieces = path.split("/")
    return ("/".join(pieces[:end]) for end in range(1, len(pieces)))


def _shown(paths: list[str]) -> str:
    rest = f" and {len(paths) - _NUM_SHOWN:,} more" if len(paths) > _NUM_SHOWN else ""
    return ", ".join(f"{path!r:.120}" for path in paths[:_NUM_SHOWN]) + rest
