"""`baselines/README.md`: what our runs came to, beside what others published, from the results that are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field

from molmix_bench.cards.document import Block, Bullets, Code, Heading, Link, Paragraph, Table, Text
from molmix_bench.cards.markdown import render_markdown
from molmix_bench.metrics.protocol import METRICS, PROTOCOL, REPLICATES, Aggregation, Metric
from molmix_bench.metrics.scores import TABLE_SCHEMA
from molmix_bench.reports.kept import KeptRun, read_kept
from molmix_bench.reports.kept_others import read_kept_studies, read_kept_suites
from molmix_bench.reports.numbers import duration, interval, number
from molmix_bench.reports.other_results import studies_section, suite_section
from molmix_bench.specs.base import Spec, read_yaml, validate_spec
from molmix_bench.specs.model import FittedSpec, ImportedSpec
from molmix_bench.specs.reported import Reported, load_reported
from molmix_bench.specs.result import Hardware
from molmix_bench.specs.run import RunSpec
from molmix_bench.vocab import Split

NOTES_FILE = "notes.yaml"
_QUOTED = "auroc"
"""The metric, beside the first, that others quote most: its interval is shown, too."""
_NAMES = {
    "gcn": "GCN",
    "gin": "GIN",
    "gine": "GINE",
    "gatedgcn": "GatedGCN",
    "mpnn": "MPNN++",
    "gps": "GPS",
    "random_forest": "Morgan, random forest",
    "gradient_boosting": "Morgan, gradient boosting",
    "fingerprint_mlp": "Morgan and descriptors, MLP",
    "trivial": "trivial: train mean or prior",
}
"""Of architectures."""
_PUBLISHED_NAMES = {"mpnn": "MPNN++ (sum)"}
"""Where published tables name one otherwise."""


class ResultNotes(Spec):
    """`notes.yaml`: what numbers cannot say of themselves."""

    mixes: dict[str, tuple[str, ...]]
    """By mix, what a reader has to know, such as why a number cannot be compared with a published one."""
    suites: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By folder of a suite that was learnt, likewise."""


def results_page(results: str | Path) -> str:
    """Returns markdown with all that is kept: runs, by mix and dataset, and how each was made; suites; and studies.

    Args:
        results: the folder of kept runs, with `notes.yaml` where there is something to say.

    Raises:
        UsageError: no run is kept there.
        SpecError: a file there does not say what it should.
    """
    kept, notes_file = read_kept(results), Path(results) / NOTES_FILE
    notes = ResultNotes(mixes={})
    if notes_file.is_file():
        notes = validate_spec(ResultNotes, read_yaml(notes_file), where=str(notes_file))
    blocks: list[Block] = [Heading(1, "Baselines"), *_introduction()]
    mixes = sorted({run.result.mix.name for run in kept}, key=lambda name: (name != "toymix", name))
    for mix in mixes:
        blocks += _mix_section(mix, [run for run in kept if run.result.mix.name == mix], notes.mixes.get(mix, ()))
    for suite in read_kept_suites(results):
        blocks += suite_section(suite, notes.suites.get(suite.name, ()))
    if studies := read_kept_studies(results):
        blocks += studies_section(studies)
    return render_markdown(blocks)


def _introduction() -> list[Block]:
    text = (
        "One YAML file is one run, complete. ",
        Code("molmix-bench run toymix/gine"),
        " makes one, ",
        Code("molmix-bench run toymix"),
        " those of a folder; ",
        Code("--datasets zinc12k --seeds 0,1,2"),
        " trains on one dataset, three times. Settings were chosen on validation; ",
        "the test split is read when a run is finished, and nothing was chosen by it. This page is made from ",
        Code("results/"),
        " by ",
        Code("molmix-bench results baselines/results --out baselines/README.md"),
        ".",
    )
    scores = (
        f"Scores are of the test split, by the protocol {PROTOCOL}: the mean over scorable tasks, and over seeds, "
        "± their standard deviation where there are several. Intervals are the 95 % ones of a bootstrap over "
        f"molecules, {REPLICATES:,} replicates: a difference between two models is established where "
        "molmix-bench compare says so, not where two intervals look different. An arrow tells which way a metric is "
        "better. Parameters of trees are their leaves, of the trivial predictor its constants. The time of trees is "
        "added up over processes."
    )
    return [Paragraph(text), Paragraph(scores)]


def _mix_section(mix: str, runs: Sequence[KeptRun], notes: Iterable[str]) -> list[Block]:
    reported = load_reported(mix)
    first = runs[0].result.mix
    keys = sorted({run.result.mix.build_key[:12] for run in runs})
    about = (f"Version {first.version}, build {', '.join(keys)}.",)
    blocks: list[Block] = [Heading(2, mix), Paragraph(about)]
    if remarks := [*notes, *([_source(reported)] if reported else [])]:
        blocks.append(Bullets(remarks))
    tables = {run.name: _test_scores(run) for run in runs}
    datasets = dict.fromkeys(name for table in tables.values() for name in table["dataset"])
    for dataset in datasets:
        blocks += [Heading(3, dataset), _dataset_table(dataset, runs, tables, reported)]
    return [*blocks, Heading(3, "Runs"), _run_table(runs)]


def _source(reported: Reported) -> Text:
    source = reported.source
    return ("Rows marked “published” are of ", Link(source.title, source.tables), f". {reported.note}")


def _test_scores(run: KeptRun) -> pl.DataFrame:
    """Returns the means over tasks and seeds on the test split."""
    return pl.DataFrame(list(run.result.scores), schema=TABLE_SCHEMA, infer_schema_length=None).filter(
        pl.col("seed").is_null(),
        pl.col("task").is_null(),
        split=str(Split.TEST),
        aggregation=str(Aggregation.MACRO),
    )


def _dataset_table(
    dataset: str, runs: Sequence[KeptRun], tables: Mapping[str, pl.DataFrame], reported: Reported | None
) -> Table:
    """Returns our runs from the best to the worst by the primary metric, and below them what is published."""
    found = {run: _by_metric(tables[run.name].filter(dataset=dataset)) for run in runs}
    found = {run: scores for run, scores in found.items() if scores}
    metrics = _metrics_of(next(iter(found.values())))
    primary = metrics[0]
    sign = 1 if primary.direction == "lower" else -1
    names = _names_apart(found, dataset)
    rows: list[list[Text]] = []
    for run, scores in sorted(found.items(), key=lambda item: sign * item[1][primary.name]["value"]):
        cells = [cell for metric in metrics for cell in _cells(metric, scores, primary)]
        beside = _published(reported, run, dataset, {name: score["value"] for name, score in scores.items()})
        rows.append([*names[run], *cells, beside])
    rows += _published_rows(reported, dataset, metrics)
    header = ["model", "trained on"]
    for metric in metrics:
        header.append(f"{metric.name} {'↓' if metric.direction == 'lower' else '↑'}")
        header += [f"{metric.name}, 95 % interval"] if _has_interval(metric, primary) else []
    header.append("minus published")
    return Table(header, rows, frozenset(header[2:]))


def _has_interval(metric: Metric, primary: Metric) -> bool:
    """Whether the table has a column with the interval of a metric: of the first, and of what others quote most."""
    return metric == primary or metric.name == _QUOTED


def _cells(metric: Metric, scores: Mapping[str, Mapping[str, Any]], primary: Metric) -> list[str]:
    score = scores.get(metric.name)
    if not _has_interval(metric, primary):
        return [_cell(score)]
    return [_cell(score), "-" if score is None else interval(score["ci_low"], score["ci_high"])]


def _names_apart(runs: Iterable[KeptRun], dataset: str) -> dict[KeptRun, tuple[str, str]]:
    """Returns the model of each run and what it was trained on, with the run's name where two would read alike."""
    plain = {run: (_model_name(run.spec), _trained_on(run, dataset)) for run in runs}
    counts = Counter(plain.values())
    return {
        run: found if counts[found] == 1 else (f"{found[0]} ({run.name})", found[1]) for run, found in plain.items()
    }


def _by_metric(table: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["metric"]: row for row in table.iter_rows(named=True) if row["value"] is not None}


def _metrics_of(scores: Mapping[str, object]) -> list[Metric]:
    """Returns the metrics of the kind that scores are of, but for those in units, of which there is no mean."""
    kinds = [metrics for metrics in METRICS.values() if {metric.name for metric in metrics} >= set(scores)]
    return [metric for metric in kinds[0] if not metric.in_units]


def _cell(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return "-"
    spread = "" if score["std"] is None else f" ± {number(score['std'])}"
    return f"{number(score['value'])}{spread}"


def _model_name(spec: RunSpec) -> str:
    model = spec.model
    return model.import_ if isinstance(model, ImportedSpec) else _NAMES[model.architecture]


def _trained_on(run: KeptRun, dataset: str) -> str:
    datasets, subset = run.spec.datasets or (), run.spec.subset
    source = "it alone" if datasets == (dataset,) else f"{len(datasets)} datasets"
    if subset is None:
        return source
    size = f"{subset.molecules:,} molecules" if subset.fraction is None else f"{100 * subset.fraction:g} %"
    return f"{size} of {source}"


def _published(reported: Reported | None, run: KeptRun, dataset: str, values: Mapping[str, float]) -> str:
    """Returns the differences from the published numbers of the same model, trained on the same datasets."""
    if run.spec.subset is not None:
        return "-"
    setting = "single" if run.spec.datasets == (dataset,) else "multi"
    for table in reported.of(dataset) if reported else ():
        name = _PUBLISHED_NAMES.get(getattr(run.spec.model, "architecture", ""), _model_name(run.spec))
        figures = table.rows.get(name)
        if table.setting == setting and figures:
            by_name = dict(zip(table.metrics, figures, strict=True))
            both = [(metric, value, by_name[metric]) for metric, value in values.items() if metric in by_name]
            return ", ".join(f"{metric} {value - float(figure.split()[0]):+.3f}" for metric, value, figure in both)
    return "-"


def _published_rows(reported: Reported | None, dataset: str, metrics: Sequence[Metric]) -> list[list[Text]]:
    rows: list[list[Text]] = []
    for table in reported.of(dataset) if reported else ():
        trained = reported.settings[table.setting].short if reported else ""
        for model, figures in table.rows.items():
            by_name = dict(zip(table.metrics, figures, strict=True))
            cells = []
            for metric in metrics:
                cells += [by_name.get(metric.name, "-"), *(["-"] if _has_interval(metric, metrics[0]) else [])]
            rows.append([f"published: {model}", trained, *cells, "-"])
    return rows


def _run_table(runs: Sequence[KeptRun]) -> Table:
    """Returns how large each run was, how long it took and where."""
    rows: list[list[Text]] = []
    for run in runs:
        result, training = run.result, run.spec.training
        epochs = "-" if isinstance(run.spec.model, FittedSpec) else f"{training.epochs}"
        chosen = ", ".join(str(item.epoch) for item in result.seeds) if epochs != "-" else "-"
        place = _place(result.hardware)
        rows.append(
            [
                Code(run.name),
                f"{result.num_parameters:,}",
                f"{len(result.seeds)}",
                epochs,
                chosen,
                duration(result.wall_seconds),
                place,
            ]
        )
    header = ["run", "parameters", "seeds", "epochs", "chosen", "time, all seeds", "hardware"]
    return Table(header, rows, frozenset(header[1:6]))


def _place(hardware: Hardware) -> str:
    place = hardware.accelerator
    if place == "cpu":
        place = f"{hardware.cpu}, {hardware.threads} thread{'s' if hardware.threads > 1 else ''}"
    return place if hardware.devices == 1 else f"{hardware.devices} processes, {place}"
