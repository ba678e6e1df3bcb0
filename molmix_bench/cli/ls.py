"""`molmix-bench ls`: the mixes of the catalog and those in the cache."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from molmix_bench.cli.output import JsonOption, print_json, print_table
from molmix_bench.mix import is_mix
from molmix_bench.resolve import built_path
from molmix_bench.specs.catalog import load_mix_spec, mix_names, resolve_sources
from molmix_bench.specs.source import DatasetSpec


def list_catalog(json: JsonOption = False) -> None:
    """List the mixes of the catalog, their datasets, and which of them are built in the cache."""
    rows: list[dict[str, Any]] = []
    for name in mix_names():
        spec = load_mix_spec(name)
        datasets = {key: item for source in resolve_sources(spec) for key, item in source.datasets.items()}
        rows.append(
            {
                "mix": name,
                "version": spec.version,
                "title": spec.title,
                "datasets": list(datasets),
                "tasks": _count_tasks(datasets.values()),
                "built": is_mix(built_path(spec)),
            }
        )
    if json:
        print_json(rows)
        return
    header = ("mix", "version", "datasets", "tasks", "built", "title")
    cells = [row | {"datasets": ", ".join(map(str, row["datasets"]))} for row in rows]
    print_table(header, [[row[key] for key in header] for row in cells])


def _count_tasks(datasets: Iterable[DatasetSpec]) -> int | None:
    """Returns the number of tasks; None where a pattern stands for as many as the file will have."""
    tasks = [task for dataset in datasets for task in dataset.tasks]
    return None if any(task.is_pattern for task in tasks) else len(tasks)
