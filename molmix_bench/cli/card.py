"""`molmix-bench card`: the dataset card of a built mix."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from molmix_bench.cards.write import write_card
from molmix_bench.cli.output import JsonOption, WorkersOption, print_json


def card_mix(
    path: Annotated[Path, typer.Argument(metavar="DIR", help="A built mix.")],
    repository: Annotated[
        str | None, typer.Option("--repository", help="The Hub repository that the card tells its readers to load.")
    ] = None,
    published: Annotated[
        str | None, typer.Option("--published", metavar="YYYY-MM-DD", help="The day of publication, for Croissant.")
    ] = None,
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Write README.md, figures/ and croissant.json into a built mix, counted from its files."""
    mix = write_card(path, repository=repository, published=published, workers=workers or os.cpu_count() or 1)
    files = [file.path for file in mix.manifest.files if not file.path.endswith(".parquet")]
    if json:
        print_json({"path": str(mix.path), "files": files})
        return
    for file in files:
        print(mix.path / file)
