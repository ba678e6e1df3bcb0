"""Does multi-task training help by scale or by diversity? Pre-training on mixes of one size from more datasets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from molmix_bench.errors import UsageError
from molmix_bench.graphs.order import generator, shuffled
from molmix_bench.reports.panels import Figures
from molmix_bench.specs.run import SubsetSpec
from molmix_bench.specs.study import DiversitySpec, TaskSpec
from molmix_bench.studies.answer import Answer, Plan, Section
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.cells import Cell, Factor
from molmix_bench.studies.figures import Axis, line_figure
from molmix_bench.studies.judge import Claim, better, slope
from molmix_bench.studies.levels import level_table
from molmix_bench.studies.references import FINGERPRINTS, REFERENCES, SCRATCH, reference_cells
from molmix_bench.studies.results import Results, Sample
from molmix_bench.studies.train_cell import train_cell
from molmix_bench.studies.tune_cell import num_available, tune_cell
from molmix_bench.training.targets import choose_datasets

_BUDGET = (
    "More datasets at one size also mean fewer molecules of each: what is asked is whether to spread a budget of "
    "molecules, not whether to add to it."
)
_OVERLAP = (
    "A molecule brings all labels that it has in the datasets drawn, so where datasets overlap, labels grow with "
    "diversity though molecules do not."
)
_STEPS = (
    "Every network is pre-trained for as many epochs, so more molecules also mean more steps: what more molecules give "
    "and what more steps give are not told apart."
)
_PRETRAINED = "pre-trained"
_DATASETS = ("more datasets help at one size", "more datasets harm at one size")
_MOLECULES = ("more molecules help", "more molecules harm")
_BOTH = ("twice the datasets do more than twice the molecules", "twice the molecules do more than twice the datasets")


def plan(spec: DiversitySpec, bench: Bench) -> Plan:
    """Returns the cells: bodies, then what each learns, then the references.

    Raises:
        UsageError: the mix has no such dataset or not as many, or a task has not as many labels.
    """
    mix = bench.mix(spec.mix)
    names = choose_datasets(mix, spec.datasets, where=f"study {spec.name}")
    if max(spec.num_datasets) > len(names):
        expected = f"at most {len(names)}, the datasets to draw from ({', '.join(names)})"
        raise UsageError(f"study {spec.name}, num_datasets", found=str(max(spec.num_datasets)), expected=expected)
    for task in spec.tasks:
        _check_labels(spec, task, bench)
    cells: list[Cell] = []
    for seed, size, count in product(spec.seeds, spec.num_molecules, spec.num_datasets):
        factors: dict[str, Factor] = {"body": _PRETRAINED, "num_datasets": count, "num_molecules": size}
        body = train_cell(
            spec.pretrain,
            (spec.mix, mix),
            factors=factors,
            seed=seed,
            datasets=drawn(names, count, seed),
            subset=SubsetSpec(molecules=size, balanced=True, draw=seed),
        )
        cells.append(body)
        how, draw = (spec.tune, spec.tune.mode), (spec.num_labels, seed)
        cells += [tune_cell(body, task, bench, tune=how, draw=draw, factors=factors) for task in spec.tasks]
    references = [
        cell
        for task, seed in product(spec.tasks, spec.seeds)
        for cell in reference_cells(spec.pretrain, task, bench, spec.tune, draw=(spec.num_labels, seed))
    ]
    return Plan((*references, *cells))


def drawn(names: Sequence[str], count: int, seed: int) -> tuple[str, ...]:
    """Returns the datasets that a seed pre-trains on, in the mix's order: more of them hold those that fewer are.

    >>> drawn(["a", "b", "c"], 1, 0), drawn(["a", "b", "c"], 2, 0)
    (('a',), ('a', 'c'))
    """
    # One draw of an order for every seed; seeds that follow each other begin with different datasets.
    order = shuffled(len(names), generator(seed // len(names), 0)).tolist()
    begin = seed % len(names)
    chosen = {names[place] for place in (order[begin:] + order[:begin])[:count]}
    return tuple(name for name in names if name in chosen)


def _check_labels(spec: DiversitySpec, task: TaskSpec, bench: Bench) -> None:
    there = num_available(bench.data(task), bench.folds(task))
    if there < spec.num_labels:
        found = f"{there} molecules to train and validate on"
        raise UsageError(f"task {task.name}", found=found, expected=f"at least num_labels, {spec.num_labels}")


def answer(spec: DiversitySpec, results: Results, figures: Figures) -> Answer:
    """Returns what the scores say."""
    sections = [_section(spec, name, results.where(dataset=name), figures) for name in results.datasets]
    how = (
        f"Networks are pre-trained on {_listed(spec.num_molecules)} molecules from {_listed(spec.num_datasets)} "
        f"datasets of {spec.mix}, each of which gives as many, then fine-tuned ({spec.tune.mode}) on "
        f"{spec.num_labels} molecules of a task, beside {REFERENCES}. Each seed draws its own datasets, molecules and "
        "labels; the molecules tested are always the same."
    )
    caveats = (_BUDGET, _OVERLAP, *((_STEPS,) if len(spec.num_molecules) > 1 else ()))
    return Answer("Does multi-task training help by scale or by diversity?", how, sections, caveats)


def _section(spec: DiversitySpec, about: str, results: Results, figures: Figures) -> Section:
    samples = {
        (count, size): sample
        for count, size in product(spec.num_datasets, spec.num_molecules)
        if (
            sample := results.where(body=_PRETRAINED, num_datasets=count, num_molecules=size).sample(_name(count, size))
        )
    }
    references = {name: sample for name in (SCRATCH, FINGERPRINTS) if (sample := results.where(body=name).sample(name))}
    if not samples:
        return Section(about)
    by_size = {
        f"{count} dataset{'s' if count > 1 else ''}": [
            (float(size), item) for (at, size), item in samples.items() if at == count
        ]
        for count in spec.num_datasets
    }
    by_count = {
        f"{size:,} molecules": [(float(count), item) for (count, at), item in samples.items() if at == size]
        for size in spec.num_molecules
    }
    images = [
        line_figure(figures, about, {name: points for name, points in lines.items() if points}, axis, levels=references)
        for lines, axis in ((by_size, Axis("molecules of pre-training")), (by_count, Axis("datasets of pre-training")))
    ]
    rows = [((f"{count}", f"{size:,}"), item) for (count, size), item in samples.items()]
    rows += [((name, "-"), item) for name, item in references.items()]
    table = level_table(("datasets", "molecules"), rows)
    return Section(about, _claims(about, samples, references), images, [(f"{about}, by level", table)])


def _claims(about: str, samples: dict[tuple[int, int], Sample], references: dict[str, Sample]) -> list[Claim]:
    counts, sizes = (sorted({key[place] for key in samples}) for place in (0, 1))
    pairs = [((counts[-1], size), (counts[0], size)) for size in sizes if len(counts) > 1]
    pairs += [((count, sizes[-1]), (count, sizes[0])) for count in counts if len(sizes) > 1]
    found = [better(about, samples.get(mine), samples.get(other)) for mine, other in pairs]
    found += [better(about, samples.get((counts[-1], sizes[-1])), item) for item in references.values()]
    slopes = _slopes(about, samples) if len(counts) > 1 and len(sizes) > 1 else []
    return [*slopes, *(claim for claim in found if claim is not None)]


def _slopes(about: str, samples: dict[tuple[int, int], Sample]) -> list[Claim]:
    design = np.array([[1.0, np.log2(count), np.log2(size)] for count, size in samples])
    metric = next(iter(samples.values())).metric
    wanted = (
        ((0, 1, 0), "whether more datasets help at one size", _DATASETS, "twice the datasets"),
        ((0, 0, 1), "whether more molecules help", _MOLECULES, "twice the molecules"),
        ((0, 1, -1), "which of both does more", _BOTH, "twice the datasets over twice the molecules"),
    )
    claims = []
    for contrast, question, (positive, negative), words in wanted:
        effect = slope(list(samples.values()), design, contrast)
        if effect is not None:
            measure = (f"{metric}, for {words}, better by", f"{metric}, for {words}, worse by")
            claims.append(Claim(about, question, positive, negative, measure, effect))
    return claims


def _name(count: int, size: int) -> str:
    return f"{size:,} molecules of {count} dataset{'s' if count > 1 else ''}"


def _listed(numbers: Sequence[int]) -> str:
    texts = [f"{number:,}" for number in numbers]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"
