"""Code that reads what strangers sent, run in a process of its own with limits on memory and time.

A file of 863 bytes can ask for gigabytes, and a library that reads it may crash. Here that ends the other process and
becomes a refusal. What comes back is JSON, never a pickle, so that a process taken over by a file can lie about that
file's scores and do no more.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import molmix_bench
from molmix_bench import errors
from molmix_bench.errors import MolmixError, SubmissionError
from molmix_bench.parallel import ONE_THREAD

READER = "the process that reads submissions"
"""Where errors happen that no file is named for."""
OUT_OF_MEMORY = 71
"""Exit status of a process in which Python or a library found no more memory."""
MAX_LINE_BYTES = 64 << 20
"""Of one item, as JSON."""
MAX_ITEMS = 1_000_000
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "NUMBA_CACHE_DIR", "MOLMIX_CACHE")
"""Of the environment, whose other variables may hold secrets."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may take; of the times, all but the last are for one item, and begin anew with the next."""

    memory_bytes: int = 2 << 30
    """Of address space, beyond what the process has taken before it reads anything. Enforced on Linux only."""
    cpu_seconds: int = 60
    wall_seconds: float = 120.0
    total_seconds: float = 1_800.0
    """By the clock, for all items: many slow files are as bad as one."""


def run_confined(
    function: Callable[..., Iterator[Any]], arguments: Mapping[str, Any], *, limits: Limits | None = None
) -> Iterator[Any]:
    """Yields what a generator yields that runs in a process of its own, with limits.

    Args:
        function: importable by its name; it yields what JSON can hold.
        arguments: by keyword, of what JSON can hold.
        limits: the default ones where there are none.

    Raises:
        SubmissionError: the process was ended by a limit, or crashed.
        MolmixError: what the function raised itself, of the same class.
    """
    limits = limits or Limits()
    job = {"module": function.__module__, "name": function.__name__, "arguments": arguments, "limits": asdict(limits)}
    with tempfile.TemporaryFile() as messages, _start(messages) as process:
        try:
            assert process.stdin is not None  # noqa: S101  # for the type checker; it is a pipe
            try:
                process.stdin.write(json.dumps(job).encode())
                process.stdin.close()
            except BrokenPipeError:
                raise _refusal(process.wait(), limits, messages) from None
            yield from _items(process, limits, messages)
        finally:
            # Its group too: a process taken over could have started others.
            _kill(process)


def _start(messages: IO[bytes]) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    # As much address space as memory is used: one pool for threads, none of Arrow's that reserve ahead.
    environment |= ONE_THREAD | {"MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    environment["PYTHONPATH"] = str(Path(molmix_bench.__file__).parent.parent)
    # -P: no module is imported from the folder we are in, which may be a stranger's.
    return subprocess.Popen(  # our own interpreter and module
        [sys.executable, "-P", "-m", "molmix_bench.submissions.confined_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=messages,
        env=environment,
        start_new_session=True,
    )


def _items(process: subprocess.Popen[bytes], limits: Limits, messages: IO[bytes]) -> Iterator[Any]:
    for count, line in enumerate(_lines(process, limits)):
        try:
            message = json.loads(line)
            kind, content = message["kind"], message["content"]
        except (ValueError, RecursionError, KeyError, TypeError):
            raise _broken("an answer that is none") from None
        if count > MAX_ITEMS:
            raise _broken(f"over {MAX_ITEMS:,} answers")
        if kind == "end":
            return
        if kind == "error":
            raise _error(content)
        yield content
    raise _refusal(process.wait(), limits, messages)


def _lines(process: subprocess.Popen[bytes], limits: Limits) -> Iterator[bytes]:
    """Yields the lines that the process writes; the clock starts again with each."""
    assert process.stdout is not None  # noqa: S101  # for the type checker; it is a pipe
    buffer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        end = time.monotonic() + limits.total_seconds
        deadline = time.monotonic() + limits.wall_seconds
        while True:
            left = min(deadline, end) - time.monotonic()
            if left <= 0 or not selector.select(left):
                slow = f"no end in {limits.total_seconds:g} s" if end < deadline else ""
                raise _broken(slow or f"no answer in {limits.wall_seconds:g} s")
            chunk = os.read(process.stdout.fileno(), 1 << 20)
            if not chunk:
                return
            *lines, buffer = (buffer + chunk).split(b"\n")
            yield from lines
            if len(buffer) > MAX_LINE_BYTES:
                raise _broken(f"an answer of over {MAX_LINE_BYTES:,} bytes")
            if lines:
                deadline = time.monotonic() + limits.wall_seconds


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # It ended by itself, and none of its group is left.
        process.poll()


def _error(content: Any) -> MolmixError:
    """Returns the error that the function raised, whose words the process chose."""
    try:
        name, where, found, expected, fix = (printable(str(part)[:10_000]) for part in content)
    except (TypeError, ValueError):
        return _broken("an error that is none")
    kind: type[MolmixError] = getattr(errors, name) if name in errors.__all__ else SubmissionError
    return kind(where, found=found, expected=expected, fix=fix)


def printable(text: str) -> str:
    """Returns a text without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _refusal(status: int, limits: Limits, messages: IO[bytes]) -> SubmissionError:
    """Returns why a process ended before its time."""
    memory = f"{limits.memory_bytes / (1 << 30):.1f} GiB of memory"
    if status == OUT_OF_MEMORY:
        return _broken(f"reading it takes more than {memory}")
    if status == -signal.SIGXCPU:
        return _broken(f"reading it takes more than {limits.cpu_seconds} s")
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = str(-status)
        return _broken(f"reading it ends in {name}, as with more than {memory} or a damaged file")
    messages.seek(max(0, messages.seek(0, os.SEEK_END) - 2_000))
    lines = messages.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return _broken(f"reading it fails: {last!r:.300}")


def _broken(found: str) -> SubmissionError:
    fix = "write the file again with `molmix-bench predict`, or as its page on the format says"
    return SubmissionError(READER, found=found, expected="a readable file", fix=fix)
