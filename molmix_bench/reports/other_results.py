"""The parts of `baselines/README.md` on suites, dataset by dataset, and on studies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from molmix_bench.cards.document import Block, Bullets, Code, Heading, Paragraph, Table, Text
from molmix_bench.metrics.protocol import METRICS, Aggregation
from molmix_bench.reports.kept_others import KeptSuite
from molmix_bench.reports.numbers import duration, interval, number
from molmix_bench.specs.answer import StudyAnswer, Verdict
from molmix_bench.specs.finetune import FinetuneResult, Method

_METHODS: dict[Method, str] = {
    "probe": "pre-trained, probe",
    "head_first": "pre-trained, head then all",
    "all": "pre-trained, all",
    "scratch": "from scratch",
    "fingerprints": "fingerprints and descriptors, boosting",
    "trivial": "trivial",
}

_SHOWN = 12
"""Sentences of a study that the page has, of those with one verdict; the others are counted."""


def suite_section(suite: KeptSuite, notes: Iterable[str]) -> list[Block]:
    """Returns a row for each dataset of a suite and method, with what their differences establish."""
    first = next(iter(suite.results.values()))
    start = first.origin.start
    origin = f"trained on {start.mix.name}" if start.mix else "not trained before"
    about = ("Networks of ", Code(start.run), f", {origin}, learn each dataset by itself. ")
    rule = (
        "Molecules are split by scaffold, the largest groups to train on. Scores are of the molecules tested, over "
        "seeds; the interval is that of a bootstrap over them. The last column says whether the first row of a dataset "
        "is better than this one, by the interval of their difference. Seen are the molecules tested of which the run "
        "had other labels in training, or of a salt, stereoisomer or charged form; new ones are the rest, scored apart."
    )
    rows = [row for name, result in suite.results.items() for row in _dataset_rows(name, result)]
    header = [
        "dataset",
        "molecules",
        "tested",
        "seen",
        "method",
        "metric",
        "score",
        "95 % interval",
        "of new ones",
        "the first is",
    ]
    blocks: list[Block] = [Heading(2, suite.name), Paragraph((*about, rule))]
    if remarks := list(notes):
        blocks.append(Bullets(remarks))
    return [
        *blocks,
        Table(header, rows, frozenset(("molecules", "tested", "seen", "score", "95 % interval", "of new ones"))),
    ]


def _dataset_rows(name: str, result: FinetuneResult) -> list[list[Text]]:
    metric = METRICS[result.origin.data.kind][0]
    found = {
        (row["part"], row["method"]): row
        for row in result.scores
        if row["aggregation"] == str(Aggregation.MACRO) and row["metric"] == metric.name
    }
    compared = {row["method"]: row for row in result.differences if row["metric"] == metric.name}
    tested = sum(fold.test for fold in result.folds)
    seen = None if any(fold.seen is None for fold in result.folds) else sum(fold.seen or 0 for fold in result.folds)
    facts = [name, f"{result.origin.data.rows.kept:,}", f"{tested:,}", "-" if seen is None else f"{seen:,}"]
    arrow = "↓" if metric.direction == "lower" else "↑"
    rows: list[list[Text]] = []
    for method in result.origin.spec.methods:
        if (row := found.get(("all", method))) is None:
            continue
        new = found.get(("new", method)) if seen else None
        rows.append(
            [
                *(facts if not rows else [""] * len(facts)),
                _METHODS[method],
                f"{metric.name} {arrow}",
                _score(row),
                interval(row["ci_low"], row["ci_high"]),
                "-" if new is None else _score(new),
                _verdict(compared[method]["verdict"]) if method in compared else "",
            ]
        )
    return rows


def _score(row: Mapping[str, Any]) -> str:
    value = number(row["value"])
    return value if row["std"] is None else f"{value} ± {number(row['std'])}"


def _verdict(words: str) -> str:
    """Returns `better`, `worse` or `no difference` of `head_first better`."""
    return words.rsplit(maxsplit=1)[-1] if words.endswith(("better", "worse")) else words


def studies_section(studies: Sequence[StudyAnswer]) -> list[Block]:
    """Returns what each study has come to: what is established, what is suggested, and of how much nothing is."""
    rule = (
        " makes one again, with its figures and every number. Established is what holds among all comparisons of a "
        "study by Holm's rule; suggested is what has a 95 % interval without 0 of its own alone. All of it is of small "
        "networks on samples, and says nothing of larger ones."
    )
    text = ("What the paper leaves open, asked of many small runs: ", Code("molmix-bench study NAME"), rule)
    blocks: list[Block] = [Heading(2, "Studies"), Paragraph(text)]
    for study in studies:
        blocks += _study(study)
    return blocks


def _study(study: StudyAnswer) -> list[Block]:
    count, rest = len(study.claims), len(study.sentences(Verdict.OPEN))
    place = ", ".join(study.hardware) or "-"
    made = (
        f"{study.finished:,} runs, {duration(study.cpu_seconds)} of processor time on {place}. "
        f"{count:,} comparisons, of which {rest:,} establish and suggest nothing."
    )
    blocks: list[Block] = [Heading(3, f"{study.study}: {study.question}"), Paragraph(f"{study.how} {made}")]
    for verdict, words in ((Verdict.ESTABLISHED, "Established:"), (Verdict.SUGGESTED, "Suggested:")):
        found: list[Text] = list(study.sentences(verdict))
        if len(found) > _SHOWN:
            found[_SHOWN:] = [(f"and {len(found) - _SHOWN:,} more in ", Code(f"{study.name}/answer.json"), ".")]
        blocks += [Paragraph(words), Bullets(found)] if found else [Paragraph(f"{words} nothing.")]
    if asked := [claim.sentence for claim in study.claims if claim.sides is None and claim.verdict is Verdict.OPEN]:
        rest_of = [f"and {len(asked) - _SHOWN:,} more."] if len(asked) > _SHOWN else []
        blocks += [Paragraph("Open, of what is asked of all levels together:"), Bullets([*asked[:_SHOWN], *rest_of])]
    return [*blocks, Paragraph("What it cannot say:"), Bullets(study.caveats)]
