"""What does quality cost? Every baseline on one machine: scores against parameters, processor time and energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from molmix_bench.cards.document import Table
from molmix_bench.reports.numbers import duration, interval, number
from molmix_bench.reports.panels import Figures
from molmix_bench.specs.baselines import load_run_spec
from molmix_bench.specs.model import FittedSpec
from molmix_bench.specs.run import RunSpec
from molmix_bench.specs.study import EfficiencySpec
from molmix_bench.studies.answer import Answer, Plan, Section
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.cells import Cell
from molmix_bench.studies.figures import cost_figure
from molmix_bench.studies.judge import Claim, better, spread
from molmix_bench.studies.results import Record, Results, Sample
from molmix_bench.studies.train_cell import of_spec
from molmix_bench.training.targets import choose_datasets

_KINDS = {
    "num_parameters": "parameters",
    "cpu_seconds": "processor seconds",
    "wall_seconds": "seconds by the clock",
    "energy_joules": "joules",
}


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """One baseline on one dataset: its scores, and what the median seed cost; absent where it is not known."""

    sample: Sample
    costs: Mapping[str, float]


def plan(spec: EfficiencySpec, bench: Bench) -> Plan:
    """Returns a cell for each seed and baseline.

    Raises:
        UsageError: there is no such baseline, or the mix has no such dataset.
    """
    mix = bench.mix(spec.mix)
    datasets = choose_datasets(mix, spec.datasets, where=f"study {spec.name}")
    cells: list[Cell] = []
    for seed in spec.seeds:
        for name in spec.baselines:
            run = _changed(load_run_spec(name), spec, datasets, seed)
            cells.append(of_spec(run, mix, factors={"baseline": name}))
    return Plan(tuple(cells))


def _changed(run: RunSpec, spec: EfficiencySpec, datasets: tuple[str, ...], seed: int) -> RunSpec:
    """Returns a baseline on the study's molecules, with one seed; budgets of parameters are its own mix's."""
    data = run.model_dump(mode="json", exclude_unset=True)
    data |= {"mix": spec.mix, "datasets": datasets, "subset": spec.subset, "max_parameters": None}
    training = data["training"] | {"seeds": [seed]}
    if spec.epochs is not None and not isinstance(run.model, FittedSpec):
        training |= {"epochs": spec.epochs}
    return RunSpec.model_validate(data | {"training": training})


def answer(spec: EfficiencySpec, results: Results, figures: Figures) -> Answer:
    """Returns what the scores and costs say."""
    sections = [_section(spec, name, results.where(dataset=name), figures) for name in results.datasets]
    epochs = "each for its own number of epochs" if spec.epochs is None else f"those with epochs for {spec.epochs:,}"
    how = (
        f"{len(spec.baselines)} baselines learn {spec.mix} on one machine, {epochs}. Costs are those of a whole run of "
        "one seed, with validation, prediction and scoring; the median over seeds, since the first also pays for what "
        "is compiled and featurised once. They are processor time of all processes, time by the clock, and energy of "
        "the whole machine where its counters can be read. A model is on the front where no other is better, by a 95 % "
        "interval of the two alone, for no more processor time."
    )
    caveats = [
        "Settings are those of the baselines' files, found on validation and not for any budget of time.",
        "Parameters of trees are their leaves, which is no measure of their cost.",
        "Time by the clock, and energy, include whatever else the machine did.",
    ]
    if results.records and not any("energy_joules" in item.facts for item in results.records):
        caveats.append("Energy was not measurable here: neither RAPL nor NVML can be read, so nothing is said of it.")
    return Answer("What does quality cost?", how, sections, caveats)


def _section(spec: EfficiencySpec, about: str, results: Results, figures: Figures) -> Section:
    models = {
        name: _Model(sample, _costs(results.where(baseline=name).records))
        for name in spec.baselines
        if (sample := results.where(baseline=name).sample(name))
    }
    claims = [
        claim
        for mine, other in combinations(models, 2)
        if (claim := better(about, models[mine].sample, models[other].sample)) is not None
    ]
    images = []
    for kind, words in _KINDS.items():
        points = {name: (model.costs[kind], model.sample) for name, model in models.items() if kind in model.costs}
        if points:
            images.append(cost_figure(figures, about, points, words))
    return Section(about, claims, images, [(f"{about}, the best first", _table(models, claims))])


def _costs(records: Sequence[Record]) -> dict[str, float]:
    """Returns the median of each cost over seeds, of those that all of them know."""
    found = {}
    for kind in _KINDS:
        values = [float(item.facts[kind]) for item in records if kind in item.facts]
        if len(values) == len(records):
            found[kind] = float(np.median(values))
    return found


def _table(models: Mapping[str, _Model], claims: Sequence[Claim]) -> Table:
    front = on_front({name: model.costs.get("cpu_seconds") for name, model in models.items()}, claims)
    sign = 1 if next(iter(models.values())).sample.direction == "lower" else -1
    measured = any("energy_joules" in model.costs for model in models.values())
    rows = []
    for name, model in sorted(models.items(), key=lambda item: sign * item[1].sample.mean):
        ends = spread(model.sample).interval() or (None, None)
        known = model.costs
        rows.append(
            [
                name,
                number(model.sample.mean),
                interval(*ends),
                f"{known['num_parameters']:,.0f}",
                duration(known["cpu_seconds"]) if "cpu_seconds" in known else "not known",
                duration(known["wall_seconds"]) if "wall_seconds" in known else "not known",
                *([f"{known['energy_joules'] / 1000:.3g} kJ" if "energy_joules" in known else "not known"] * measured),
                "yes" if name in front else "no" if front else "not known",
            ]
        )
    metric = next(iter(models.values())).sample.metric
    costs = ["parameters", "processor", "clock", *(["energy"] * measured)]
    header = ["baseline", metric, "95 % interval", *costs, "on the front"]
    return Table(header, rows, frozenset(header[1:-1]))


def on_front(seconds: Mapping[str, float | None], claims: Sequence[Claim]) -> frozenset[str]:
    """Returns the models that no other is better than, by its own interval, for no more processor time.

    Args:
        seconds: by model; None where it is not known, and then nothing is said of any.
        claims: that one of two models is better.
    """
    known = {name: value for name, value in seconds.items() if value is not None}
    if len(known) < len(seconds):
        return frozenset()
    beaten = set()
    for claim in claims:
        ends = claim.effect.interval()
        if claim.sides is not None and ends is not None and (ends[0] > 0 or ends[1] < 0):
            winner, loser = claim.sides if claim.effect.value > 0 else claim.sides[::-1]
            if known[winner] <= known[loser]:
                beaten.add(loser)
    return frozenset(set(known) - beaten)
