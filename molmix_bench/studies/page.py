"""The report of a study: what is established and what is not, from its numbers alone; figures; how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import yaml

from molmix_bench.cards.document import Bullets, Code, Heading, Listing, Paragraph, Table, Text
from molmix_bench.cards.page import Fold, Grid, PageBlock, render_page
from molmix_bench.reports.numbers import duration
from molmix_bench.reports.panels import PANEL_PIXELS, Figures
from molmix_bench.specs.answer import Verdict
from molmix_bench.specs.study import AnyStudy
from molmix_bench.studies.answer import Answer, Section
from molmix_bench.studies.engine import Done, Outcome
from molmix_bench.studies.judge import Claim, judge

_SHOWN = 8
"""Sentences of one verdict are shown up to this number; a reader opens the rest."""
_ROWS = 15
"""Longer tables are opened too."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a report is made of."""

    spec: AnyStudy
    answer: Answer
    outcome: Outcome
    notes: Sequence[str]
    mixes: Mapping[str, str]
    """By name in the spec, which build it was."""


def study_page(material: Material, figures: Figures) -> str:
    """Returns the whole page, HTML that loads nothing."""
    blocks: list[PageBlock] = [*_head(material), *_verdicts(material.answer.claims)]
    for section in material.answer.sections:
        blocks += _section(section)
    blocks += [*_limits(material), *_made(material)]
    return render_page(f"Study {material.spec.name}", blocks, figures.drawn)


def _head(material: Material) -> list[PageBlock]:
    spec, outcome = material.spec, material.outcome
    count = len(outcome.done)
    whole = count + len(outcome.failed) + len(outcome.waiting)
    state = f"{count:,} of {whole:,} cells are finished"
    rest = "." if count == whole else f", so what follows is of these alone; {len(outcome.failed):,} failed."
    return [
        Heading(1, f"Study {spec.name}: {material.answer.question}"),
        Paragraph(spec.description),
        Paragraph(material.answer.how),
        Paragraph(f"{state}{rest}"),
    ]


def _verdicts(claims: Sequence[Claim]) -> list[PageBlock]:
    found: dict[Verdict, list[Text]] = {verdict: [] for verdict in Verdict}
    for claim, verdict in zip(claims, judge(claims), strict=True):
        found[verdict].append(claim.sentence(verdict))
    rule = (
        f"{len(claims):,} comparisons were made. Established is what holds among all of them by Holm's rule, under "
        "which the chance that anything at all is called so wrongly is at most 5 %. Suggested is what has a 95 % "
        "interval without 0 of its own, as one in twenty comparisons has where there is nothing to find. An interval "
        "is that of seeds and of the molecules tested together, both paired where they are shared; it says what would "
        "come out with other seeds and other molecules of the same kind, and nothing of other networks, mixes or tasks."
    )
    blocks: list[PageBlock] = [Heading(2, "What is established"), Paragraph(rule)]
    blocks += _shown(found[Verdict.ESTABLISHED], "Nothing, by these numbers.")
    blocks += [Heading(2, "What is suggested"), *_shown(found[Verdict.SUGGESTED], "Nothing, by these numbers.")]
    rest = "Every comparison that was made is established or suggested."
    return [*blocks, Heading(2, "What is not"), *_shown(found[Verdict.OPEN], rest)]


def _shown(sentences: Sequence[Text], nothing: str) -> list[PageBlock]:
    """Returns a list of which a reader opens what is too long to read through."""
    if not sentences:
        return [Paragraph(nothing)]
    if len(sentences) <= _SHOWN:
        return [Bullets(sentences)]
    rest = Fold(f"{len(sentences) - _SHOWN:,} more", [Bullets(sentences[_SHOWN:])])
    return [Bullets(sentences[:_SHOWN]), rest]


def _section(section: Section) -> list[PageBlock]:
    blocks: list[PageBlock] = [Heading(2, section.title)]
    if section.images:
        blocks.append(Grid([[image] for image in section.images], PANEL_PIXELS))
    if not section.images and not section.tables:
        blocks.append(Paragraph("No cell of it is finished."))
    for caption, table in section.tables:
        blocks += [Heading(3, caption), table] if len(table.rows) <= _ROWS else [Fold(caption, [table])]
    return blocks


def _limits(material: Material) -> list[PageBlock]:
    spec, outcome = material.spec, material.outcome
    seeds = f"{len(spec.seeds)} seed{'s' if len(spec.seeds) > 1 else ''} ({', '.join(map(str, spec.seeds))})"
    own = [*_seen(outcome.done), *_remarks(outcome.done)]
    points: list[Text] = [f"It rests on {seeds}.", *material.answer.caveats, *material.notes, *own]
    blocks: list[PageBlock] = [Heading(2, "What this study cannot say"), Bullets(points)]
    if outcome.failed:
        rows = [[name, why] for name, why in outcome.failed.items()]
        blocks += [Heading(3, "Cells that failed"), Table(["cell", "why"], rows)]
    if outcome.waiting:
        blocks.append(Fold(f"{len(outcome.waiting):,} cells not begun", [Bullets(outcome.waiting)]))
    return blocks


def _seen(done: Sequence[Done]) -> list[str]:
    """Returns how many of the molecules tested a body had other labels of."""
    most: dict[str, tuple[int, int]] = {}
    for item in done:
        if "num_tested_seen" in item.found.facts:
            counts = int(item.found.facts["num_tested_seen"]), int(item.found.facts["num_tested"])
            for score in item.found.scores:
                most[score.dataset] = max(most.get(score.dataset, (0, 0)), counts)
    return [
        f"Of the {tested:,} molecules tested for {name}, up to {seen:,} were pre-trained on, by other labels."
        for name, (seen, tested) in most.items()
        if seen
    ]


def _remarks(done: Sequence[Done]) -> list[str]:
    """Returns what runs say of themselves, with the level that says it."""
    found = {}
    for item in done:
        if "notes" in item.found.facts:
            level = ", ".join(f"{name} {value}" for name, value in item.cell.factors.items())
            found[f"{level}: {item.found.facts['notes']}."] = True
    return list(found)


def _made(material: Material) -> list[PageBlock]:
    done = material.outcome.done
    facts: list[Text] = [(Code(name), f": {build}") for name, build in material.mixes.items()]
    facts += [f"Processor time of all cells: {_total(item.cost.cpu_seconds for item in done)}"]
    facts += [f"By the clock: {_total(item.cost.wall_seconds for item in done)}"]
    facts += [f"Energy: {_energy(done)}"]
    facts += [
        f"Trained on: {place}"
        for place in sorted({str(item.found.facts["hardware"]) for item in done if "hardware" in item.found.facts})
    ]
    text = yaml.safe_dump(material.spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return [
        Heading(2, "How it was made"),
        Bullets(facts),
        Paragraph(
            ("Every score stands in ", Code("results.parquet"), ", every comparison in ", Code("answer.json"), ".")
        ),
        Fold("The study's spec", [Listing("yaml", text)]),
    ]


def _total(values: Iterable[float | None]) -> str:
    found = list(values)
    known = [value for value in found if value is not None]
    missing = len(found) - len(known)
    rest = f", and of {missing:,} more, which were killed in between, it is not known" if missing else ""
    return f"{duration(sum(known))} of {len(known):,} cells{rest}"


def _energy(done: Sequence[Done]) -> str:
    known = [item.cost.energy_joules for item in done if item.cost.energy_joules is not None]
    if not known:
        return "; ".join(sorted({item.cost.energy_source for item in done})) or "no cell is finished"
    sources = "; ".join(sorted({item.cost.energy_source for item in done if item.cost.energy_joules is not None}))
    return f"{sum(known) / 1000:,.1f} kJ of {len(known):,} of {len(done):,} cells, of the whole machine ({sources})"
