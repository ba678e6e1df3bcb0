"""`molmix-bench new-mix`: the draft of a mix for a table of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molmix_bench.atomic import write_text
from molmix_bench.build.draft import draft_mix
from molmix_bench.cli.output import JsonOption, print_json
from molmix_bench.errors import UsageError
from molmix_bench.sources.inspect import inspect_table
from molmix_bench.specs.catalog import resolve_sources
from molmix_bench.talk import say


def new_mix(
    table: Annotated[Path, typer.Argument(help="A CSV, TSV (also .gz) or parquet file with SMILES and labels.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The YAML file to write; NAME_mix.yaml beside the table else.")
    ] = None,
    smiles: Annotated[str | None, typer.Option("--smiles", help="The column with the SMILES.")] = None,
    json: JsonOption = False,
) -> None:
    """Draft a mix for a table: look at its columns and write the YAML, to be edited and built."""
    inspection = inspect_table(table, smiles=smiles)
    draft = draft_mix(inspection)
    path = out or table.with_name(f"{draft.spec.name}_mix.yaml")
    if path.exists():
        raise UsageError(str(path), found="a file of that name", expected="none", fix="choose another --out")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, draft.text)
    if inspection.rivals:
        say(f"{table.name}: {inspection.smiles!r} is taken for the SMILES; so could be {', '.join(inspection.rivals)}")
    for name, why in draft.left_out.items():
        say(f"{table.name}: column {name!r} is left out: {why}")
    raw = "" if path.parent.resolve() == table.parent.resolve() else f" --raw {table.parent}"
    say(f"edit {path}, then: molmix-bench build {path}{raw}")
    if not json:
        print(path)
        return
    (source,) = resolve_sources(draft.spec)
    datasets = {
        name: {"kind": item.kind, "num_classes": item.num_classes, "tasks": [task.name for task in item.tasks]}
        for name, item in source.datasets.items()
    }
    print_json(
        {
            "path": str(path),
            "rows": inspection.num_rows,
            "smiles": inspection.smiles,
            "other_smiles": inspection.rivals,
            "datasets": datasets,
            "left_out": draft.left_out,
        }
    )
