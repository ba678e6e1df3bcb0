"""What do tasks of different kinds share? Probes of each dataset's labels from networks of each other, and CKA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

import numpy as np

from molmix_bench.cards.document import Image
from molmix_bench.errors import UsageError
from molmix_bench.reports.panels import Figures
from molmix_bench.specs.run import RunSpec, SubsetSpec
from molmix_bench.specs.study import RepresentationSpec
from molmix_bench.studies.align_cell import CKA, AlignCell
from molmix_bench.studies.answer import Answer, Plan, Section
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.cells import Cell, Factor
from molmix_bench.studies.figures import Axis, line_figure, matrix_figure
from molmix_bench.studies.judge import Claim, better
from molmix_bench.studies.levels import level_table
from molmix_bench.studies.probe_cell import ProbeCell
from molmix_bench.studies.results import Results, Sample
from molmix_bench.studies.train_cell import TrainCell, train_cell
from molmix_bench.studies.tune_cell import fresh_spec
from molmix_bench.training.targets import choose_datasets
from molmix_bench.vocab import Level

Bodies = Mapping[str, TrainCell | RunSpec]
UNTRAINED = "untrained"
_TELLABLE = 8
"""Lines in one figure that a reader can tell apart; of more pairs there are the matrices alone."""
_LAYERS = Axis("layer, 0 being the encoded atoms", plain=True)
_PROBES = (
    "A probe that reads a label from a layer says that it is there, not that the network uses it; one that fails may "
    "fail for want of molecules."
)
_ALIKE = (
    "CKA compares where molecules lie to each other; two networks may hold the same of molecules in forms that it does "
    "not see as alike. It is of molecules of all datasets together, so how datasets differ from each other weighs most."
)
_SHARED = (
    "Pairs of seeds of one dataset share networks with each other, so what is said of them rests on a little less than "
    "its interval shows."
)


def plan(spec: RepresentationSpec, bench: Bench) -> Plan:
    """Returns the cells, seed by seed: networks, then probes and comparisons.

    Raises:
        UsageError: the mix has no such dataset, or none has labels of molecules.
    """
    mix = bench.mix(spec.mix)
    datasets = choose_datasets(mix, spec.datasets, where=f"study {spec.name}")
    probed = [name for name in datasets if mix.datasets[name].level is Level.GRAPH]
    if not probed:
        raise UsageError(f"study {spec.name}, datasets", found="labels of atoms alone", expected="some of molecules")
    place = (spec.mix, mix.manifest.build_key)
    trained = {
        (name, seed): train_cell(
            spec.train,
            (spec.mix, mix),
            factors={"body": name},
            seed=seed,
            datasets=(name,),
            subset=SubsetSpec(molecules=spec.num_molecules, draw=seed),
        )
        for seed in spec.seeds
        for name in datasets
    }
    cells: list[Cell] = []
    for seed in spec.seeds:
        bodies: Bodies = {name: trained[name, seed] for name in datasets}
        cells += [trained[name, seed] for name in datasets]
        cells += _looks(spec, {**bodies, UNTRAINED: fresh_spec(spec.train)}, seed, place=place, probed=probed)
    for first, second in pairwise(spec.seeds):
        cells += [
            _compared(spec, (trained[name, first], trained[name, second]), (first, second), place, (name, name))
            for name in datasets
        ]
    notes = tuple(
        f"{name} has labels of atoms, of which there are no probes" for name in datasets if name not in probed
    )
    return Plan(tuple(cells), notes)


def _looks(
    spec: RepresentationSpec, bodies: Bodies, seed: int, *, place: tuple[str, str], probed: Sequence[str]
) -> list[Cell]:
    """Returns the cells that look at the networks of one seed: a probe of each dataset, and every pair compared."""
    size = (spec.probe_molecules, spec.probe_tasks)
    cells: list[Cell] = [
        ProbeCell(body, place, target, size, seed, {"body": name}) for name, body in bodies.items() for target in probed
    ]
    cells += [_compared(spec, (bodies[a], bodies[b]), (seed, seed), place, (a, b)) for a, b in combinations(bodies, 2)]
    return cells


def _compared(
    spec: RepresentationSpec,
    bodies: tuple[TrainCell | RunSpec, TrainCell | RunSpec],
    seeds: tuple[int, int],
    place: tuple[str, str],
    names: tuple[str, str],
) -> AlignCell:
    factors: dict[str, Factor] = {"first": names[0], "second": names[1]}
    return AlignCell(bodies, seeds, place, spec.datasets, spec.probe_molecules, factors)


def answer(spec: RepresentationSpec, results: Results, figures: Figures) -> Answer:
    """Returns what the scores say."""
    probes = [name for name in results.datasets if name != CKA]
    sections = [_probes(spec, name, results.where(dataset=name), figures) for name in probes]
    if CKA in results.datasets:
        sections.append(_likeness(spec, results.where(dataset=CKA), figures))
    how = (
        f"A network is trained on {spec.num_molecules:,} molecules of each of {', '.join(spec.datasets)} alone. From "
        f"every layer, linear probes fitted on up to {spec.probe_molecules:,} train molecules of a dataset predict up "
        f"to {spec.probe_tasks} of its tasks for test molecules; and layers of the same number of two networks are "
        "compared by unbiased linear CKA on test molecules of all datasets. Beside them stands the network before "
        "training, and for CKA two networks of the same dataset and other seeds."
    )
    return Answer("What do the tasks share?", how, sections, (_PROBES, _ALIKE, _SHARED))


def _probes(spec: RepresentationSpec, target: str, results: Results, figures: Figures) -> Section:
    bodies = [name for name in (*spec.datasets, UNTRAINED) if name in results.levels("body")]
    lines: dict[str, list[tuple[float, Sample]]] = {}
    for name in bodies:
        layers = sorted(results.where(body=name).levels("layer"))
        points = [
            (float(layer), sample)
            for layer in layers
            if (sample := results.where(body=name, layer=layer).sample(f"layer {layer} of {_words(name)}")) is not None
        ]
        if points:
            lines[name] = points
    image = line_figure(figures, f"probes of {target}", lines, _LAYERS)
    last = {name: points[-1][1] for name, points in lines.items()}
    # Layers are chosen ahead, the last against the first: the best by the test split would flatter.
    pairs = [(last.get(name), last.get(UNTRAINED)) for name in spec.datasets]
    pairs += [(last.get(target), last.get(name)) for name in spec.datasets if name != target]
    pairs += [(last[name], points[0][1]) for name, points in lines.items() if name != UNTRAINED]
    claims = [claim for mine, other in pairs if (claim := better(f"probes of {target}", mine, other)) is not None]
    rows = [((name, f"{at:g}"), sample) for name, points in lines.items() for at, sample in points]
    return Section(f"Probes of {target}", claims, [image], [("by layer", level_table(("trained on", "layer"), rows))])


def _likeness(spec: RepresentationSpec, results: Results, figures: Figures) -> Section:
    layers = sorted(results.levels("layer"))
    names = [*spec.datasets, UNTRAINED]
    found: dict[tuple[str, str, int], Sample] = {}
    for first in names:
        for second in names:
            for layer in layers:
                words = f"{first} and {second}" if first != second else f"two networks of {first}"
                sample = results.where(first=first, second=second, layer=layer).sample(words)
                if sample is not None:
                    found[first, second, layer] = found[second, first, layer] = sample
    images = [_matrix(names, found, layer, figures) for layer in layers]
    lines = {
        f"{a} and {b}": [(float(layer), found[a, b, layer]) for layer in layers if (a, b, layer) in found]
        for a, b in combinations(names, 2)
    }
    lines = {name: line for name, line in lines.items() if line}
    if len(lines) <= _TELLABLE:
        images.insert(0, line_figure(figures, "CKA by layer", lines, _LAYERS))
    rows = [((a, b, f"{layer}"), sample) for (a, b, layer), sample in found.items() if names.index(a) <= names.index(b)]
    table = level_table(("network", "and network", "layer"), rows)
    return Section("How alike the networks are", _alike(spec, found, layers), images, [("CKA", table)])


def _alike(spec: RepresentationSpec, found: dict[tuple[str, str, int], Sample], layers: Sequence[int]) -> list[Claim]:
    """Returns, for the last layer: pairs against one of them and an untrained network, and against two of the same."""
    last = layers[-1]
    claims = []
    for a, b in combinations(spec.datasets, 2):
        mine = found.get((a, b, last))
        others = [found.get((a, UNTRAINED, last)), found.get((a, a, last)), found.get((b, b, last))]
        if mine is not None:
            claims += [_more_alike(mine, other, last) for other in others if other is not None]
    return claims


def _more_alike(mine: Sample, other: Sample, layer: int) -> Claim:
    claim = better(f"CKA of layer {layer}", mine, other)
    if claim is None:
        raise TypeError("two samples compare")
    return Claim(
        claim.about,
        f"whether {mine.name} are more alike than {other.name}",
        f"{mine.name} are more alike than {other.name}",
        f"{mine.name} are less alike than {other.name}",
        ("CKA above by", "CKA below by"),
        claim.effect,
        claim.sides,
    )


def _matrix(names: Sequence[str], found: dict[tuple[str, str, int], Sample], layer: int, figures: Figures) -> Image:
    shares = np.full((len(names), len(names)), np.nan)
    for (a, b, at), sample in found.items():
        if at == layer:
            shares[names.index(a), names.index(b)] = sample.mean
    return matrix_figure(figures, f"CKA of layer {layer}", (names, names), shares)


def _words(name: str) -> str:
    return "an untrained network" if name == UNTRAINED else f"a network of {name}"
