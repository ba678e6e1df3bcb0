"""`molmix-bench info`: what a built mix holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from molmix_bench.atomic import write_text
from molmix_bench.cli.output import JsonOption, print_json, print_table
from molmix_bench.mix import Dataset, Mix
from molmix_bench.resolve import load
from molmix_bench.vocab import SPLITS, Level


def show_mix(
    mix: Annotated[str, typer.Argument(help="A built directory, a mix of the catalog, or namespace/name on a Hub.")],
    tasks: Annotated[bool, typer.Option("--tasks", help="List every task.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the mix's card there as one HTML page.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show a mix: datasets, tasks, sizes, density, licences, splits, and where every raw row went."""
    opened = load(mix)
    if html is not None:
        from molmix_bench.cards.write import page_of

        write_text(html, page_of(opened, workers=os.cpu_count() or 1))
        print_json({"html": str(html)}) if json else print(html)
        return
    if json:
        print_json(_as_data(opened, tasks))
        return
    manifest = opened.manifest
    print(f"{manifest.spec.title} {manifest.version}: {manifest.molecules:,} molecules")
    split = manifest.spec.split
    print(f"split: {split.method}{', strict' if split.strict else ''}, seed {split.seed}")
    for note in manifest.notes:
        print(f"note: {note}")
    splits = [part for part in SPLITS if part in opened.splits]
    header = ("dataset", "level", "kind", "tasks", "molecules", "labels", "density", *splits, "licence")
    rows = [
        [
            name,
            str(item.level),
            str(item.kind),
            len(item.tasks),
            item.num_molecules,
            item.num_labels,
            _percent(_density(item)),
            *(item.splits.get(part) for part in splits),
            item.source.licence,
        ]
        for name, item in opened.datasets.items()
    ]
    print_table(header, rows, spare=("density", "level", "licence", "labels", "kind"))
    print_table(
        ("dataset", "of", "read", "kept", "merged", "dropped", "conflicts"),
        [row for name in opened.datasets for row in _accounting(opened, name)],
    )
    if tasks:
        columns = ["dataset", "task", "unit", *(f"{part}_n_labels" for part in splits), "description"]
        spare = [f"{part}_n_labels" for part in reversed(splits)]
        print_table(columns, opened.tasks.select(columns).iter_rows(), spare=spare)


def _accounting(mix: Mix, name: str) -> list[list[object]]:
    entry = mix.manifest.datasets[name]
    rows: list[list[object]] = []
    for what, count in (("rows", entry.rows), ("labels", entry.labels)):
        dropped = ", ".join(f"{number:,} {reason}" for reason, number in count.dropped.items()) or "0"
        conflicts = entry.conflicts if what == "labels" else None
        rows.append([name, what, count.read, count.kept, count.merged, dropped, conflicts])
    return rows


def _density(dataset: Dataset) -> float | None:
    """Returns the share of (row, task) cells that hold a label; None for labels of atoms, which are not counted."""
    if dataset.level is not Level.GRAPH:
        return None
    return dataset.num_labels / (sum(dataset.splits.values()) * len(dataset.tasks))


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _as_data(mix: Mix, tasks: bool) -> dict[str, Any]:
    manifest = mix.manifest
    datasets = {}
    for name, item in mix.datasets.items():
        entry = manifest.datasets[name].model_dump(mode="json")
        datasets[name] = {
            "level": item.level,
            "kind": item.kind,
            "tasks": len(item.tasks),
            "density": _density(item),
            "licence": item.source.licence,
            **entry,
        }
    data = {
        "name": manifest.name,
        "version": manifest.version,
        "path": str(mix.path),
        "molecules": manifest.molecules,
        "split": manifest.spec.split.model_dump(mode="json"),
        "splits": mix.splits,
        "notes": list(manifest.notes),
        "datasets": datasets,
    }
    return data | ({"tasks": mix.tasks.to_dicts()} if tasks else {})
