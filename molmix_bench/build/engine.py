"""The pieces of a build's steps, run once each: completion markers make a re-run resume.

A piece is a call that writes files and returns a small JSON value. Once it has returned, the value is stored as the
marker of that piece, and the piece is never run again in this working folder. Where pieces run is an engine's affair.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from molmix_bench.atomic import write_text
from molmix_bench.errors import BuildError

CONTINUES = "the same command continues from here"
"""Ends what every failure of a build says, because it is so."""
_MARKERS = "done"
_MUCH_LARGER = 4
"""Times the mean size: a piece that deserves a word."""


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of a step: a name unique within the step, the call, and its size for the progress bar."""

    name: str
    call: Callable[[], Any]
    size: int = 1


class Engine(Protocol):
    """Says where the pieces of a step run: it calls each once, in any order and place."""

    def prepare(self, work: Path, files: Sequence[Path]) -> None:
        """Makes sure that pieces find the working folder and the raw files wherever they run.

        Raises:
            BuildError: some place has no part in the working folder or lacks a file.
        """

    def execute(self, step: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        """Yields each piece with its value as it finishes.

        Raises:
            BuildError: a piece cannot be done here; those that were yielded are.
        """

    def close(self) -> None:
        """Gives back processes and connections."""


class Runner:
    """Runs the steps of one build, each piece at most once in a working folder.

    Args:
        work: the working folder, where markers are kept.
        engine: where pieces run.
    """

    def __init__(self, work: Path, engine: Engine) -> None:
        self._work = work
        self._engine = engine

    def run(self, step: str, tasks: Sequence[Task], *, unit: str) -> list[Any]:
        """Returns the value of each piece, in the order given; shows a progress bar with rate and ETA on a terminal."""
        values: dict[str, Any] = {}
        waiting = []
        for task in tasks:
            marker = self._marker(step, task.name)
            if marker.is_file():
                values[task.name] = json.loads(marker.read_text(encoding="utf-8"))
            else:
                waiting.append(task)
        total = sum(task.size for task in tasks)
        done = total - sum(task.size for task in waiting)
        with tqdm(desc=step, total=total, initial=done, unit=unit, unit_scale=True, disable=None, leave=False) as bar:
            for task, value in self._engine.execute(step, waiting):
                text = json.dumps(value)
                with explained(step, task):
                    write_text(self._marker(step, task.name), text)
                # Read back, so that a resumed build sees exactly the types of an uninterrupted one.
                values[task.name] = json.loads(text)
                bar.update(task.size)
        return [values[task.name] for task in tasks]

    def _marker(self, step: str, name: str) -> Path:
        return self._work / _MARKERS / step / f"{name}.json"


def say_where(step: str, task: Task) -> str:
    """Returns the words by which errors name a piece."""
    return f"build step {step}, piece {task.name}"


def name_largest(step: str, tasks: Sequence[Task]) -> str:
    """Returns a remark on a piece that is far larger than the others of its step, or nothing.

    >>> name_largest("merge", [Task("00000", int, 900), *(Task(f"{n:05d}", int, 10) for n in range(1, 10))])
    '; piece 00000 of merge is 9.1 times the mean of its step'
    """
    mean = sum(task.size for task in tasks) / max(1, len(tasks))
    largest = max(tasks, key=lambda task: task.size, default=None)
    if largest is None or largest.size < _MUCH_LARGER * mean:
        return ""
    return f"; piece {largest.name} of {step} is {largest.size / mean:,.1f} times the mean of its step"


@contextmanager
def explained(step: str, task: Task, *, machine: str = "") -> Iterator[None]:
    """Tells an error of the operating system (a full disk, a folder gone) as one of the build.

    Args:
        step: the step.
        task: the piece.
        machine: the node that it ran on, where that is not this one.
    """
    try:
        yield
    except OSError as error:
        where = say_where(step, task) + (f" on node {machine}" if machine else "")
        raise BuildError(where, found=f"{error.strerror or error}", fix=f"mend that; {CONTINUES}") from error
