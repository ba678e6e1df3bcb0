"""Featurising by two workers beside one, in a process of its own: `two_workers`.

Where OpenMP's threads are pinned, as `make bench` has them, the thread that imports torch is bound to one core, and so
is every process that it starts: two workers would share it.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median

from molmix_bench.graphs.build import MOLECULES_PER_PIECE
from molmix_bench.graphs.piece import featurize_piece
from molmix_bench.parallel import map_in_order
from molmix_bench.specs.features import FeatureSpec
from tests.benchmarks.turns import Record, record

FULL = FeatureSpec(rwse=16, laplacian=8)
REPEATS = 40
"""The pool takes the molecules so often, that the end, when one has nothing left to do, counts little."""
SECONDS_ALONE = 5
NUM_RUNS = 3
"""Of pools and of processes, from each of which the median counts."""


def two_workers(smiles: list[str], *, folder: Path) -> list[Record]:
    """Returns molecules per second of two worker processes at work, and of two that share nothing, against one.

    Cores share caches and memory: the second ratio is what the machine allows.

    Args:
        smiles: distinct molecules.
        folder: for a file of them.
    """
    file = folder / "smiles.json"
    file.write_text(json.dumps(smiles), encoding="utf-8")
    unpinned = {name: value for name, value in os.environ.items() if name not in ("OMP_PROC_BIND", "OMP_PLACES")}
    command = [sys.executable, "-m", "tests.benchmarks.workers", str(file)]
    speeds = json.loads(subprocess.run(command, env=unpinned, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return [
        record("featurize, two workers against one", speeds["pool"], speeds["one"], unit="molecules/s"),
        record("the same, two processes that share nothing", speeds["apart"], speeds["one"], unit="molecules/s"),
    ]


def pieces_of(smiles: list[str]) -> list[list[str]]:
    """Returns molecules as the workers get them."""
    return [smiles[start : start + MOLECULES_PER_PIECE] for start in range(0, len(smiles), MOLECULES_PER_PIECE)]


def _speeds(smiles: list[str]) -> dict[str, float]:
    pieces = pieces_of(smiles)
    speeds: dict[str, list[float]] = {name: [] for name in ("pool", "apart", "one")}
    for _ in range(NUM_RUNS):
        speeds["one"].append(_speed_alone(pieces, workers=1))
        speeds["pool"].append(_working_speed(pieces * REPEATS, workers=2))
        speeds["apart"].append(_speed_alone(pieces, workers=2))
    return {name: median(found) for name, found in speeds.items()}


def _working_speed(pieces: list[list[str]], *, workers: int) -> float:
    """Returns molecules per second from the moment on when every worker is at work."""
    results = map_in_order(partial(featurize_piece, FULL), ((piece, piece) for piece in pieces), workers=workers)
    for _ in itertools.islice(results, len(pieces) // 3):
        pass
    begin = time.perf_counter()
    done = sum(len(graphs.atom_ptr) - 1 for graphs, _ in results)
    return done / (time.perf_counter() - begin)


def _speed_alone(pieces: list[list[str]], *, workers: int) -> float:
    """Returns molecules per second of processes that neither get nor give anything while they work."""
    begin = time.time() + 10  # by then all have started
    return sum(map_in_order(_work_alone, [(pieces, begin)] * workers, workers=workers))


def _work_alone(task: tuple[list[list[str]], float]) -> float:
    pieces, begin = task
    featurize_piece(FULL, (pieces[0], pieces[0]))  # compiles
    time.sleep(max(0, begin - time.time()))
    done, start = 0, time.perf_counter()
    while time.perf_counter() < start + SECONDS_ALONE:
        for piece in pieces:
            featurize_piece(FULL, (piece, piece))
            done += len(piece)
    return done / (time.perf_counter() - start)


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):  # a pinned process hands the core that it is bound to on to this one
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    print(json.dumps(_speeds(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))  # noqa: T201  # a command
