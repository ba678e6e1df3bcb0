"""`molmix-bench score`: predictions in, scores out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from molmix_bench.cli.output import JsonOption, print_json, print_table
from molmix_bench.resolve import load
from molmix_bench.submissions.score import score
from molmix_bench.talk import say


def score_predictions(
    predictions: Annotated[Path, typer.Argument(help="A folder of <dataset>/<split>/seed=<k>.parquet.")],
    mix: Annotated[str, typer.Option("--mix", help="The mix that holds the labels: a directory or a name.")],
    json: JsonOption = False,
) -> None:
    """Score a folder of predictions by the protocol, every dataset, split and seed in it."""
    scores = score(predictions, load(mix))
    if json:
        print_json(scores.to_records())
        return
    summary = scores.summary()
    print_table(summary.columns, summary.iter_rows())
    for row in scores.excluded.iter_rows(named=True):
        say(f"not scored: {row['dataset']}/{row['split']}, task {row['task']} ({row['reason']})")
    for name in scores.not_submitted:
        say(f"not submitted: {name}")
