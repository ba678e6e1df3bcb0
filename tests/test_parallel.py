"""Tests of applying a function in worker processes."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
import time
from functools import partial

import pytest

from molmix_bench.errors import WorkerError
from molmix_bench.parallel import map_in_order


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers):
    """Results come in the order of the items, whoever finishes first, and none for no items."""
    assert list(map_in_order(operator.neg, range(50), workers=workers)) == [-item for item in range(50)]
    assert list(map_in_order(operator.neg, [], workers=workers)) == []


def test_items_are_read_as_needed():
    """Items are read only a little ahead of the results, so that they never fill the memory."""
    taken = []
    items = (taken.append(item) or item for item in range(1_000))
    results = map_in_order(operator.neg, items, workers=2)
    assert next(results) == 0
    assert len(taken) <= 8
    results.close()


def test_errors_come_back():
    """An exception in a worker is raised here."""
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(partial(operator.floordiv, 1), [1, 0], workers=2))


def test_killed_worker():
    """A worker that is killed ends the work with an error that says so, not with missing results."""
    with pytest.raises(WorkerError, match="worker processes: one was killed"):
        list(map_in_order(os._exit, [9], workers=2))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which cores a process may use")
def test_pinned_workers_are_named():
    """Where OpenMP has pinned the calling process to fewer cores than there are workers, that is said."""
    code = (
        "import os, operator\n"
        "from molmix_bench.parallel import map_in_order\n"
        "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "print(list(map_in_order(operator.neg, [1, 2], workers=2)))\n"
    )
    for pinned in (True, False):
        environment = {**os.environ, "OMP_PROC_BIND": "true"} if pinned else _unpinned()
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == "[-1, -2]\n"
        assert ("2 workers share 1 of" in done.stderr) is pinned


def _unpinned():
    return {name: value for name, value in os.environ.items() if name != "OMP_PROC_BIND"}


def test_workers_do_not_outlive_a_killed_parent():
    """Worker processes end by themselves when the process that started them is killed."""
    code = (
        "import os\n"
        "from molmix_bench.parallel import map_in_order\n"
        "results = map_in_order(os.getpgid, [0] * 20, workers=2)\n"
        "print(next(results), flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    with parent:
        group = int(parent.stdout.readline())
    assert group == parent.pid
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.2)
    pytest.fail("some process is still alive")
