"""Sources and mixes of a few rows, built by the real build: what tests of built mixes stand on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from molmix_bench.build.plan import Layout
from molmix_bench.build.run import build
from molmix_bench.mix import Mix
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.mix import MixSpec

SMALL_PIECES = Layout(rows_per_chunk=7, num_smiles_buckets=3, rows_per_partition=5)
"""Cuts even a handful of rows into several parts, buckets and partitions."""

ALKANES = tuple("C" * length for length in range(1, 41))
"""Forty distinct molecules."""


def table_source(name: str, text: str, folder: Path, **dataset: Any) -> dict[str, Any]:
    """Writes `<name>.csv` and returns the spec of a source that reads it.

    The first column is the SMILES; all others are tasks, of a graph-level regression dataset of the source's name
    unless `dataset` says otherwise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    smiles, *tasks = text.partition("\n")[0].split(",")
    settings = {
        "description": f"{name} dataset",
        "level": "graph",
        "kind": "regression",
        "duplicates": "majority" if dataset.get("kind") in ("binary", "multiclass") else "mean",
        "tasks": [{"name": task, "description": f"{task} of {name}"} for task in tasks],
    }
    return {
        "name": name,
        "title": name.title(),
        "description": f"{name} source",
        "licence": "CC0-1.0",
        "citation": f"@misc{{{name}}}",
        "files": [{"name": f"{name}.csv"}],
        "reader": {"form": "table", "smiles": smiles},
        "datasets": {name: settings | dataset},
    }


def mix_spec(*sources: dict[str, Any], **split: Any) -> MixSpec:
    """Returns the spec of a mix of these sources."""
    data = {
        "name": "tiny",
        "version": "1.0.0",
        "title": "Tiny",
        "description": "a tiny mix",
        "citation": "@misc{tiny}",
        "sources": list(sources),
        "split": split,
    }
    return validate_spec(MixSpec, data, where="tiny")


def build_tiny(folder: Path, *sources: dict[str, Any], layout: Layout = SMALL_PIECES, **split: Any) -> Mix:
    """Builds a mix of sources whose files lie in `folder`, into `folder/mix`."""
    return build(mix_spec(*sources, **split), folder / "mix", raw=[folder], layout=layout)


def numbered(smiles: tuple[str, ...] | list[str], *, tasks: int = 1) -> str:
    """Returns the text of a table with columns `smiles, t0, t1, ...`; row i holds i, i + 0.5, i + 1, ..."""
    header = ",".join(["smiles", *(f"t{task}" for task in range(tasks))])
    rows = [",".join([text, *(str(row + task / 2) for task in range(tasks))]) for row, text in enumerate(smiles)]
    return "\n".join([header, *rows, ""])
