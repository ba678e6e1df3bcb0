"""Where the steps of a build run: processes of this machine, with completion markers that make a re-run resume.

A step is a function of a name and arguments that writes files and returns a small JSON value. Once it has returned,
the value is stored as the marker of that piece of work, and the piece is never run again in this working folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from molmix_bench.atomic import write_text
from molmix_bench.errors import BuildError
from molmix_bench.parallel import start_pool

_MARKERS = "done"


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of a step: a name unique within the step, the call, and its size for the progress bar."""

    name: str
    call: Callable[[], Any]
    size: int = 1


class Engine(Protocol):
    """Runs the pieces of a step, in any order and place, and returns their values in the order given."""

    def run(self, step: str, tasks: Sequence[Task], *, unit: str) -> list[Any]:
        """Returns the value of each piece; pieces with a marker are not run again."""


class LocalEngine:
    """Runs pieces in worker processes of this machine.

    Args:
        work: the working folder of the build, where markers are kept.
        workers: number of processes; 1 runs everything in this process.
    """

    def __init__(self, work: Path, *, workers: int) -> None:
        self._work = work
        self._workers = workers
        self._pool: Executor | None = None

    def run(self, step: str, tasks: Sequence[Task], *, unit: str) -> list[Any]:
        """Returns the value of each piece; shows a progress bar with rate and ETA on a terminal."""
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
            for task, value in self._execute(step, waiting):
                write_text(self._marker(step, task.name), json.dumps(value))
                # Read back, so that a resumed build sees exactly the types of an uninterrupted one.
                values[task.name] = json.loads(json.dumps(value))
                bar.update(task.size)
        return [values[task.name] for task in tasks]

    def close(self) -> None:
        """Stops the worker processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None

    def _execute(self, step: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        if self._workers == 1 or len(tasks) <= 1:
            for task in tasks:
                with _explained(step, task):
                    value = task.call()
                yield task, value
            return
        pool = self._start()
        futures: dict[Future[Any], Task] = {pool.submit(task.call): task for task in tasks}
        try:
            for future in as_completed(futures):
                with _explained(step, futures[future]):
                    value = future.result()
                yield futures[future], value
        finally:
            for future in futures:
                future.cancel()

    def _start(self) -> Executor:
        if self._pool is None:
            self._pool = start_pool(self._workers)
        return self._pool

    def _marker(self, step: str, name: str) -> Path:
        return self._work / _MARKERS / step / f"{name}.json"


@contextmanager
def _explained(step: str, task: Task) -> Iterator[None]:
    where = f"build step {step}, piece {task.name}"
    again = "the same command continues from here"
    try:
        yield
    except BrokenProcessPool:
        raise BuildError(
            where,
            found="a worker process was killed, most likely for want of memory",
            fix=f"use fewer --workers; {again}",
        ) from None
    except OSError as error:
        raise BuildError(where, found=f"{error.strerror or error}", fix=f"mend that; {again}") from error
