"""How many labels does pre-training replace? Learning curves of tasks, from mixes, single datasets and from nothing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise, product

from molmix_bench.reports.panels import Figures
from molmix_bench.specs.study import BodySpec, TaskSpec, TransferSpec
from molmix_bench.studies.answer import Answer, Plan, Section
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.cells import Cell, Factor
from molmix_bench.studies.figures import Axis, line_figure
from molmix_bench.studies.judge import Claim, better
from molmix_bench.studies.levels import level_table
from molmix_bench.studies.references import FINGERPRINTS, REFERENCES, SCRATCH, reference_cells
from molmix_bench.studies.results import Results, Sample
from molmix_bench.studies.train_cell import TrainCell, train_cell
from molmix_bench.studies.tune_cell import num_available, tune_cell
from molmix_bench.training.targets import choose_datasets

_UNEQUAL = (
    "Bodies differ in how many molecules they were pre-trained on, so what they learnt from and how much of it are not "
    "told apart."
)
_LABELS = "Bodies that saw as many molecules differ in how many labels these have."
_COUNTED = "Of the labels of a task, those to validate on count as labels."
Levels = Mapping[tuple[str, int], Sample]
"""By body and number of labels."""


def plan(spec: TransferSpec, bench: Bench) -> Plan:
    """Returns the cells, seed by seed: bodies, then what each learns of every task; references first.

    Raises:
        UsageError: a mix has no such dataset, or there is no such task.
    """
    there = {task: num_available(bench.data(task), bench.folds(task)) for task in spec.tasks}
    wanted = [(task, labels) for task, labels in product(spec.tasks, spec.num_labels) if labels <= there[task]]
    notes = [
        f"{task.name} has {there[task]:,} molecules to train and validate on, so none of {labels:,}"
        for task, labels in product(spec.tasks, spec.num_labels)
        if labels > there[task]
    ]
    cells: list[Cell] = []
    for seed in spec.seeds:
        for task, labels in wanted:
            cells += reference_cells(spec.pretrain, task, bench, spec.tune, draw=(labels, seed))
        for body in spec.bodies:
            mix = bench.mix(body.mix)
            datasets = choose_datasets(mix, body.datasets, where=f"study {spec.name}, body {body.name}")
            first = train_cell(
                spec.pretrain,
                (body.mix, mix),
                factors={"body": body.name},
                seed=seed,
                datasets=datasets,
                subset=body.subset,
            )
            cells += [first, *(_tuned(spec, first, bench, task, (labels, seed)) for task, labels in wanted)]
    return Plan(tuple(cells), tuple(notes))


def _tuned(spec: TransferSpec, body: TrainCell, bench: Bench, task: TaskSpec, draw: tuple[int, int]) -> Cell:
    factors: dict[str, Factor] = {**body.factors, "num_labels": draw[0]}
    return tune_cell(body, task, bench, tune=(spec.tune, spec.tune.mode), draw=draw, factors=factors)


def answer(spec: TransferSpec, results: Results, figures: Figures) -> Answer:
    """Returns what the scores say."""
    sections = [_section(spec, name, results.where(dataset=name), figures) for name in results.datasets]
    bodies = "; ".join(f"{body.name}: {_learnt(body)}" for body in spec.bodies)
    how = (
        f"Networks pre-trained on mixes and single datasets ({bodies}) are fine-tuned ({spec.tune.mode}) on few labels "
        f"of each task, beside {REFERENCES}. Each seed draws its own labels, the same for all of them; the molecules "
        "tested are always the same."
    )
    sizes = {None if body.subset is None else body.subset.molecules for body in spec.bodies}
    caveats = (_LABELS if len(sizes) == 1 and None not in sizes else _UNEQUAL, _COUNTED)
    return Answer("How many labels does pre-training replace?", how, sections, caveats)


def _learnt(body: BodySpec) -> str:
    """Returns what a body was pre-trained on.

    >>> from molmix_bench.specs.run import SubsetSpec
    >>> _learnt(BodySpec(name="a", mix="midmix", datasets=("qm9",), subset=SubsetSpec(molecules=5_000)))
    '5,000 molecules of qm9 of midmix'
    """
    source = f"{', '.join(body.datasets)} of {body.mix}" if body.datasets else body.mix
    if body.subset is None:
        return f"all of {source}"
    size = body.subset.molecules
    return f"{100 * (body.subset.fraction or 0):g} % of {source}" if size is None else f"{size:,} molecules of {source}"


def _section(spec: TransferSpec, about: str, results: Results, figures: Figures) -> Section:
    names = [*(body.name for body in spec.bodies), SCRATCH, FINGERPRINTS]
    levels = {
        (name, labels): sample
        for name, labels in product(names, sorted(spec.num_labels))
        if (sample := results.where(body=name, num_labels=labels).sample(f"{name} with {labels:,} labels"))
    }
    lines = {
        name: points
        for name in names
        if (points := [(float(labels), item) for (at, labels), item in levels.items() if at == name])
    }
    rows = [((name, f"{labels:,}"), item) for (name, labels), item in levels.items()]
    images = [line_figure(figures, about, lines, Axis("labels"))]
    table = level_table(("pre-trained on", "labels"), rows)
    return Section(about, _claims(spec, about, levels), images, [(f"{about}, by level", table)])


def _claims(spec: TransferSpec, about: str, levels: Levels) -> list[Claim]:
    bodies, sizes = [body.name for body in spec.bodies], sorted(spec.num_labels)
    pairs = [
        ((name, labels), (other, labels)) for labels in sizes for name in bodies for other in (SCRATCH, FINGERPRINTS)
    ]
    # Bodies against the first, so that their comparisons stay as few as the bodies are.
    pairs += [((bodies[0], labels), (other, labels)) for labels in sizes for other in bodies[1:]]
    # Does pre-training with fewer labels do what more labels do without?
    pairs += [((name, few), (SCRATCH, more)) for name in bodies for few, more in pairwise(sizes)]
    found = [better(about, levels.get(mine), levels.get(other)) for mine, other in pairs]
    return [claim for claim in found if claim is not None]
