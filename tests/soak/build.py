"""Builds killed at random points, on this machine and on a Ray cluster, and given again until they are done.

A local trial kills the process and all its workers up to three times, each time after some more pieces, and then lets
the same command end. A trial on Ray kills, without farewell, one of two nodes in the middle. No trial may show a
finished directory before its time, and each must end with the bytes of a build that was never disturbed.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from pathlib import Path

from molmix_bench.build.cluster import RayEngine
from molmix_bench.build.run import build
from tests.build.interrupt import PIECES, NodeKiller, build_in_child, contents, kill_after, kill_spec

MAX_KILLS = 3
NUM_PIECES = 51
"""Of the build; kills are drawn below it."""
_STORE_BYTES = 80 << 20


def soak_build(folder: Path, *, num: int, seed: int) -> dict[str, int]:
    """Runs `num` trials of each sort and returns what was counted.

    Raises:
        AssertionError: a trial shows a mix too early, or ends with other bytes.
    """
    spec = kill_spec(folder)
    expected = contents(build(spec, folder / "whole", raw=[folder], layout=PIECES).path)
    counted = Counter[str]()
    for trial in range(num):
        counted.update(_trial_local(folder, random.Random(f"local {seed + trial}"), expected))
    counted.update(_trials_on_ray(folder, range(seed, seed + num), expected))
    return dict(counted)


def _trial_local(folder: Path, rng: random.Random, expected: dict[str, bytes]) -> Counter[str]:
    out = folder / "local"
    counted = Counter({"local trials": 1})
    for after in sorted(rng.sample(range(1, NUM_PIECES), rng.randint(1, MAX_KILLS))):
        if kill_after(build_in_child(folder, out), out, after):
            counted["local kills"] += 1
            assert not out.exists(), "a killed build shows a finished directory"
    mix = build(kill_spec(folder), out, raw=[folder], layout=PIECES)
    assert contents(mix.path) == expected, "other bytes than those of an undisturbed build"
    shutil.rmtree(out)
    return counted


def _trials_on_ray(folder: Path, seeds: range, expected: dict[str, bytes]) -> Counter[str]:
    import ray
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    options = {"num_cpus": 1, "object_store_memory": _STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args=options)
    counted = Counter[str]()
    try:
        for seed in seeds:
            out = folder / "ray"
            after = random.Random(f"ray {seed}").randrange(1, NUM_PIECES)
            killer = NodeKiller(cluster, cluster.add_node(**options), out, after)
            killer.start()
            mix = build(kill_spec(folder), out, raw=[folder], layout=PIECES, engine=RayEngine(cluster.address))
            killer.join()
            assert contents(mix.path) == expected, "other bytes than those of an undisturbed build"
            counted.update({"ray trials": 1, "ray nodes lost in the middle": killer.done_then > 0})
            shutil.rmtree(out)
    finally:
        ray.shutdown()
        cluster.shutdown()
    return counted
