"""The speed table: `python -m tests.benchmarks [--raw FOLDER] [--only PART ...] [--readme]`.

Every row is ours beside a peer, measured in turns in this process or, for workers, in one of its own. The same records
are left as JSON, and the plot of throughput against the size of batches as SVG beside it. `--readme` writes table and
plot into README; with `--measured benchmarks/speed.json` they are those of an earlier run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from rdkit import Chem, rdBase

from molmix_bench.build.run import build
from molmix_bench.chem.generate import generate_chunk
from molmix_bench.specs.catalog import load_mix_spec
from tests.benchmarks.graphs import graphs
from tests.benchmarks.losses import losses
from tests.benchmarks.plot import draw_throughput
from tests.benchmarks.report import line, markdown, replace_marked
from tests.benchmarks.scoring import scoring
from tests.benchmarks.throughput import throughput
from tests.benchmarks.training import training
from tests.benchmarks.turns import Record

ROOT = Path(__file__).parents[2]
FIGURE = "docs/throughput.svg"
"""The plot that README shows."""
RAW = Path(__file__).parents[3] / "shared/data/raw"
NUM_GENERATED = 12_000


def main() -> None:
    """Measures, prints the table and writes what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raw", type=Path, default=RAW, help="the folder that holds toymix/ with its raw files")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/speed.json"))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--measured", type=Path, help="take the records of this JSON instead of measuring")
    parser.add_argument("--readme", action="store_true", help=f"write table and plot into README and {FIGURE}")
    args = parser.parse_args()
    if args.readme and set(args.only) != set(PARTS):
        parser.error("--readme needs all parts: leave out --only")
    if args.measured:
        found = json.loads(args.measured.read_text(encoding="utf-8"))
    else:
        found = {"machine": _machine(), "records": _measure(args.only, args.raw)}
        write(found, args.out)
    if args.readme:
        write_readme(found, ROOT)


def _measure(parts: list[str], raw: Path) -> list[Record]:
    records = []
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            found = PARTS[part](raw / "toymix", Path(folder))
        records += found
        for record in found:
            say(line(record))
    return records


def _machine() -> dict[str, str | int | None]:
    peers = {name: version(name) for name in ("torch", "torch-geometric", "ogb", "scikit-learn")}
    return {"cores": os.cpu_count(), "processor": platform.machine(), "rdkit": rdBase.rdkitVersion, **peers}


def write(found: dict[str, Any], out: Path) -> None:
    """Writes the JSON, and the plot beside it if throughput was measured."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    say(f"written to {out}")
    if any("batch_size" in record for record in found["records"]):
        plot = out.with_name("throughput.svg")
        plot.write_bytes(draw_throughput(found["records"]))
        say(f"written to {plot}")


def write_readme(found: dict[str, Any], root: Path) -> None:
    """Writes the plot, and table and link between README's markers.

    Args:
        found: what the JSON holds.
        root: the folder of README.
    """
    # Everything that can fail comes before the first file is written.
    plot = draw_throughput(found["records"])
    readme, figure = root / "README.md", root / FIGURE
    text = replace_marked(
        readme.read_text(encoding="utf-8"), markdown(found["records"], found["machine"], figure=FIGURE)
    )
    figure.parent.mkdir(parents=True, exist_ok=True)
    figure.write_bytes(plot)
    readme.write_text(text, encoding="utf-8")
    say(f"written to {readme} and {figure}")


def say(text: str) -> None:
    """Prints a line."""
    print(text, flush=True)  # noqa: T201  # a command


def _graphs(raw: Path, folder: Path) -> list[Record]:
    return graphs(_zinc(raw), folder=folder)


def _throughput(raw: Path, folder: Path) -> list[Record]:
    return throughput(_zinc(raw), folder=folder)


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


def _losses(raw: Path, folder: Path) -> list[Record]:  # a batch is made of random numbers
    return losses()


def _scoring(raw: Path, folder: Path) -> list[Record]:  # it makes its own tables
    return scoring()


PARTS: dict[str, Callable[[Path, Path], list[Record]]] = {
    "graphs": _graphs,
    "throughput": _throughput,
    "losses": _losses,
    "training": _training,
    "scoring": _scoring,
}

if __name__ == "__main__":
    main()
