"""Submissions as entries of a board: checked, scored, or refused with all reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from leaderboard.mixes import Mixes
from molmix_bench.errors import MolmixError
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.specs.submission import SUBMISSION_FILE, SubmissionSpec
from molmix_bench.submissions.check import Problem, check_submission
from molmix_bench.submissions.entry import HashedFile, declared_mix, score_submission
from molmix_bench.talk import say


class Verification(StrEnum):
    """How far the scores of a row are verified."""

    REPORTED = "reported"
    """Numbers only, as in a paper."""
    SCORED = "scored"
    """From predictions, on labels that are public."""
    REPRODUCED = "reproduced"
    """A maintainer ran the stated command again."""
    BLIND = "blind"
    """From predictions, on labels that were withheld."""


class Scored(Protocol):
    """What a board knows of a submission: a `ScoredSubmission`, or one that reads its large table when it is asked."""

    @property
    def spec(self) -> SubmissionSpec:
        """What the submission says of itself."""

    @property
    def files(self) -> tuple[HashedFile, ...]:
        """Those that were scored."""

    @property
    def table(self) -> Scores:
        """Means over seeds, of tasks too; and of each seed what is taken over several tasks. Without replicates."""

    @property
    def macros(self) -> Scores:
        """The means over seeds of `macro`, with their replicates."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A submission that was scored."""

    name: str
    """Of its folder; no other entry has it."""
    mix: Mix
    submission: Scored
    verification: Verification = Verification.SCORED
    submitted: datetime | None = None
    """When, in UTC; none where that is not known, as of a folder."""
    user: str | None = None
    """Who sent it, as the service knows them; none where that is not known."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A submission that cannot be scored."""

    name: str
    mix: str | None
    """The name of the mix it was checked against; none where it names none."""
    problems: tuple[Problem, ...]


def read_entries(
    folders: Mapping[str, Path], mixes: Mixes, *, replicates: int = REPLICATES
) -> tuple[tuple[Entry, ...], tuple[Refused, ...]]:
    """Returns the submissions that could be scored, and those that could not, in the order of `folders`."""
    found = []
    for number, (name, folder) in enumerate(folders.items(), 1):
        say(f"{number}/{len(folders)}: {name!r}")
        found.append(read_entry(name, folder, mixes, replicates=replicates))
    entries = tuple(item for item in found if isinstance(item, Entry))
    return entries, tuple(item for item in found if isinstance(item, Refused))


def read_entry(
    name: str,
    folder: Path,
    mixes: Mixes,
    *,
    replicates: int = REPLICATES,
    checked: Callable[[], object] = lambda: None,
) -> Entry | Refused:
    """Returns a submission checked and scored; strangers' bytes are read in other processes, with limits.

    Args:
        name: of the entry.
        folder: the submission's.
        mixes: with the one that it predicts.
        replicates: of the bootstrap.
        checked: called when the check found nothing wrong, before scoring.
    """
    mix = mixes.only
    if mix is None:
        try:
            declared = declared_mix(folder)
        except MolmixError as error:
            return _refused(name, folder, None, (_problem(error),))
        mix = mixes.get(declared)
        if mix is None:
            found = "no mix that is legible" if declared is None else f"mix {declared!r:.80}"
            expected = f"predicts.name to be one of {mixes.known()}"
            return _refused(name, folder, None, (Problem(SUBMISSION_FILE, found, expected, "correct predicts.name"),))
    # Whatever error comes of a stranger's files, that process may have chosen: it is a refusal, never our end.
    try:
        problems = check_submission(folder, mix)
        if problems:
            return _refused(name, folder, mix, problems)
        checked()
        return Entry(name, mix, score_submission(folder, mix, replicates=replicates))
    except MolmixError as error:
        return _refused(name, folder, mix, (_problem(error),))


def _problem(error: MolmixError) -> Problem:
    return Problem(error.where, error.found, error.expected, error.fix)


def _refused(name: str, folder: Path, mix: Mix | None, problems: tuple[Problem, ...]) -> Refused:
    """Returns a refusal without the places on this machine where the submission and the mix lie."""
    places = {str(folder): name} | ({str(mix.path): mix.name} if mix else {})

    def _without(text: str) -> str:
        for place, short in places.items():
            text = text.replace(place, short)
        return text

    shown = (
        Problem(_without(item.where), _without(item.found), _without(item.expected), item.fix) for item in problems
    )
    return Refused(name, mix.name if mix else None, tuple(shown))
