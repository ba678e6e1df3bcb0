"""A whole study: cells planned, done and gathered, then a table, claims and a page. The same command goes on.

spec.yaml         the study, as it was asked for
cells/<key>/      a folder for each cell: its run or fine-tuning, `cell.json`, `pieces.jsonl`, `measured.npz`
results.parquet   a row for each score of each cell, with its place in the study and what the cell cost
answer.json       every comparison with its interval and verdict, and what the study cannot say
figures/          the figures of the page, light and dark
report.html       what is established and what is not

All files beside the cells are written anew each time; what a spec no longer asks for stays among the cells, unused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import yaml

from molmix_bench.atomic import write_text, written_whole
from molmix_bench.errors import UsageError
from molmix_bench.extras import require_cards, require_train
from molmix_bench.mix import Mix
from molmix_bench.specs.answer import ANSWER_FILE, STUDY_SPEC_FILE, StudyAnswer
from molmix_bench.specs.study import AnyStudy, TransferSpec
from molmix_bench.studies.answer import Answer, Plan
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.engine import Outcome, run_cells
from molmix_bench.studies.judge import judge
from molmix_bench.studies.results import Results, results_table
from molmix_bench.talk import say

CELLS_DIR, FIGURES_DIR = "cells", "figures"
TABLE_FILE, REPORT_FILE = "results.parquet", "report.html"


class _Kind(Protocol):
    """The module of one kind of study."""

    def plan(self, spec: Any, bench: Bench) -> Plan:
        """Returns its cells."""

    def answer(self, spec: Any, results: Results, figures: Any) -> Answer:
        """Returns what their scores say."""


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A study as far as it has come."""

    path: Path
    spec: AnyStudy
    outcome: Outcome
    answer: StudyAnswer

    @property
    def is_finished(self) -> bool:
        """Whether every cell is."""
        return not self.outcome.failed and not self.outcome.waiting

    def to_record(self) -> dict[str, Any]:
        """Returns everything as plain values, ready for JSON."""
        return {"path": str(self.path), **self.answer.model_dump(mode="json")}


def run_study(  # one for each thing that may be said of it
    spec: AnyStudy,
    out: Path,
    *,
    mixes: Mapping[str, str | Path | Mix] | None = None,
    raw: Sequence[Path] = (),
    accelerator: str = "auto",
    most: int | None = None,
) -> Study:
    """Does what is not done yet of a study, and writes what follows from all that is.

    Args:
        spec: the study.
        out: the directory to make.
        mixes: in place of the names in the spec: directories, or other names.
        raw: folders with the files of tasks; the rest is downloaded.
        accelerator: `auto`, `cpu` or `cuda`.
        most: cells to do now, at most; None for all.

    Raises:
        MissingExtraError: the extra `train` or `cards` is not installed.
        UsageError: the spec names what is not there, or `out` holds something else.
        RunError: another process is at the same study.
    """
    require_train()
    require_cards()
    from molmix_bench.reports.panels import Figures

    _check_folder(out)
    bench = Bench(out / CELLS_DIR, mixes=mixes, raw=raw, accelerator=accelerator)
    kind: _Kind = import_module(f"molmix_bench.studies.{spec.study}")
    plan = kind.plan(spec, bench)
    for note in plan.notes:
        say(f"{spec.name}: {note}")
    write_text(out / STUDY_SPEC_FILE, yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True))
    outcome = run_cells(plan.cells, bench, most=most)
    figures = Figures()
    answer = kind.answer(spec, Results.of(outcome.done), figures)
    return _write(spec, out, plan, outcome, answer=(answer, figures), bench=bench)


def mixes_of(spec: AnyStudy) -> tuple[str, ...]:
    """Returns the names of the mixes that a study is of."""
    if isinstance(spec, TransferSpec):
        return tuple(dict.fromkeys(body.mix for body in spec.bodies))
    return (spec.mix,)


def _write(  # what there is to write
    spec: AnyStudy, out: Path, plan: Plan, outcome: Outcome, *, answer: tuple[Answer, Any], bench: Bench
) -> Study:
    from molmix_bench.studies.page import Material, study_page

    found, figures = answer
    if outcome.done:
        with written_whole(out / TABLE_FILE) as part:
            results_table(spec.name, outcome.done).write_parquet(part)
    record = _record(spec, plan, outcome, answer=found, bench=bench)
    write_text(out / ANSWER_FILE, record.model_dump_json(indent=1) + "\n")
    material = Material(spec, found, outcome, plan.notes, bench.builds())
    write_text(out / REPORT_FILE, study_page(material, figures))
    for name, pair in figures.drawn.items():
        for theme, data in zip(("light", "dark"), pair, strict=True):
            with written_whole(out / FIGURES_DIR / f"{int(name):02d}-{theme}.png") as part:
                part.write_bytes(data)
    return Study(out, spec, outcome, record)


def _record(spec: AnyStudy, plan: Plan, outcome: Outcome, *, answer: Answer, bench: Bench) -> StudyAnswer:
    claims = [claim.to_record(verdict) for claim, verdict in zip(answer.claims, judge(answer.claims), strict=True)]
    places = {str(item.found.facts["hardware"]) for item in outcome.done if "hardware" in item.found.facts}
    return StudyAnswer(
        study=spec.study,
        name=spec.name,
        question=answer.question,
        how=answer.how,
        mixes=bench.builds(),
        finished=len(outcome.done),
        failed=outcome.failed,
        waiting=tuple(outcome.waiting),
        cpu_seconds=sum(item.cost.cpu_seconds or 0.0 for item in outcome.done),
        hardware=tuple(sorted(places)),
        caveats=(*answer.caveats, *plan.notes),
        claims=tuple(claims),
    )


def _check_folder(out: Path) -> None:
    """Refuses a directory that holds something else."""
    own = {CELLS_DIR, FIGURES_DIR, STUDY_SPEC_FILE, TABLE_FILE, ANSWER_FILE, REPORT_FILE}
    there = {path.name.removesuffix(".part") for path in out.iterdir()} if out.is_dir() else set()
    if strange := sorted(there - own):
        found = f"files that no study left there ({', '.join(strange[:3])})"
        raise UsageError(str(out), found=found, fix="choose another directory")
