"""The engine `local`: pieces run in worker processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

from molmix_bench.build.engine import CONTINUES, Task, explained, name_largest
from molmix_bench.errors import BuildError
from molmix_bench.parallel import give_back_memory, start_pool


class LocalEngine:
    """Runs pieces in worker processes of this machine.

    Args:
        workers: number of processes; 1 runs everything in this process.
    """

    def __init__(self, *, workers: int) -> None:
        self._workers = workers
        self._pool: Executor | None = None

    def prepare(self, work: Path, files: Sequence[Path]) -> None:
        """Does nothing: worker processes see what this process sees."""

    def execute(self, step: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        """Yields each piece with its value as it finishes; the largest pieces start first."""
        # A lone piece goes to workers that there are: this process then loads nothing, and stays small.
        if self._workers == 1 or not tasks or (len(tasks) == 1 and self._pool is None):
            for task in tasks:
                with explained(step, task):
                    value = task.call()
                yield task, value
            return
        pool = self._start()
        largest_first = sorted(tasks, key=lambda task: -task.size)
        futures: dict[Future[Any], Task] = {pool.submit(partial(_call, task.call)): task for task in largest_first}
        try:
            for future in as_completed(futures):
                with explained(step, futures[future]):
                    value = future.result()
                yield futures[future], value
        except BrokenProcessPool:
            raise BuildError(
                f"build step {step}",
                found=f"a worker process was killed, most likely for want of memory{name_largest(step, tasks)}",
                fix=f"use fewer --workers; {CONTINUES}",
            ) from None
        finally:
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """Stops the worker processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None

    def _start(self) -> Executor:
        if self._pool is None:
            self._pool = start_pool(self._workers)
        return self._pool


def _call(piece: Callable[[], Any]) -> Any:
    try:
        return piece()
    finally:
        # A worker that waits for others, or does smaller pieces next, would hold what its largest piece took.
        give_back_memory()
