"""The text of a report, in order, with its figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from molmix_bench.cards.document import Block, Bullets, Code, Heading, Paragraph, Text
from molmix_bench.cards.page import Grid, PageBlock
from molmix_bench.mix import Mix
from molmix_bench.reports.bars import MAX_BARS, task_figures, task_scores
from molmix_bench.reports.calibration import calibration_figures
from molmix_bench.reports.curves import training_figures
from molmix_bench.reports.diagnose import ERROR_WORDS, Diagnosis, diagnose
from molmix_bench.reports.molecules import WIDTH, molecule_cells
from molmix_bench.reports.panels import PANEL_PIXELS, Figures
from molmix_bench.reports.parity import parity_figures
from molmix_bench.reports.read import ReportedRun
from molmix_bench.reports.tables import excluded_section, reproduce_section, resource_section, score_section
from molmix_bench.reports.trends import trend_figures
from molmix_bench.vocab import Kind, Split


def report_blocks(run: ReportedRun, mix: Mix, figures: Figures) -> list[PageBlock]:
    """Returns the whole report; figures are drawn on the way."""
    blocks: list[PageBlock] = [*_head(run, mix), *score_section(run), *_training(run, figures)]
    splits = run.splits()
    for place, target in enumerate(run.origin.targets):
        if target.dataset in splits:
            blocks += _dataset(run, mix, splits[target.dataset], place, figures)
        else:
            blocks += [Heading(2, target.dataset), Paragraph("No split but train, so nothing was scored.")]
    return [*blocks, *excluded_section(run), *resource_section(run), *reproduce_section(run)]


def _head(run: ReportedRun, mix: Mix) -> list[Block]:
    targets, result = run.origin.targets, run.result
    num_tasks = sum(len(target.tasks) for target in targets)
    model = getattr(run.spec.model, "architecture", None) or "a network of the user's"
    seeds = f"seed{'s' if len(run.seeds) > 1 else ''} {', '.join(map(str, run.seeds))}"
    datasets = f"{len(targets)} dataset{'s' if len(targets) > 1 else ''}"
    tasks = f"{num_tasks:,} task{'s' if num_tasks > 1 else ''}"
    facts: Text = (
        "Mix ",
        Code(f"{mix.name} {mix.version}"),
        f", {datasets}, {tasks}. Model ",
        Code(model),
        f", {result.num_parameters:,} parameters, {seeds}.",
    )
    notes: list[Block] = [Bullets([f"Note: {note}" for note in result.notes])] if result.notes else []
    return [Heading(1, f"Run {result.name}"), Paragraph(run.spec.description), Paragraph(facts), *notes]


def _training(run: ReportedRun, figures: Figures) -> list[PageBlock]:
    panels = training_figures(run, figures)
    heading = Heading(2, "Training")
    if not panels:
        return [heading, Paragraph("The model is fitted, not trained in epochs: there are no curves.")]
    lines = [Paragraph("A line for each seed.")] if len(run.seeds) > 1 else []
    return [heading, *lines, _side_by_side(panels)]


def _dataset(run: ReportedRun, mix: Mix, split: Split, place: int, figures: Figures) -> list[PageBlock]:
    name = run.origin.targets[place].dataset
    found = diagnose(mix, name, split, predictions=run.folder.predictions, seeds=run.seeds)
    blocks: list[PageBlock] = [Heading(2, name), Paragraph(_what(found, run))]
    if not len(found.labels):
        return [*blocks, Paragraph("No task of it could be scored.")]
    scores = task_scores(run.means(), dataset=name, split=str(split))
    blocks.append(Heading(3, "Tasks"))
    if scores.height > 2 * MAX_BARS:
        text = f"Of {scores.height:,} tasks the best {MAX_BARS} and the worst {MAX_BARS} are named."
        blocks.append(Paragraph(text))
    if without := scores["ci_low"].null_count():
        text = f"Too few labels for an interval, by the protocol: {without:,} of {scores.height:,} tasks."
        blocks.append(Paragraph(text))
    prevalence = _prevalence(found) if found.dataset.kind is Kind.BINARY else {}
    blocks.append(_side_by_side(task_figures(scores, prevalence, figures, colour=place)))
    if found.dataset.kind is Kind.REGRESSION:
        title, panels = "Predictions and labels", parity_figures(found, scores, figures, colour=place)
    else:
        title, panels = "Calibration", calibration_figures(found, figures, colour=place)
    blocks += [Heading(3, title), Paragraph(_how_drawn(found, run)), _side_by_side(panels)]
    return [*blocks, *_errors(found, place, figures), *_worst(found, run, figures)]


def _what(found: Diagnosis, run: ReportedRun) -> str:
    item = found.dataset
    scored = int(found.reference.scorable.sum())
    seeds = f" Predictions of {len(run.seeds)} seeds." if len(run.seeds) > 1 else ""
    return (
        f"{item.kind.capitalize()}, level {item.level}; split {found.split}: {len(found.mol_id):,} molecules, "
        f"{scored:,} of {len(item.tasks):,} tasks scorable, {len(found.labels):,} labels in them.{seeds}"
    )


def _how_drawn(found: Diagnosis, run: ReportedRun) -> str:
    if found.dataset.kind is Kind.REGRESSION:
        return "Dashed: where predictions equal labels."
    means = " Counts are means over seeds." if len(run.seeds) > 1 else ""
    return (
        "All scorable tasks together, in ten bins of the predicted probability; lines are Wilson's 95 % intervals, "
        "which take labels for independent. Calibration error: the mean distance of the points from the dashed line, "
        f"weighted by their labels.{means}"
    )


def _errors(found: Diagnosis, place: int, figures: Figures) -> list[PageBlock]:
    """Returns errors against size and label density."""
    mean = ", its mean over seeds" if len(found.predictions) > 1 else ""
    text = (
        f"The error of a label is {ERROR_WORDS[found.dataset.kind]}{mean}; "
        "that of a molecule the mean over its labels. Lines are 95 % intervals of the mean over molecules."
    )
    blocks: list[PageBlock] = [Heading(3, "Errors"), Paragraph(text)]
    panels = trend_figures(found, figures, colour=place)
    if panels:
        blocks.append(_side_by_side(panels))
    counts = np.unique(found.num_labels[found.num_labels > 0])
    if len(counts) == 1:
        number = f"{counts[0]:,} label{'s' if counts[0] > 1 else ''}"
        blocks.append(Paragraph(f"Every molecule has {number}, so there is nothing to say of label density."))
    if len(np.unique(found.num_atoms[found.num_labels > 0])) == 1:
        blocks.append(Paragraph("All molecules are of one size."))
    return blocks


def _worst(found: Diagnosis, run: ReportedRun, figures: Figures) -> list[PageBlock]:
    cells = molecule_cells(found, figures)
    means = ", predictions and errors are means over seeds" if len(run.seeds) > 1 else ""
    count = {1: "The one molecule"}.get(len(cells), f"The {len(cells)} molecules")
    text = f"{count} with the largest error of a label, each with that label{means}."
    return [Heading(3, "Worst molecules"), Paragraph(text), Grid(cells, WIDTH)]


def _prevalence(found: Diagnosis) -> dict[str, float]:
    """Returns the share of 1 among the labels of each scorable task."""
    num_tasks = len(found.dataset.tasks)
    counts = np.bincount(found.tasks, minlength=num_tasks)
    ones = np.bincount(found.tasks, weights=found.labels, minlength=num_tasks)
    return {task: float(ones[place] / counts[place]) for place, task in enumerate(found.dataset.tasks) if counts[place]}


def _side_by_side(panels: Sequence[Block]) -> Grid:
    return Grid([[panel] for panel in panels], PANEL_PIXELS - 24)
