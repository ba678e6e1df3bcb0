"""Tests of compiling loops."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

from molmix_bench.graphs.compiled import compiled


def _double(values):
    for index in range(len(values)):
        values[index] *= 2


def test_compiled_loops_do_the_same():
    """The compiled function does what the function does."""
    values = np.arange(3)
    compiled(_double)(values)
    assert values.tolist() == [0, 2, 4]


def test_nowhere_to_keep_the_machine_code():
    """Where no cache can be written, as in a read-only container, functions are compiled all the same."""
    code = (
        "import numpy as np\n"
        "from molmix_bench.graphs.collate import _count\n"
        "print(_count(np.array([0, 3]), np.array([0, 2]), np.array([0, 0])), _count.stats.cache_path)\n"
    )
    # The one kind of cache that numba may look for is that of code inside a zip file.
    env = os.environ | {"NUMBA_CACHE_LOCATOR_CLASSES": "ZipCacheLocator"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert result.stdout.strip() == "(6, 4) None"
