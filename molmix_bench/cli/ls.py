"""`molmix-bench ls`: the mixes of the catalog and those in the cache."""

from __future__ import annotations

from molmix_bench.cli.output import JsonOption, print_json, print_table
from molmix_bench.mix import is_mix
from molmix_bench.resolve import built_path
from molmix_bench.specs.catalog import load_mix_spec, mix_names, resolve_sources


def list_catalog(json: JsonOption = False) -> None:
    """List the mixes of the catalog, their datasets, and which of them are built in the cache."""
    rows = []
    for name in mix_names():
        spec = load_mix_spec(name)
        datasets = {key: item for source in resolve_sources(spec) for key, item in source.datasets.items()}
        rows.append(
            {
                "mix": name,
                "version": spec.version,
                "title": spec.title,
                "datasets": list(datasets),
                "tasks": sum(len(item.tasks) for item in datasets.values()),
                "built": is_mix(built_path(name)),
            }
        )
    if json:
        print_json(rows)
        return
    header = ("mix", "version", "datasets", "tasks", "built", "title")
    cells = [row | {"datasets": ", ".join(map(str, row["datasets"]))} for row in rows]  # type: ignore[call-overload]
    print_table(header, [[row[key] for key in header] for row in cells])
