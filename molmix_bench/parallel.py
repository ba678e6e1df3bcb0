"""Worker processes of this machine, and a function applied by them to many items in bounded memory."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from molmix_bench.errors import WorkerError
from molmix_bench.talk import say

if TYPE_CHECKING:
    from joblib.externals.loky import ProcessPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4
"""Items in work or waiting, per worker: enough to keep each busy, few enough to hold in memory."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
"""Environment of worker processes, of which there are as many as cores."""
_MIB = 1 << 20
_KEEP_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(64 * _MIB),
    "MALLOC_TOP_PAD_": str(16 * _MIB),
    "MALLOC_MMAP_THRESHOLD_": str(4 * _MIB),
}
"""Has glibc keep what RDKit and InChI give back and take again for every molecule: a tenth less time. Other systems
do not read it. Larger blocks, those of arrays, still go back at once."""


def start_pool(workers: int) -> ProcessPoolExecutor:
    """Returns a pool of worker processes: one thread each, and none outlives this process.

    As many threads as cores in every worker would only fight; a worker that outlived a killed build would write beside
    the resumed one.
    """
    # Like the one in the standard library, but a script needs no `if __name__ == "__main__"` around a call that uses
    # it. Imported here, as most that import this file start no pool.
    from joblib.externals.loky import ProcessPoolExecutor

    cores = _own_cores()
    if cores < workers and "OMP_PROC_BIND" in os.environ:
        say(f"{workers} workers share {cores} of {os.cpu_count()} cores, where OMP_PROC_BIND has pinned this process")
    environment = {**ONE_THREAD, **_KEEP_MEMORY}
    return ProcessPoolExecutor(workers, env=environment, initializer=_start_worker, initargs=(os.getpid(),))


def _own_cores() -> int:
    """Returns the number of cores that this process, and so each that it starts, may run on."""
    if hasattr(os, "sched_getaffinity"):  # Linux has it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_in_order(function: Callable[[Item], Result], items: Iterable[Item], *, workers: int) -> Iterator[Result]:
    """Yields the function's results in the order of the items, which are read only shortly before they are needed.

    Args:
        function: importable by its name, since worker processes import it.
        items: pickled on their way to a worker, as results are on their way back.
        workers: number of processes; 1 runs everything in this process.

    Raises:
        WorkerError: a worker process was killed.
    """
    if workers == 1:
        yield from map(function, items)
        return
    with start_pool(workers) as pool:
        pending: deque[Future[Result]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) == _AHEAD * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool:
            raise WorkerError(
                "worker processes",
                found="one was killed, most likely for want of memory",
                fix="use fewer workers, or free memory; then call again",
            ) from None
        finally:
            for future in pending:
                future.cancel()


def give_back_memory() -> None:
    """Gives the system what Arrow keeps of the memory that it no longer uses: as much again as it used at most."""
    pa.default_memory_pool().release_unused()


def calm_arrow() -> None:
    """Has pyarrow, in this process, use one thread and never load pandas, where that is installed.

    It looks whether pandas is there when it first converts a list, to know a pandas object when it sees one: 0.2 s, in
    every process, and none of ours has such objects.
    """
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(hidden)


class _Hidden:
    """An importer that says of pandas that it is not installed; pyarrow asks once and remembers the answer."""

    def find_spec(self, name: str, *_: object) -> None:
        """Raises for pandas; leaves everything else to others."""
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _start_worker(parent: int) -> None:
    calm_arrow()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Ends this worker soon after the process that started it, which may be killed without a chance to say so."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
