"""Standardisation in a process that has loaded RDKit and nothing else beside it.

NumPy's wheels bring libquadmath, which adds a conversion to the C library's `printf`. From then on a process formats
all numbers the slow way (glibc's `printf_positional`), and InChI formats many: on ToyMix, RDKit and InChI take 1.04
times the CPU once NumPy is loaded, and 1.06 times it beside all that a build loads. So whoever has loaded them hands
SMILES to a process that has not. It keeps nothing between two requests, and ends when the process that asks does.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, cast

from molmix_bench.chem.molecule import Molecule, Rejected, standardize_all
from molmix_bench.errors import WorkerError

# By its paths, not by `-m`, which would look into the current folder first.
_PROGRAM = "import sys; sys.path[:] = {path!r}; from molmix_bench.chem.apart import answer_requests; answer_requests()"


def standardize_apart(smiles: Iterable[str], *, max_atoms: int, numbered: bool = False) -> list[Molecule | Rejected]:
    """Returns what `standardize_all` does, worked out in another process, which is started at the first call.

    Raises:
        WorkerError: that process was killed.
    """
    with _lock:
        return _chemist().ask((list(smiles), max_atoms, numbered))


class _Chemist:
    """The other process, seen from the one that asks."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", _PROGRAM.format(path=sys.path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own
        self._requests, self._answers = cast("tuple[IO[bytes], ...]", (self._process.stdin, self._process.stdout))
        self._owner = os.getpid()
        atexit.register(self.close)

    @property
    def usable(self) -> bool:
        """Whether it runs and is this process's own, not one that a process had before it forked into two."""
        return self._owner == os.getpid() and self._process.poll() is None

    def ask(self, request: tuple[list[str], int, bool]) -> list[Molecule | Rejected]:
        """Returns its answer."""
        try:
            pickle.dump(request, self._requests)
            self._requests.flush()
            found: list[Molecule | Rejected] = pickle.load(self._answers)  # noqa: S301 - our own
        except (BrokenPipeError, EOFError, pickle.UnpicklingError):
            self.close()
            raise WorkerError(
                "the process that runs RDKit",
                found=f"it ended with status {self._process.returncode}, most likely for want of memory",
                fix="use fewer workers, or free memory; then call again",
            ) from None
        return found

    def close(self) -> None:
        """Ends it and waits, so that its CPU time counts as this process's; another process's is left alone."""
        atexit.unregister(self.close)
        if self._owner != os.getpid():
            return
        self._answers.close()
        with suppress(BrokenPipeError):
            self._requests.close()
        self._process.wait()


_lock = threading.Lock()
_running: list[_Chemist] = []
"""The chemist of this process, once there is one."""


def _chemist() -> _Chemist:
    if not _running or not _running[0].usable:
        _running[:] = [_Chemist()]
    return _running[0]


def answer_requests() -> None:
    """Standardises what comes on standard input, until that ends."""
    # Ctrl-C reaches every process of the terminal; this one ends with the one that it works for.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What a C library prints must not come between answers.
    os.dup2(2, 1)
    with suppress(EOFError, BrokenPipeError):
        while True:
            smiles, max_atoms, numbered = pickle.load(requests)  # noqa: S301 - from the process that started this one
            pickle.dump(standardize_all(smiles, max_atoms=max_atoms, numbered=numbered), answers)
            answers.flush()
    # At once: there is nothing to tidy up, and taking RDKit down costs a while.
    os._exit(0)
