"""`molmix-bench build`: from raw files to a finished mix."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from molmix_bench.build.run import build
from molmix_bench.cli.output import JsonOption, WorkersOption, print_json
from molmix_bench.resolve import built_path
from molmix_bench.specs.base import apply_overrides, validate_spec
from molmix_bench.specs.catalog import load_mix_spec
from molmix_bench.specs.mix import MixSpec


def build_mix(
    mix: Annotated[str, typer.Argument(help="The name of a mix of the catalog.")],
    raw: Annotated[
        list[Path] | None, typer.Option("--raw", help="A folder with raw files; what it lacks is downloaded.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The directory to make; a folder of the cache else.")
    ] = None,
    workers: WorkersOption = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change the spec, as in --set split.method=scaffold.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Build a mix; run again, an interrupted build goes on where it was."""
    spec = load_mix_spec(mix)
    if settings:
        data = apply_overrides(spec.model_dump(mode="json"), settings, where="--set")
        spec = validate_spec(MixSpec, data, where=f"mix {mix} with --set {' '.join(settings)}")
    built = build(spec, out or built_path(mix), raw=raw or (), workers=workers or os.cpu_count() or 1)
    if json:
        datasets = {name: entry.model_dump(mode="json") for name, entry in built.manifest.datasets.items()}
        print_json({"path": str(built.path), "build_key": built.manifest.build_key, "datasets": datasets})
    else:
        print(built.path)
