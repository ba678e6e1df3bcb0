"""Tables of a report: scores, what was not scored, resources, and how to run it again."""

from __future__ import annotations

import numpy as np
import polars as pl
import yaml

from molmix_bench.cards.document import Block, Code, Heading, Listing, Paragraph, Table, Text
from molmix_bench.cards.page import Fold, PageBlock
from molmix_bench.metrics.protocol import PROTOCOL, REPLICATES, Aggregation
from molmix_bench.reports.numbers import duration, interval, number
from molmix_bench.reports.read import ReportedRun
from molmix_bench.specs.model import FittedSpec


def score_section(run: ReportedRun) -> list[PageBlock]:
    """Returns the primary metric of every dataset and split, and all metrics behind it."""
    num_seeds = len(run.seeds)
    text = (
        f"By the protocol {PROTOCOL}. "
        f"{f'Means of {num_seeds} seeds' if num_seeds > 1 else 'One seed'}; macro is the mean over all scorable tasks, "
        "reliable that over those with labels enough to be judged alone, both with the number of tasks; "
        f"{'std is over seeds; ' if num_seeds > 1 else ''}an arrow tells which way a metric is better. "
        f"Intervals are those of a bootstrap over molecules, {REPLICATES:,} replicates."
    )
    blocks: list[PageBlock] = [Heading(2, "Scores"), Paragraph(text), _score_table(run, run.means().filter("primary"))]
    blocks.append(Fold("Every metric", [_score_table(run, run.means())]))
    if run.scores.not_submitted:
        blocks.append(Paragraph(f"Not predicted: {', '.join(run.scores.not_submitted)}."))
    return blocks


def _score_table(run: ReportedRun, means: pl.DataFrame) -> Table:
    """Returns those of some scores that are over several tasks."""
    key = ["dataset", "split", "metric"]
    several = len(run.seeds) > 1
    macro = means.filter(aggregation=str(Aggregation.MACRO))
    reliable = means.filter(aggregation=str(Aggregation.MACRO_RELIABLE)).select(
        *key, pl.col("value").alias("of_reliable"), pl.col("n_tasks").alias("n_reliable")
    )
    rows: list[list[Text]] = []
    for row in macro.join(reliable, on=key, how="left", maintain_order="left").iter_rows(named=True):
        arrow = "↑" if row["direction"] == "higher" else "↓"
        std = [number(row["std"])] if several else []
        values = [_of_tasks(row["value"], row["n_tasks"]), *std, interval(row["ci_low"], row["ci_high"])]
        values.append(_of_tasks(row["of_reliable"], row["n_reliable"]))
        # The values first: a telephone shows four columns without scrolling.
        rows.append([Code(row["dataset"]), row["split"], *values, f"{row['metric']} {arrow}"])
    numeric = ("macro", *(["std"] if several else []), "95 % interval", "reliable")
    return Table(("dataset", "split", *numeric, "metric"), rows, frozenset(numeric))


def _of_tasks(value: float | None, count: int | None) -> str:
    return number(value) if not count else f"{number(value)} ({count:,})"


def excluded_section(run: ReportedRun) -> list[PageBlock]:
    """Returns every task that could not be scored, by name, with the reason."""
    excluded = run.scores.excluded
    blocks: list[PageBlock] = [Heading(2, "Tasks that were not scored")]
    if excluded.is_empty():
        return [*blocks, Paragraph("None: every task of every split could be scored.")]
    blocks.append(Paragraph("They are in no mean above."))
    for (dataset, split), found in excluded.group_by("dataset", "split", maintain_order=True):
        rows: list[list[Text]] = [[Code(task), reason] for task, reason in found.select("task", "reason").iter_rows()]
        table = Table(("task", "reason"), rows)
        blocks.append(Fold(f"{dataset}, {split}: {found.height:,}", [table]))
    return blocks


def resource_section(run: ReportedRun) -> list[PageBlock]:
    """Returns times, rates, parameters, hardware and versions."""
    result, hardware = run.result, run.result.hardware
    facts: list[list[Text]] = [
        ["parameters", f"{result.num_parameters:,}"],
        ["training", duration(result.train_seconds)],
        ["training and validation", duration(result.wall_seconds)],
        ["processor", hardware.cpu],
        ["threads", f"{hardware.threads:,}"],
        ["accelerator", hardware.accelerator],
        ["processes of each training", f"{hardware.devices:,}"],
    ]
    facts += [[name, version] for name, version in run.versions.items() if name != "threads"]
    return [Heading(2, "Resources"), Table(("what", "value"), facts), *_seed_table(run)]


def _seed_table(run: ReportedRun) -> list[Block]:
    rows: list[list[Text]] = []
    for item in run.result.seeds:
        records = run.records.get(item.seed, ())
        if not records:
            continue
        rates = [record.graphs_per_second for record in records]
        rows.append(
            [
                f"{item.seed}",
                f"{len(records):,}",
                f"{item.epoch:,}",
                number(item.selection),
                f"{np.median(rates):,.0f}",
                duration(sum(record.train_seconds for record in records)),
                duration(sum(record.validation_seconds for record in records)),
            ]
        )
    if not rows:
        return [Paragraph("The model is not trained in epochs, so there are no rates.")]
    header = ("seed", "epochs", "epoch that predicts", "its selection", "molecules/s", "training", "validation")
    text = "Molecules a second in training, loading included, are the median over epochs."
    return [Table(header, rows, frozenset(header)), Paragraph(text)]


def reproduce_section(run: ReportedRun) -> list[PageBlock]:
    """Returns the command that makes the run again, and the file it needs."""
    version = run.versions.get("molmix-bench")
    pinned = f"=={version}" if version else ""
    spec, mix = run.spec, run.origin.mix
    devices = f" --devices {run.result.hardware.devices}" if run.result.hardware.devices > 1 else ""
    commands = [
        f'pip install "molmix-bench[train]{pinned}"',
        f"molmix-bench run run.yaml --mix {spec.mix} --out {spec.name}{devices}",
    ]
    same = "On the same hardware, threads and versions every weight comes out the same."
    if isinstance(spec.model, FittedSpec):
        same = "The same versions give the same predictions."
    text: Text = (
        "With what follows as ",
        Code("run.yaml"),
        f", on mix {mix.name} {mix.version} of build ",
        Code(mix.build_key),
        f". {same}",
    )
    listing = yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return [
        Heading(2, "Run it again"),
        Listing("console", "\n".join(commands)),
        Paragraph(text),
        Listing("yaml", listing),
    ]
