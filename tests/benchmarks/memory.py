"""Memory and time of a build by its number of molecules: `python -m tests.benchmarks.memory --molecules 200000 800000`.

Each size is built in a process of its own from a mix of LargeMix's shape (`large_shape.py`: everything but reading and
RDKit is the real thing), while this process reads, from /proc, the peak RSS of every process of the build and the sum
of what they hold (PSS, which counts a page that several share once). Leaves `memory.json` and `memory.png` in --out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from molmix_bench.build.plan import Layout
from molmix_bench.build.run import build
from tests.benchmarks.large_shape import DrawnEngine, write_spec

_LOOK_S = 0.5


def main() -> None:
    """Measures every size asked for and writes the table and the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--molecules", type=int, nargs="+", default=[200_000, 800_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one is not None:
        _build_one(args.one, args.molecules[0], args.workers)
        return
    args.out.mkdir(parents=True, exist_ok=True)
    results = []
    for num_molecules in args.molecules:
        results.append(_measure(num_molecules, args.workers))
        print(json.dumps(results[-1]), flush=True)  # noqa: T201 - a command
        (args.out / "memory.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    _plot(results, args.out / "memory.png")


def _build_one(folder: Path, num_molecules: int, workers: int) -> None:
    spec = write_spec(folder, num_molecules)
    build(spec, folder / "mix", raw=[folder], layout=Layout(), engine=DrawnEngine(workers=workers))


def _measure(num_molecules: int, workers: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="memory-") as name:
        folder = Path(name)
        command = [sys.executable, "-m", __spec__.name, "--one", name]
        command += ["--molecules", str(num_molecules), "--workers", str(workers)]
        begin = time.monotonic()
        process = subprocess.Popen(command)
        peaks: dict[int, int] = {}
        tree_kib, steps = 0, {}
        while process.poll() is None:
            members = _tree(process.pid)
            for pid in members:
                peaks[pid] = max(peaks.get(pid, 0), _field(pid, "status", "VmHWM:"))
            now_kib = sum(_field(pid, "smaps_rollup", "Pss:") for pid in members)
            tree_kib = max(tree_kib, now_kib)
            step = _current_step(folder)
            seconds, most = steps.get(step, (0.0, 0))
            steps[step] = (round(seconds + _LOOK_S, 1), max(most, now_kib >> 10))
            time.sleep(_LOOK_S)
        if process.returncode:
            raise SystemExit(f"the build of {num_molecules:,} molecules failed")
        by_size = sorted((peak >> 10 for peak in peaks.values()), reverse=True)
        return {
            "molecules": num_molecules,
            "workers": workers,
            "seconds": round(time.monotonic() - begin, 1),
            "peak_rss_mib_by_process": by_size,
            "peak_pss_mib_of_all": tree_kib >> 10,
            "by_step_seconds_and_pss_mib": steps,
            "mix_mib": sum(path.stat().st_size for path in (folder / "mix").rglob("*.parquet")) >> 20,
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


def _field(pid: int, file: str, name: str) -> int:
    """Returns a number of KiB; 0 for a process that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _current_step(folder: Path) -> str:
    done = sorted((folder / "mix.building" / "done").glob("*"), key=lambda path: path.stat().st_mtime)
    return f"after {done[-1].name} began" if done else "start"


def _plot(results: list[dict[str, object]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    sizes = [result["molecules"] for result in results]
    axes.plot(sizes, [result["peak_pss_mib_of_all"] for result in results], "o-", label="all processes (PSS)")
    axes.plot(sizes, [result["peak_rss_mib_by_process"][0] for result in results], "s-", label="largest process (RSS)")
    axes.axhline(4096, color="grey", linestyle="--", label="budget")
    axes.set(xlabel="molecules", ylabel="peak memory, MiB", ylim=(0, 4500), title="build of LargeMix's shape")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
