"""`molmix-bench score` and `molmix-bench compare`: predictions in, scores out.

The predictions may be anyone's, so they are read in another process, with limits on memory and time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from molmix_bench.cli.output import SPARE_SCORES, JsonOption, print_json, print_table
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.resolve import load
from molmix_bench.submissions.apart import compare_apart, score_apart
from molmix_bench.talk import say

MixOption = Annotated[str, typer.Option("--mix", help="The mix that holds the labels: a directory or a name.")]


def score_predictions(
    predictions: Annotated[Path, typer.Argument(help="A folder of <dataset>/<split>/seed=<k>.parquet.")],
    mix: MixOption,
    against: Annotated[
        Path | None, typer.Option("--against", help="Another such folder: show how far the scores differ.")
    ] = None,
    replicates: Annotated[
        int, typer.Option("--replicates", min=0, help="Resamplings for the intervals; 0 for none.")
    ] = REPLICATES,
    json: JsonOption = False,
) -> None:
    """Score a folder of predictions by the protocol, every dataset, split and seed in it."""
    scores = score_apart(predictions, load(mix), replicates=replicates, against=against)
    if json:
        print_json(scores.to_records())
        return
    summary = scores.summary()
    print_table(summary.columns, summary.iter_rows(), spare=SPARE_SCORES)
    if scores.differences is not None:
        # The rest of the columns is the same in all rows, or in `--json`.
        columns = ["dataset", "split", "aggregation", "metric", "value", "other_value"]
        columns += ["difference", "ci_low", "ci_high", "better"]
        shown = scores.differences.filter(pl.col("primary") & pl.col("task").is_null()).select(columns)
        print_table(shown.columns, shown.iter_rows(), spare=["other_value", "value", "better"])
    for row in scores.excluded.iter_rows(named=True):
        say(f"not scored: {row['dataset']}/{row['split']}, task {row['task']} ({row['reason']})")
    for name in scores.not_submitted:
        say(f"not submitted: {name}")


def compare_predictions(
    folders: Annotated[list[Path], typer.Argument(help="Two or more folders of predictions.")],
    mix: MixOption,
    replicates: Annotated[int, typer.Option("--replicates", min=1, help="Resamplings for the intervals.")] = REPLICATES,
    json: JsonOption = False,
) -> None:
    """Rank folders of predictions: 1 + the number of those that are significantly better, by dataset and metric."""
    comparison = compare_apart(folders, load(mix), replicates=replicates)
    if json:
        print_json(comparison.to_records())
        return
    columns = ["dataset", "split", "metric", "rank", "model", "n_seeds", "mean", "std", "ci_low", "ci_high"]
    ranks = comparison.ranks.with_columns(
        pl.col("rank").cast(pl.String) + pl.when("tied").then(pl.lit("=")).otherwise(pl.lit(""))
    )
    print_table(columns, ranks.select(columns).iter_rows(), spare=["n_seeds", "std"])
