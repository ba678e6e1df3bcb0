"""Tests of standardisation in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from molmix_bench.chem import apart
from molmix_bench.chem.apart import standardize_apart
from molmix_bench.chem.molecule import standardize_all
from molmix_bench.errors import WorkerError

SMILES = ["OCC", "", "C1CC", "[CH3:2][CH2:0][OH:1]", "CCO", "[Na+].[Cl-]", "*C", "C" * 30, "CC😀"]


@pytest.mark.parametrize("numbered", [False, True])
def test_same_as_here(numbered):
    """What comes back, reasons included, is what the calling process would have found itself."""
    apart_ = standardize_apart(SMILES, max_atoms=20, numbered=numbered)
    assert apart_ == standardize_all(SMILES, max_atoms=20, numbered=numbered)
    assert standardize_apart(iter([]), max_atoms=20) == []


def test_one_process_for_all_calls():
    """Calls share one process, which is not this one."""
    standardize_apart(["C"], max_atoms=20)
    first = apart._running[0]._process.pid
    standardize_apart(["CC"], max_atoms=20)
    assert apart._running[0]._process.pid == first != os.getpid()


def test_loads_no_numpy():
    """The process has not loaded what slows InChI down: importing its program brings in no NumPy."""
    code = "import sys, molmix_bench.chem.apart; print({'numpy', 'pyarrow', 'polars'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_killed():
    """Where it was killed, an error says so; the next call starts another."""
    standardize_apart(["C"], max_atoms=20)
    # Stopped first, so that it is asked while it is still there.
    other = apart._running[0]._process.pid
    os.kill(other, signal.SIGSTOP)
    killer = threading.Timer(0.5, os.kill, (other, signal.SIGKILL))
    killer.start()
    with pytest.raises(WorkerError, match=r"the process that runs RDKit: it ended with status -9.*; use fewer workers"):
        standardize_apart(["C"], max_atoms=20)
    killer.join()
    assert standardize_apart(["OC"], max_atoms=20) == standardize_all(["CO"], max_atoms=20)


def test_ends_with_its_asker():
    """It ends when the process that started it is killed and can tell it nothing."""
    code = (
        "import os\n"
        "from molmix_bench.chem import apart\n"
        "apart.standardize_apart(['C'], max_atoms=20)\n"
        "print(apart._running[0]._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    # `run` reads until standard error, which the other process shares, is closed by both: it returns when both ended.
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == -signal.SIGKILL
    assert int(result.stdout) > 0


def test_a_fork_has_its_own():
    """A process forked off does not talk to that of its parent."""
    standardize_apart(["C"], max_atoms=20)
    code = (
        "import os\n"
        "from molmix_bench.chem import apart\n"
        "apart.standardize_apart(['C'], max_atoms=20)\n"
        "before = apart._running[0]\n"
        "if os.fork() == 0:\n"
        "    found = apart.standardize_apart(['OC'], max_atoms=20)\n"
        "    assert apart._running[0] is not before and found[0].smiles == 'CO'\n"
        "    apart._running[0].close()\n"
        "    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]), apart.standardize_apart(['C'], max_atoms=20)[0].smiles)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.split() == ["7", "C"]
