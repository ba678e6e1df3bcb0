"""`molmix-bench embed`: the vectors that a network has for molecules."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from molmix_bench.cli.finetune import ROWS_COUNTED, DataOption, SmilesOption
from molmix_bench.cli.output import JsonOption, WorkersOption, print_json
from molmix_bench.extras import require_train
from molmix_bench.talk import say


def embed_molecules(  # noqa: PLR0913, PLR0917  # one for each option
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a finished run or fine-tuning.")],
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", help="The parquet file to write.")],
    smiles: SmilesOption = None,
    layer: Annotated[
        int | None, typer.Option("--layer", min=0, help="0 for encoded atoms, n for layer n; the last else.")
    ] = None,
    network: Annotated[
        int, typer.Option("--network", min=0, help="Which of the run's networks, by its place among the seeds.")
    ] = 0,
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Write a vector for each molecule of a file; what is no molecule has a row with the reason."""
    require_train()
    from molmix_bench.transfer.embed import embed_table
    from molmix_bench.transfer.ensemble import open_ensemble
    from molmix_bench.transfer.stream import Reading

    reading = Reading(smiles, workers)
    done = embed_table(open_ensemble(run), data, out, layer=layer, place=network, reading=reading)
    tell_problems(done.problems)
    if json:
        print_json(asdict(done) | {"path": str(done.path)})
        return
    say(f"{done.embedded:,} of {done.rows:,} molecules, {done.width} numbers each: {done.network}, layer {done.layer}")
    print(done.path)


def tell_problems(problems: dict[str, int]) -> None:
    """Says how many rows have no result."""
    for reason, count in problems.items():
        say(f"{count:,} row{'s' if count > 1 else ''} without a result: {reason}; the column detail says more")
    if problems:
        say(ROWS_COUNTED)
