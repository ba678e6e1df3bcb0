"""Builds that are killed: the same small mix, its process or one of its nodes killed after some pieces are done.

Run as `python -m tests.build.interrupt FOLDER OUT [--limit BYTES]` it is the build that gets killed.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from molmix_bench.build.plan import Layout
from molmix_bench.build.run import build
from molmix_bench.errors import BuildError
from tests.build.tiny import mix_spec, numbered, table_source

PIECES = Layout(rows_per_chunk=100, num_smiles_buckets=12, rows_per_partition=60)
"""Of the mix below: some fifty pieces."""
_LOOK_S = 0.005
_GIVE_UP_S = 240


def kill_spec(folder: Path):
    """Returns the mix, its raw files written to `folder`."""
    amines = [f"{'C' * left}N{'C' * right}" for left in range(1, 25) for right in range(1, 25)]
    one = table_source("one", numbered([*amines, "C1CC", ""], tasks=3), folder)
    two = table_source("two", numbered(amines[100:400]), folder)
    return mix_spec(one, two)


def contents(path: Path) -> dict[str, bytes]:
    """Returns every file of a mix."""
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def num_done(out: Path) -> int:
    """Returns how many pieces of an unfinished build are done."""
    # Unlike a glob, a walk bears that the folder is deleted meanwhile.
    walk = os.walk(out.with_name(f"{out.name}.building") / "done")
    return sum(name.endswith(".json") for _, _, names in walk for name in names)


def build_in_child(folder: Path, out: Path, *, limit: int | None = None) -> subprocess.Popen[str]:
    """Starts the build in a process of its own, whose files may be of `limit` bytes at most."""
    command = [sys.executable, "-m", "tests.build.interrupt", str(folder), str(out)]
    command += [] if limit is None else ["--limit", str(limit)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def kill_after(child: subprocess.Popen[str], out: Path, pieces: int) -> bool:
    """Kills a build, workers and all, once so many pieces are done; returns whether it was still at work."""
    with child:
        while child.poll() is None and num_done(out) < pieces:
            time.sleep(_LOOK_S)
        running = child.poll() is None
        if running:
            os.killpg(child.pid, signal.SIGKILL)
    return running


class NodeKiller(threading.Thread):
    """Kills a node of a Ray cluster, without farewell, once so many pieces of a build are done."""

    def __init__(self, cluster, node, out: Path, pieces: int) -> None:
        super().__init__(daemon=True)
        self._cluster, self._node, self._out, self._pieces = cluster, node, out, pieces
        self.done_then = -1

    def run(self) -> None:
        """Waits and kills."""
        deadline = time.monotonic() + _GIVE_UP_S
        while num_done(self._out) < self._pieces and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        self._cluster.remove_node(self._node, allow_graceful=False)
        self.done_then = num_done(self._out)


def main() -> None:
    """Builds; a failure is printed and gives the status 1."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=int)
    args = parser.parse_args()
    spec = kill_spec(args.folder)
    if args.limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (args.limit, args.limit))
    try:
        build(spec, args.out, raw=[args.folder], layout=PIECES, workers=2)
    except BuildError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
