"""`molmix-bench run` and `molmix-bench predict`: training, and predictions with what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molmix_bench.api import run
from molmix_bench.cli.output import JsonOption, print_json, print_table
from molmix_bench.extras import require_train
from molmix_bench.resolve import load
from molmix_bench.vocab import Split


def run_baseline(
    spec: Annotated[str, typer.Argument(help="A YAML file, or the name of a baseline.")],
    mix: Annotated[str | None, typer.Option("--mix", help="Another mix than the spec's: name or directory.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change the spec, as in --set training.epochs=5.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The directory of the run; runs/NAME else.")] = None,
    json: JsonOption = False,
) -> None:
    """Train, predict and score what a YAML file describes; run again, an interrupted run goes on where it was."""
    finished = run(spec, mix=mix, out=out, settings=settings or ())
    if json:
        print_json(finished.result.model_dump(mode="json"))
        return
    summary = finished.scores().summary()
    print_table(summary.columns, summary.iter_rows())
    print(finished.path)


def predict_mix(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a finished run.")],
    mix: Annotated[str, typer.Option("--mix", help="The molecules to predict: a directory or a name.")],
    out: Annotated[Path, typer.Option("--out", help="The folder of predictions to write.")],
    split: Annotated[list[Split] | None, typer.Option("--split", help="Only this split; all but train else.")] = None,
) -> None:
    """Predict a mix with every network of a run, in the form that `score` reads."""
    require_train()
    from molmix_bench.training.trained import open_run, predict_run

    for path in predict_run(open_run(folder), load(mix), out, splits=split):
        print(path)
