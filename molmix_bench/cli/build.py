"""`molmix-bench build`: from raw files to a finished mix."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from molmix_bench.build.anywhere import build_anywhere
from molmix_bench.build.cluster import RayEngine
from molmix_bench.build.engine import Engine
from molmix_bench.build.remote import is_url
from molmix_bench.cli.output import JsonOption, WorkersOption, print_json
from molmix_bench.errors import UsageError
from molmix_bench.resolve import built_path
from molmix_bench.specs.base import apply_overrides, content_digest, validate_changed
from molmix_bench.specs.catalog import load_mix_file, load_mix_spec
from molmix_bench.specs.mix import MixSpec
from molmix_bench.talk import say


def build_mix(  # noqa: PLR0913, PLR0917 - one parameter per option
    mix: Annotated[str, typer.Argument(help="The name of a mix of the catalog, or a YAML file that describes one.")],
    raw: Annotated[
        list[str] | None, typer.Option("--raw", help="A folder or URL with raw files; what it lacks is downloaded.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", help="The directory to make, or its URL; in the cache, or beside the YAML else."),
    ] = None,
    workers: WorkersOption = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option("--engine", help="Processes of this machine, or a Ray cluster.")
    ] = "local",
    address: Annotated[
        str | None, typer.Option("--address", help="The host:port of the Ray cluster's head; this machine's else.")
    ] = None,
    datasets: Annotated[
        str | None, typer.Option("--datasets", help="Only these datasets, as in --datasets qm9,tox21.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change the spec, as in --set split.method=scaffold.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Build a mix; run again, an interrupted build goes on where it was."""
    file = Path(mix) if mix.endswith((".yaml", ".yml")) else None
    whole = load_mix_spec(mix) if file is None else load_mix_file(file)
    spec = _change(whole, mix, datasets=datasets, settings=settings or [])
    # The files of a user's own sources lie beside the YAML.
    folders = [*(raw or ()), *([] if file is None else [str(file.parent)])]
    target = out or str(_default_path(spec, file, changed=spec != whole))
    place = _engine(engine, address)
    built = build_anywhere(spec, target, raw=folders, workers=workers or os.cpu_count() or 1, engine=place)
    for note in built.manifest.notes:
        say(f"note: {note}")
    if json:
        entries = {name: entry.model_dump(mode="json") for name, entry in built.manifest.datasets.items()}
        # Of a URL, `path` is the copy in the cache.
        print_json({"path": str(built.path), "out": target, "build_key": built.manifest.build_key, "datasets": entries})
    else:
        print(target if is_url(target) else built.path)


def _engine(name: str, address: str | None) -> Engine | None:
    """Returns where pieces run; None for processes of this machine."""
    if name == "ray":
        return RayEngine(address)
    if address is not None:
        raise UsageError("--address", found=f"an address for the engine {name}", fix="add --engine ray")
    return None


def _change(spec: MixSpec, mix: str, *, datasets: str | None, settings: list[str]) -> MixSpec:
    """Returns the mix with the settings of the command line."""
    said = []
    data = spec.model_dump(mode="json")
    if settings:
        data = apply_overrides(data, settings, where="--set")
        said += [f"--set {' '.join(settings)}"]
    if datasets is not None:
        data["datasets"] = [name.strip() for name in datasets.split(",") if name.strip()]
        said += [f"--datasets {datasets}"]
    return validate_changed(MixSpec, data, where=f"mix {mix} with {' '.join(said)}") if said else spec


def _default_path(spec: MixSpec, file: Path | None, *, changed: bool) -> Path:
    """Returns where a build goes: what is no longer the mix of that name goes elsewhere than the mix."""
    ending = f"-{content_digest(spec)[:8]}" if changed else ""
    whole = built_path(spec) if file is None else file.with_suffix("")
    return whole.with_name(whole.name + ending)
