"""Everything that is wrong with a submission, at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from molmix_bench.errors import SubmissionError, UsageError
from molmix_bench.mix import Mix
from molmix_bench.submissions.confined import Limits, run_confined
from molmix_bench.submissions.steps import check_steps
from molmix_bench.vocab import Level, Split

MAX_ENDS = 3
"""Processes that a submission may bring to their end before the rest of it is left unread."""
MAX_PROBLEMS = 500
_BYTES_PER_VALUE = 8
_ATOMS_PER_MOLECULE = 64
_BASE_BYTES = 1 << 30
"""For compiled code, batches and labels."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a submission: as an error says it, and what to do is never left out."""

    where: str
    found: str
    expected: str
    fix: str


def check_submission(folder: str | Path, mix: Mix, *, limits: Limits | None = None) -> tuple[Problem, ...]:
    """Returns everything that is wrong with a submission's folder; nothing where it can be scored.

    It is read in another process with limits on memory and time. What ends that process is itself a problem, and
    the rest is read by the next process.

    Args:
        folder: with `submission.yaml` and `predictions/`.
        mix: the labels.
        limits: on the process; by the size of the mix's test split when not given.

    Raises:
        UsageError: there is no such folder.
        MixError: the mix cannot be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(str(root), found="no such folder", expected="one with submission.yaml and predictions/")
    problems: list[Problem] = []
    done: list[str] = []
    for _ in range(MAX_ENDS):
        step = _read_on(root, mix, done, problems, limits=limits or limits_for(mix))
        if step is None:
            break
    else:
        found = f"{MAX_ENDS} files that ended the process reading them; the rest was not read"
        problems.append(Problem(".", found, "files that can be read", "correct those named and check again"))
    # Steps done twice say the same twice.
    return tuple(dict.fromkeys(problems))[:MAX_PROBLEMS]


def limits_for(mix: Mix) -> Limits:
    """Returns limits that honest predictions of a mix keep: twice its largest file as float64, and 1 GiB."""
    largest = max(
        dataset.splits.get(split, 0)
        * len(dataset.tasks)
        * (dataset.num_classes or 1)
        * (_ATOMS_PER_MOLECULE if dataset.level is Level.NODE else 1)
        for dataset in mix.datasets.values()
        for split in (Split.VALIDATION, Split.TEST, Split.TEST_SEEN)
    )
    return Limits(memory_bytes=_BASE_BYTES + 2 * _BYTES_PER_VALUE * largest)


def _read_on(root: Path, mix: Mix, done: list[str], problems: list[Problem], *, limits: Limits) -> str | None:
    """Does the steps that are not done, and returns the one that ended the process, if one did."""
    step: str | None = None
    arguments = {"folder": str(root), "mix": str(mix.path), "skip": list(done)}
    try:
        for item in run_confined(check_steps, arguments, limits=limits):
            if not isinstance(item, dict):
                raise SubmissionError(step or ".", found="an answer that is none", expected="a problem")  # noqa: TRY301
            if "step" in item:
                done += [step] if step else []
                step = str(item["step"])
            elif len(problems) < MAX_PROBLEMS:
                parts = (str(item.get(name, ""))[:2_000] for name in ("where", "found", "expected", "fix"))
                problems.append(Problem(*parts))
    except SubmissionError as error:
        step = step or "."
        problems.append(Problem(step, error.found, error.expected, error.fix))
        done.append(step)
        return step
    return None
