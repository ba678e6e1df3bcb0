"""Everything that is wrong with a submission, at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from molmix_bench.errors import SubmissionError, UsageError
from molmix_bench.mix import Mix
from molmix_bench.submissions.confined import Limits, printable, run_confined
from molmix_bench.submissions.steps import check_steps, num_values
from molmix_bench.vocab import Split

MAX_ENDS = 3
"""Processes that a submission may bring to their end before the rest of it is left unread."""
MAX_PROBLEMS = 500
_MAX_PARTS = 2
"""Processes side by side, each with as much memory as the limits allow."""
_WORTH_PARTS = 1 << 25
"""Predictions of a seed from which on a second process saves more than its start costs."""
_LAST = 1 << 31
_BYTES_PER_VALUE = 8
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

    It is read in other processes with limits on memory and time, two of them side by side where there is much to read.
    What ends such a process is itself a problem, and the rest is read by the next.

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
    num_parts = min(_MAX_PARTS, os.cpu_count() or 1) if _total_values(mix) >= _WORTH_PARTS else 1
    limits = limits or limits_for(mix)
    with ThreadPoolExecutor(num_parts) as pool:
        parts = list(pool.map(lambda part: _read_part(root, mix, part, num_parts, limits=limits), range(num_parts)))
    problems = sorted(chain.from_iterable(parts), key=lambda placed: placed[0])
    # Steps done twice say the same twice.
    return tuple(dict.fromkeys(problem for _, problem in problems))[:MAX_PROBLEMS]


def _total_values(mix: Mix) -> int:
    splits = (Split.TEST, Split.TEST_SEEN)
    return sum(num_values(dataset, split) for dataset in mix.datasets.values() for split in splits)


def _read_part(root: Path, mix: Mix, part: int, num_parts: int, *, limits: Limits) -> list[tuple[int, Problem]]:
    """Returns the problems of one part of the steps, each behind the number of its step."""
    problems: list[tuple[int, Problem]] = []
    done: list[str] = []
    arguments = {"folder": str(root), "mix": str(mix.path), "skip": done, "part": part, "num_parts": num_parts}
    for _ in range(MAX_ENDS):
        if _read_on(arguments, done, problems, limits=limits) is None:
            return problems
    found = f"{MAX_ENDS} files that ended the process reading them; the rest was not read"
    last = Problem(".", found, "files that can be read", "correct those named and check again")
    return [*problems, (_LAST, last)]


def limits_for(mix: Mix) -> Limits:
    """Returns limits that honest predictions of a mix keep: twice its largest file as float64, and 1 GiB."""
    splits = (Split.VALIDATION, Split.TEST, Split.TEST_SEEN)
    largest = max(num_values(dataset, split) for dataset in mix.datasets.values() for split in splits)
    return Limits(memory_bytes=_BASE_BYTES + 2 * _BYTES_PER_VALUE * largest)


def _read_on(
    arguments: Mapping[str, Any], done: list[str], problems: list[tuple[int, Problem]], *, limits: Limits
) -> str | None:
    """Does the steps that are not done, and returns the one that ended the process, if one did."""
    step, order = "", 0
    try:
        for item in run_confined(check_steps, arguments, limits=limits):
            if not isinstance(item, dict):
                raise SubmissionError(step or ".", found="an answer that is none", expected="a problem")  # noqa: TRY301  # told below
            if "step" in item:
                done += [step] if step else []
                step, number = str(item["step"]), item.get("order")
                order = number if isinstance(number, int) else 0
            elif len(problems) < MAX_PROBLEMS:
                parts = (printable(str(item.get(name, ""))[:2_000]) for name in ("where", "found", "expected", "fix"))
                problems.append((order, Problem(*parts)))
    except SubmissionError as error:
        step = step or "."
        problems.append((order, Problem(step, error.found, error.expected, error.fix)))
        done.append(step)
        return step
    return None
