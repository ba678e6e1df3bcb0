"""Builds beside the RDKit calls they cannot do without: `python -m tests.benchmarks.build_speed MIX --raw FOLDER`.

The floor takes the distinct SMILES of the finished mix's raw rows and does with each what `chem.molecule` must: parse,
canonical SMILES, both InChIKeys; in as many workers, 256 SMILES at a time. Build and floor take turns. Beside wall time
stands CPU time of all processes, which other work on the machine moves less. The floor's workers are started as the
build's are, which counts on both sides; `in_calls` is the floor's CPU time without it.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from statistics import median
from unittest.mock import patch

import pyarrow as pa
import pyarrow.compute as pc
from rdkit import Chem, RDLogger

from molmix_bench.build import run as run_module
from molmix_bench.build.buckets import read_table
from molmix_bench.build.ingest import PROBLEM, RAW_SMILES
from molmix_bench.build.run import build
from molmix_bench.chem.molecule import INCHI_OPTIONS
from molmix_bench.parallel import map_in_order
from molmix_bench.specs.catalog import load_mix_spec

_CHUNK = 256


def main() -> None:
    """Measures and prints one line per turn and the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mix")
    parser.add_argument("--raw", type=Path, action="append", required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--turns", type=int, default=2)
    args = parser.parse_args()
    turns = []
    smiles: list[str] = []
    for _ in range(args.turns):
        turn: dict[str, object] = {"mix": args.mix, "workers": args.workers}
        with tempfile.TemporaryDirectory(prefix="speed-") as name:
            turn["build"] = _timed(_build, args, Path(name))
            smiles = smiles or _distinct(Path(name) / "ingest")
        in_calls: list[float] = []
        turn["floor"] = _timed(_floor, smiles, args.workers, in_calls) | {"in_calls": round(sum(in_calls), 2)}
        turn["distinct_smiles"] = len(smiles)
        turn["wall_ratio"], turn["cpu_ratio"] = (
            round(turn["build"][key] / turn["floor"][key], 3) for key in ("seconds", "cpu_seconds")
        )
        turns.append(turn)
        print(json.dumps(turn), flush=True)  # noqa: T201 - a command
    shown = {name: median(turn[name] for turn in turns) for name in ("wall_ratio", "cpu_ratio")}
    for kind in ("build", "floor"):
        shown |= {f"{kind}_{key}": median(turn[kind][key] for turn in turns) for key in turns[0][kind]}
    print(json.dumps({"medians": shown}))  # noqa: T201 - a command


def _timed(function, *args) -> dict[str, float]:
    wall, cpu = time.monotonic(), _cpu()
    function(*args)
    return {"seconds": round(time.monotonic() - wall, 2), "cpu_seconds": round(_cpu() - cpu, 2)}


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in used)


def _build(args: argparse.Namespace, folder: Path) -> None:
    keep = run_module.keep_only

    def _save_first(staged: Path, names) -> None:
        (staged.parent / "ingest").rename(folder / "ingest")
        keep(staged, names)

    with patch.object(run_module, "keep_only", _save_first):
        build(load_mix_spec(args.mix), folder / "mix", raw=args.raw, workers=args.workers)


def _distinct(folder: Path) -> list[str]:
    found = []
    for path in sorted(folder.glob("*.rows.arrow")):
        table = read_table(path)
        found.append(table.filter(pc.is_null(table[PROBLEM]))[RAW_SMILES])
    return pc.unique(pa.chunked_array([chunk for column in found for chunk in column.chunks])).drop_null().to_pylist()


def _floor(smiles: list[str], workers: int, in_calls: list[float]) -> None:
    chunks = [smiles[start : start + _CHUNK] for start in range(0, len(smiles), _CHUNK)]
    in_calls.extend(map_in_order(_call_rdkit, chunks, workers=workers))


def _call_rdkit(smiles: list[str]) -> float:
    """Returns the CPU seconds it took."""
    RDLogger.DisableLog("rdApp.*")
    before = time.process_time()
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        if mol is not None:
            Chem.MolToSmiles(mol)
            Chem.MolToInchiKey(mol, options=INCHI_OPTIONS)
            Chem.MolToInchiKey(mol)
    return time.process_time() - before


if __name__ == "__main__":
    main()
