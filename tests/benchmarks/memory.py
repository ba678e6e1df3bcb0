"""Peak memory by the number of molecules: `python -m tests.benchmarks.memory [--molecules 1000000 4000000]`.

For each size, files of LargeMix's shape (`large_shape.py`) are built, featurised and trained on, each in a process of
its own with its workers, while this process reads of them all, from /proc: the peak RSS of each, and the sum of what
they hold. The sum is of PSS, which counts a page that several share once. The part of it that is anonymous stands
beside it: the rest are pages of files, which the kernel takes back where memory is short. For the build the same is
kept step by step, with the RSS of the calling process and of its largest worker.

`merge` is a build that begins behind routing (`large_merge.py`), for sizes whose reading would take hours.
Training is 2,000 steps, which stand for an epoch. Results are added to `memory.json` in --out, by stage and size, and
drawn from there as `docs/memory.svg`; `--draw` does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from tests.benchmarks.memory_plot import draw_memory

FIGURE = Path(__file__).parents[2] / "docs/memory.svg"
STAGES = ("build", "featurize", "train", "merge")
NUM_STEPS = 2_000
POOL_SIZE = 100_000
"""Of the 116,960 that can be generated."""
STEP_FILE = "step"
"""In the folder of a size: which step its build is at."""
_FEW = 1_000
"""Molecules of files that are there for the plan alone."""
_LOOK_S = 0.5


def main() -> None:
    """Measures every size asked for and writes table and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", type=int, nargs="+", default=[1_000_000, 4_000_000])
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES[:3]))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--steps", type=int, default=NUM_STEPS, help="of training")
    parser.add_argument("--shuffle", choices=("full", "blocks"), default="blocks", help="the order of training")
    parser.add_argument("--folder", type=Path, help="for the files, and where finished stages are kept; else temporary")
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    parser.add_argument("--limit-mib", type=int, default=6_144, help="a stage that holds more is ended")
    parser.add_argument("--draw", action="store_true", help="only draw what --out holds")
    parser.add_argument("--inside", nargs=2, metavar=("STAGE", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside is not None:
        _INSIDE[args.inside[0]](Path(args.inside[1]), args)
        return
    record = args.out / "memory.json"
    if not args.draw:
        args.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="memory-") as name:
            _measure_all(args, args.folder or Path(name), record)
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    FIGURE.write_bytes(draw_memory(json.loads(record.read_text(encoding="utf-8"))))


def _measure_all(args: argparse.Namespace, folder: Path, record: Path) -> None:
    from tests.benchmarks.large_shape import make_pool

    folder.mkdir(parents=True, exist_ok=True)
    pool = folder / "pool.arrow"
    if not pool.is_file():
        part = pool.with_suffix(".part")
        make_pool(part, POOL_SIZE, workers=args.workers)
        part.rename(pool)
    results = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else []
    for num_molecules in args.molecules:
        for stage in args.stages:
            place = folder / (f"merge-{num_molecules}" if stage == "merge" else str(num_molecules))
            place.mkdir(exist_ok=True)
            if not (place / "spec.json").is_file():
                _run_inside(args, "files", place, _FEW if stage == "merge" else num_molecules).wait()
            found = _measure(args, stage, place, num_molecules)
            key = ("stage", "molecules", "shuffle")
            results = [item for item in results if any(item.get(name) != found.get(name) for name in key)] + [found]
            print(json.dumps(found), flush=True)  # noqa: T201 - a command
            record.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _run_inside(args: argparse.Namespace, stage: str, place: Path, num_molecules: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.benchmarks.memory", "--inside", stage, str(place)]
    command += ["--molecules", str(num_molecules), "--workers", str(args.workers), "--steps", str(args.steps)]
    return subprocess.Popen([*command, "--shuffle", args.shuffle], env={**os.environ, "OMP_NUM_THREADS": "1"})


def _measure(args: argparse.Namespace, stage: str, place: Path, num_molecules: int) -> dict[str, object]:
    """Runs a stage and returns what it held."""
    begin = time.monotonic()
    (place / STEP_FILE).write_text(stage, encoding="utf-8")
    process = _run_inside(args, stage, place, num_molecules)
    peaks: dict[int, int] = {}
    cpu: dict[int, float] = {}
    steps: dict[str, dict[str, int]] = {}
    while process.poll() is None:
        members = _tree(process.pid)
        for pid in members:
            peaks[pid] = max(peaks.get(pid, 0), _fields(pid, "status").get("VmHWM", 0) >> 10)
            cpu[pid] = _cpu_seconds(pid) or cpu.get(pid, 0.0)
        held = _held(members)
        before = steps.setdefault((place / STEP_FILE).read_text(encoding="utf-8") or stage, held)
        before.update({name: max(before[name], number) for name, number in held.items()})
        if held["anonymous"] > args.limit_mib:
            _end(members)
        time.sleep(_LOOK_S)
    if process.returncode:
        raise SystemExit(f"{stage} of {num_molecules:,} molecules failed")
    return {
        "stage": stage,
        "molecules": num_molecules,
        "workers": args.workers,
        "shuffle": args.shuffle if stage == "train" else None,
        "seconds": round(time.monotonic() - begin, 1),
        "cpu_seconds": round(sum(cpu.values()), 1),
        "largest_process_rss_mib": max(peaks.values()),
        "all_processes_pss_mib": max(held["pss"] for held in steps.values()),
        "all_processes_anonymous_mib": max(held["anonymous"] for held in steps.values()),
        "mib_by_step": steps,
        "disk_mib": _disk_mib(place, stage),
    }


def _held(pids: list[int]) -> dict[str, int]:
    """Returns what some processes, the first of which is the parent of the others, hold at this moment, in MiB."""
    rollups = [_fields(pid, "smaps_rollup") for pid in pids]
    rss = [rollup.get("Rss", 0) >> 10 for rollup in rollups]
    return {
        "pss": sum(rollup.get("Pss", 0) for rollup in rollups) >> 10,
        "anonymous": sum(rollup.get("Pss_Anon", 0) for rollup in rollups) >> 10,
        "caller_rss": rss[0],
        "worker_rss": max(rss[1:], default=0),
    }


def _tree(pid: int) -> list[int]:
    """Returns a process and all that descend from it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:  # it has just ended
                continue
    return found


def _end(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, 9)


def _fields(pid: int, file: str) -> dict[str, int]:
    """Returns numbers of KiB by name; none for a process that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return {}
    return {line.partition(":")[0]: int(line.split()[1]) for line in lines if line.endswith(" kB")}


def _cpu_seconds(pid: int) -> float:
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _disk_mib(place: Path, stage: str) -> int:
    folder = place / {"featurize": "cache", "train": "run"}.get(stage, "mix")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) >> 20


def _write_files(place: Path, args: argparse.Namespace) -> None:
    from tests.benchmarks.large_shape import write_files

    spec = write_files(place, args.molecules[0], place.parent / "pool.arrow")
    (place / "spec.json").write_text(spec.model_dump_json(), encoding="utf-8")


def _build(place: Path, args: argparse.Namespace) -> None:
    from molmix_bench.build.run import build
    from molmix_bench.specs.mix import MixSpec
    from tests.benchmarks.large_shape import PoolEngine

    spec = MixSpec.model_validate_json((place / "spec.json").read_text(encoding="utf-8"))
    engine = PoolEngine(place.parent / "pool.arrow", place / STEP_FILE, workers=args.workers)
    build(spec, place / "mix", raw=[place], engine=engine)


def _merge(place: Path, args: argparse.Namespace) -> None:
    from molmix_bench.build.run import build
    from molmix_bench.specs.mix import MixSpec
    from tests.benchmarks.large_merge import MergeEngine

    spec = MixSpec.model_validate_json((place / "spec.json").read_text(encoding="utf-8"))
    engine = MergeEngine(
        place.parent / "pool.arrow", place / STEP_FILE, workers=args.workers, num_molecules=args.molecules[0]
    )
    build(spec, place / "mix", raw=[place], engine=engine)


def _featurize(place: Path, args: argparse.Namespace) -> None:
    from molmix_bench.graphs.cached import open_store
    from molmix_bench.mix import Mix

    shutil.rmtree(place / "cache", ignore_errors=True)
    open_store(Mix(place / "mix"), workers=args.workers, cache=place / "cache")


def _train(place: Path, args: argparse.Namespace) -> None:
    import torch
    from lightning_fabric import Fabric

    from molmix_bench.graphs.cached import open_store
    from molmix_bench.mix import Mix
    from molmix_bench.models.network import make_network
    from molmix_bench.specs.model import GineSpec
    from molmix_bench.specs.run import RunSpec, TrainingSpec
    from molmix_bench.training.loop import Setting
    from molmix_bench.training.step import Step
    from molmix_bench.training.targets import make_targets

    mix = Mix(place / "mix")
    blocks = 4_096 if args.shuffle == "blocks" else None
    training = TrainingSpec(epochs=1, batch_size=256, block_size=blocks)
    spec = RunSpec(name="memory", description="memory", mix="large", model=GineSpec(width=64), training=training)
    fabric = Fabric(accelerator="cpu", devices=1)
    targets = make_targets(mix, list(mix.datasets))
    setting = Setting(spec, targets, open_store(mix, cache=place / "cache"), {}, fabric)
    model = make_network(spec.model, features=spec.features, targets=targets)
    model, optimizer = fabric.setup(model, torch.optim.AdamW(model.parameters(), fused=True))
    step = Step(training, fabric, model, optimizer, setting.objectives(), place / "failed")
    for batch in islice(setting.train_loader(0, 1), args.steps):
        step(batch, rate=1e-3, where="memory")
    step.finish()


_INSIDE = {"files": _write_files, "build": _build, "merge": _merge, "featurize": _featurize, "train": _train}

if __name__ == "__main__":
    main()
