"""The other end of `run_confined`: takes limits on itself, then calls the function that it is told to call.

Reads a job as JSON from stdin; writes a line of JSON for each item, then one that says how it ended.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from molmix_bench.errors import MolmixError
from molmix_bench.submissions.confined import OUT_OF_MEMORY

_PR_SET_PDEATHSIG = 1
_NOT_NEEDED = ("pandas", "scipy")
"""Arrow imports the one to hand out any array, numba the other to see if it is there: a quarter of a second each."""
_MESSAGE_BYTES = 64 << 20
"""Of any file that it writes, such as its messages or compiled code."""


def main() -> None:
    """Does one job and exits."""
    # What a library prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _end_with_parent()
    for name in _NOT_NEEDED:
        sys.modules[name] = None  # type: ignore[assignment]  # as if it were not installed, which both put up with
    job = json.load(sys.stdin)
    limits = job["limits"]
    # Importing is trusted, and takes most of the address space; so the limits come after it.
    function = getattr(importlib.import_module(job["module"]), job["name"])
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    _limit_memory(limits["memory_bytes"])

    def _answer(kind: str, content: Any = None) -> None:
        answers.write(json.dumps({"kind": kind, "content": content}) + "\n")
        answers.flush()
        _limit_time(limits["cpu_seconds"])

    _limit_time(limits["cpu_seconds"])
    try:
        for item in function(**job["arguments"]):
            _answer("item", item)
    except MolmixError as error:
        _answer("error", [type(error).__name__, error.where, error.found, error.expected, error.fix])
    except (MemoryError, pa.ArrowMemoryError):
        os._exit(OUT_OF_MEMORY)
    else:
        _answer("end")


def _end_with_parent() -> None:
    """Has Linux end this process with the one that started it, which may be killed before it can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit_memory(num_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MESSAGE_BYTES, _MESSAGE_BYTES))
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        total = pages * resource.getpagesize() + num_bytes
        resource.setrlimit(resource.RLIMIT_AS, (total, total))


def _limit_time(seconds: int) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    # The soft limit alone, since a hard one cannot be raised for the next item.
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + 1 + seconds, most))


if __name__ == "__main__":
    main()
