"""How much does a network gain from more of a mix, and from more width?"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise, product

import numpy as np

from molmix_bench.reports.panels import Figures
from molmix_bench.specs.run import SubsetSpec
from molmix_bench.specs.study import NetworkTraining, ScaleSpec
from molmix_bench.studies.answer import Answer, Plan, Section
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.cells import Factor
from molmix_bench.studies.figures import Axis, line_figure
from molmix_bench.studies.judge import Claim, better, slope
from molmix_bench.studies.levels import level_table
from molmix_bench.studies.results import Results, Sample
from molmix_bench.studies.train_cell import train_cell
from molmix_bench.training.targets import choose_datasets

_FIXED = (
    "Depth, learning rate and all else stay as they are: a width or share that would have wanted others is compared at "
    "its disadvantage."
)
_AS_MANY = 0.99
"""Share of the steps from which on it is only rounding that is missing."""
Levels = Mapping[tuple[float, int], Sample]
"""By fraction and width."""


def plan(spec: ScaleSpec, bench: Bench) -> Plan:
    """Returns a cell for each seed, width and fraction: for every seed the small ones first.

    Raises:
        UsageError: the mix has no such dataset.
        SpecError: a width does not fit the architecture.
    """
    mix = bench.mix(spec.mix)
    datasets = choose_datasets(mix, spec.datasets, where=f"study {spec.name}")
    cells = []
    for seed, width, fraction in product(spec.seeds, spec.widths, sorted(spec.fractions)):
        factors: dict[str, Factor] = {"width": width, "fraction": fraction}
        subset = None if fraction == 1 else SubsetSpec(fraction=fraction)
        cells.append(
            train_cell(
                scaled(spec, fraction, width),
                (spec.mix, mix),
                factors=factors,
                seed=seed,
                datasets=datasets,
                subset=subset,
                scored=True,
            )
        )
    return Plan(tuple(cells))


def scaled(spec: ScaleSpec, fraction: float, width: int) -> NetworkTraining:
    """Returns the network of some width, and its training on a fraction of the molecules."""
    network = spec.train
    model = type(network.model).model_validate(network.model.model_dump() | {"width": width})
    epochs = network.training.epochs
    if spec.max_epochs is not None:
        epochs = max(epochs, min(spec.max_epochs, round(epochs / fraction)))
    every = max(1, round(network.training.validate_every * epochs / network.training.epochs))
    training = network.training.model_copy(update={"epochs": epochs, "validate_every": every})
    return network.model_copy(update={"model": model, "training": training})


def answer(spec: ScaleSpec, results: Results, figures: Figures) -> Answer:
    """Returns what the scores say."""
    sections = [_section(spec, name, results.where(dataset=name), figures) for name in results.datasets]
    steps = (
        "for the same number of epochs, so for fewer steps where there are fewer molecules"
        if spec.max_epochs is None
        else f"for as many steps, but no more than {spec.max_epochs:,} epochs"
    )
    source = f"{', '.join(spec.datasets)} of {spec.mix}" if spec.datasets else spec.mix
    shares = ", ".join(_share(fraction) for fraction in sorted(spec.fractions))
    widths = ", ".join(map(str, spec.widths))
    how = (
        f"One network of widths {widths} is trained on {shares} of the train molecules of {source}, {steps}. A "
        "smaller share is part of a larger one, the same for every seed; scores are of the whole test split."
    )
    return Answer("What do more data and more width give?", how, sections, (_FIXED, *_fewer_steps(spec)))


def _fewer_steps(spec: ScaleSpec) -> tuple[str, ...]:
    """Returns that smaller shares had fewer steps, where they had."""
    whole = spec.train.training.epochs
    taken = {share: scaled(spec, share, spec.widths[0]).training.epochs * share / whole for share in spec.fractions}
    fewer = [
        f"{100 * steps:.0f} % of the steps on {_share(share)}" for share, steps in taken.items() if steps < _AS_MANY
    ]
    if not fewer:
        return ()
    return (
        f"Smaller shares also had fewer steps, {', '.join(fewer)}: what data and what steps give is not told apart.",
    )


def _section(spec: ScaleSpec, about: str, results: Results, figures: Figures) -> Section:
    levels = {
        (fraction, width): sample
        for width, fraction in product(spec.widths, sorted(spec.fractions))
        if (sample := results.where(width=width, fraction=fraction).sample(_name(fraction, width)))
    }
    by_fraction = {
        f"width {width}": points
        for width in spec.widths
        if (points := [(100 * fraction, item) for (fraction, at), item in levels.items() if at == width])
    }
    by_width = {
        _share(share): points
        for share in sorted(spec.fractions)
        if (points := [(float(width), item) for (at, width), item in levels.items() if at == share])
    }
    images = [
        line_figure(figures, about, by_fraction, Axis("% of the train molecules")),
        line_figure(figures, about, by_width, Axis("width")),
    ]
    rows = [((_share(fraction), f"{width}"), item) for (fraction, width), item in levels.items()]
    table = level_table(("share", "width"), rows)
    return Section(about, _claims(about, levels), images, [(f"{about}, by level", table)])


def _claims(about: str, levels: Levels) -> list[Claim]:
    fractions, widths = sorted({fraction for fraction, _ in levels}), sorted({width for _, width in levels})
    claims = []
    if len(fractions) > 1 and len(widths) > 1:
        design = np.array([[1.0, np.log10(fraction), np.log2(width)] for fraction, width in levels])
        metric = next(iter(levels.values())).metric
        for contrast, thing, words in (
            ((0, 1, 0), "more data", "ten times the data"),
            ((0, 0, 1), "more width", "twice the width"),
        ):
            effect = slope(list(levels.values()), design, contrast)
            if effect is not None:
                measure = (f"{metric}, for {words}, better by", f"{metric}, for {words}, worse by")
                claims.append(
                    Claim(about, f"whether {thing} helps", f"{thing} helps", f"{thing} harms", measure, effect)
                )
    pairs = [((more, width), (less, width)) for width in widths for less, more in pairwise(fractions)]
    pairs += [((share, wide), (share, narrow)) for share in fractions for narrow, wide in pairwise(widths)]
    found = [better(about, levels.get(mine), levels.get(other)) for mine, other in pairs]
    return [*claims, *(claim for claim in found if claim is not None)]


def _name(fraction: float, width: int) -> str:
    return f"width {width} on {_share(fraction)}"


def _share(fraction: float) -> str:
    return f"{100 * fraction:g} %"
