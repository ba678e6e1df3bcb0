"""Tests of running a generator where limits hold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from molmix_bench.errors import SubmissionError, UsageError
from molmix_bench.submissions.confined import Limits, run_confined

SMALL = Limits(memory_bytes=256 << 20, cpu_seconds=1, wall_seconds=20)


def count_to(number):
    """Yields 1 to `number`."""
    yield from range(1, number + 1)


def take_memory():
    """Yields once, then takes more memory than it may."""
    yield "before"
    yield len(np.ones(1 << 30, np.uint8))


def compute():
    """Never ends."""
    yield "before"
    while True:
        pass


def sleep():
    """Waits without computing."""
    yield "before"
    time.sleep(600)


def die():
    """Ends as by the system."""
    yield "before"
    os.kill(os.getpid(), signal.SIGKILL)


def abort():
    """Ends as by a failed assertion of a library."""
    yield "before"
    os.abort()


def fail():
    """Fails in a way nobody foresaw."""
    yield "before"
    raise ZeroDivisionError("of the test")


def refuse():
    """Raises an error of the package."""
    yield "before"
    raise UsageError("here", found="this", expected="that", fix="do so")


def environment():
    """Yields what the process sees of the environment, and whether it would import from the folder it is in."""
    yield [sorted(os.environ), "" in sys.path or str(Path.cwd()) in sys.path[:1]]


def talk():
    """Prints, as libraries may, what looks like an answer."""
    print('{"kind": "item", "content": "forged"}', flush=True)  # noqa: T201  # what is tested
    yield "true"


def test_items_arrive_in_order():
    """What a generator yields, and its end."""
    assert list(run_confined(count_to, {"number": 5})) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (take_memory, "takes more than 0.2 GiB of memory"),
        (compute, "takes more than 1 s"),
        (die, "ends in SIGKILL"),
        (abort, "ends in SIGABRT"),
        (fail, "ZeroDivisionError: of the test"),
    ],
)
def test_a_process_that_ends_is_a_refusal(function, message):
    """With its reason, after what it yielded before."""
    items = run_confined(function, {}, limits=SMALL)
    assert next(items) == "before"
    with pytest.raises(SubmissionError, match=message):
        next(items)


def test_a_process_that_waits_is_killed():
    """By the clock, as it takes no time of the processor."""
    began = time.monotonic()
    items = run_confined(sleep, {}, limits=Limits(wall_seconds=5))
    assert next(items) == "before"
    with pytest.raises(SubmissionError, match="no answer in 5 s"):
        next(items)
    assert time.monotonic() - began < 60


def count_slowly():
    """Yields for ever, each item in time."""
    while True:
        time.sleep(0.2)
        yield "item"


def test_many_slow_items_are_too_many():
    """Each is within its limit; together they are not."""
    items = run_confined(count_slowly, {}, limits=Limits(total_seconds=4))
    with pytest.raises(SubmissionError, match="no end in 4 s"):
        assert set(items) == {"item"}


def test_errors_of_the_package_come_back_as_they_are():
    """Their class and their four parts."""
    items = run_confined(refuse, {})
    next(items)
    with pytest.raises(UsageError) as caught:
        next(items)
    assert (caught.value.where, caught.value.found, caught.value.expected, caught.value.fix) == (
        "here",
        "this",
        "that",
        "do so",
    )


def test_secrets_stay_outside(monkeypatch, tmp_path):
    """Neither the environment's other variables nor the folder we are in reach the process."""
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("raise SystemExit('imported from a stranger')", encoding="utf-8")
    (found,) = run_confined(environment, {})
    assert "HF_TOKEN" not in found[0]
    assert found[1] is False


def test_what_is_printed_is_no_answer():
    """Stdout of the process is where its messages go."""
    assert list(run_confined(talk, {})) == ["true"]


def test_a_process_that_is_no_longer_needed_is_ended(monkeypatch):
    """When nobody asks for the next item."""
    started = []
    popen = subprocess.Popen

    def record(*args, **kwargs):
        started.append(popen(*args, **kwargs))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", record)
    items = run_confined(compute, {}, limits=Limits())
    next(items)
    assert [process.poll() for process in started] == [None]
    items.close()
    assert [process.poll() for process in started] == [-signal.SIGKILL]
