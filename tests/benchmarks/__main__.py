"""The speed table: `python -m tests.benchmarks [--raw FOLDER] [--only graphs training scoring]`.

Every row is ours beside a peer, measured in turns in this process. The same records are left as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
from rdkit import Chem, rdBase

from molmix_bench.build.run import build
from molmix_bench.chem.generate import generate_chunk
from molmix_bench.specs.catalog import load_mix_spec
from tests.benchmarks.graphs import graphs
from tests.benchmarks.scoring import scoring
from tests.benchmarks.training import training
from tests.benchmarks.turns import Record

RAW = Path(__file__).parents[3] / "shared/data/raw"
NUM_GENERATED = 12_000


def main() -> None:
    """Measures, prints the table and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, default=RAW, help="the folder that holds toymix/ with its raw files")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/speed.json"))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    args = parser.parse_args()
    records = []
    for part in args.only:
        with tempfile.TemporaryDirectory() as folder:
            found = PARTS[part](args.raw / "toymix", Path(folder))
        records += found
        for record in found:
            say(_line(record))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cores": os.cpu_count(), "processor": platform.machine(), "rdkit": rdBase.rdkitVersion}
    args.out.write_text(json.dumps({"machine": machine, "records": records}, indent=1) + "\n", encoding="utf-8")
    say(f"written to {args.out}")


def say(text: str) -> None:
    """Prints a line."""
    print(text, flush=True)  # noqa: T201  # a command


def _line(record: Record) -> str:
    ours, peer = (f"{record[side]:,.{0 if record[side] > 100 else 4}f}" for side in ("ours", "peer"))
    return f"{record['name']:60} {ours:>14} {peer:>14} {record['unit']:12} x {record['ratio']:,.2f}"


def _graphs(raw: Path, folder: Path) -> list[Record]:
    return graphs(_zinc(raw), folder=folder)


def _zinc(raw: Path) -> list[str]:
    """Returns ZINC12k as a mix has it, or as many generated molecules where it is absent."""
    file = raw / "ZINC12k.csv.gz"
    if not file.is_file():
        say(f"no {file}: graphs are measured on generated molecules")
        return list(generate_chunk(0, NUM_GENERATED, num_molecules=NUM_GENERATED, seed=0))
    return list(dict.fromkeys(map(Chem.CanonSmiles, pl.read_csv(file, columns=["smiles"])["smiles"])))


def _training(raw: Path, folder: Path) -> list[Record]:
    if not raw.is_dir():
        say(f"no {raw}: training is not measured")
        return []
    return training(build(load_mix_spec("toymix"), folder / "toymix", raw=[raw], workers=2), cache=folder)


def _scoring(raw: Path, folder: Path) -> list[Record]:  # it makes its own tables
    return scoring()


PARTS: dict[str, Callable[[Path, Path], list[Record]]] = {
    "graphs": _graphs,
    "training": _training,
    "scoring": _scoring,
}

if __name__ == "__main__":
    main()
