"""A suite as the target of a run: each of its datasets learnt by itself, all in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from molmix_bench.errors import SourceError, UsageError
from molmix_bench.mix import Mix
from molmix_bench.sources.locate import locate_files
from molmix_bench.specs.catalog import load_source_spec
from molmix_bench.specs.finetune import FinetuneSpec, ReferenceMethod
from molmix_bench.specs.model import BoostingSpec, FittedSpec, ForestSpec
from molmix_bench.specs.readers import TableReader
from molmix_bench.specs.source import SourceSpec
from molmix_bench.specs.suite import SuiteSpec, SuiteTask, suite_tasks
from molmix_bench.talk import say
from molmix_bench.transfer.finetune import finetune
from molmix_bench.transfer.outcome import Finetuned
from molmix_bench.transfer.read import Columns, OwnData, read_measurements
from molmix_bench.transfer.start import Start
from molmix_bench.vocab import Level


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """What `run_suite` has left: a fine-tuning for each dataset whose file was to be had."""

    suite: str
    path: Path
    finished: dict[str, Finetuned]
    missing: dict[str, str]
    """Datasets that could not be learnt, and why."""

    def summary(self) -> pl.DataFrame:
        """Returns the macro of each metric by dataset, part and method."""
        tables = [
            found.summary().select(pl.lit(name).alias("dataset"), pl.all()) for name, found in self.finished.items()
        ]
        return pl.concat(tables, how="diagonal_relaxed") if tables else pl.DataFrame()

    def to_records(self) -> dict[str, Any]:
        """Returns everything as plain mappings, ready for JSON."""
        results = {name: found.result.model_dump(mode="json") for name, found in self.finished.items()}
        return {"suite": self.suite, "path": str(self.path), "results": results, "missing": self.missing}


def run_suite(
    start: Start,
    suite: SuiteSpec,
    out: Path,
    *,
    spec: FinetuneSpec | None = None,
    files: tuple[Sequence[Path], tuple[str, ...] | None] = ((), None),
    mix: Mix | None = None,
) -> SuiteRun:
    """Learns every dataset of a suite, each in a folder of its own, and returns what came out.

    With a finished run, its networks go on learning; with the spec of one, it is learnt from scratch. Called again, it
    goes on where it was. A dataset whose file cannot be had or read, or is too small for the suite's folds, is named,
    and the others are learnt.

    Args:
        start: a run, or the spec of one.
        suite: of the catalog.
        out: the directory to make.
        spec: modes, references, seeds and settings; its folds are the suite's. What fits `start` where None.
        files: folders that hold raw files, the rest being downloaded; and the only datasets wanted, or None for all.
        mix: of the run, which says what molecules were in its labels; where None, nobody looks.

    Raises:
        UsageError: a folder does not exist, or the suite has no such dataset.
        RunError: as `finetune`.
    """
    raw, only = files
    spec = spec or usual_spec(start)
    finished: dict[str, Finetuned] = {}
    missing: dict[str, str] = {}
    for task in suite_tasks(suite, only):
        try:
            data = read_task(task, raw)
            say(f"{task.source}: {len(data.measurements):,} molecules")
            own = spec.model_copy(update={"folds": task.folds})
            finished[task.source] = finetune(start, data, own, out / task.source, mix=mix)
        except SourceError as error:
            missing[task.source] = str(error)
            say(f"{task.source}: left out; {error}")
    return SuiteRun(suite.name, out, finished, missing)


def usual_spec(start: Start) -> FinetuneSpec:
    """Returns what there is to fit: the usual mode of a run, or the model of a spec; and references beside it."""
    if start.run is not None:
        return FinetuneSpec()
    model = start.spec.model
    if not isinstance(model, FittedSpec):
        return FinetuneSpec(modes=())
    others: tuple[ReferenceMethod, ...] = ("trivial",)
    if isinstance(model, (BoostingSpec, ForestSpec)):
        return FinetuneSpec(modes=(), references=("fingerprints", *others), trees=(model,))
    return FinetuneSpec(modes=(), references=others)


def read_task(task: SuiteTask, raw: Sequence[Path]) -> OwnData:
    """Returns the measurements of one dataset of a suite.

    Args:
        task: the dataset.
        raw: folders that hold raw files; what is in none of them is downloaded.

    Raises:
        UsageError: a folder does not exist.
        SourceError: the file cannot be had or read, or has not the catalog's columns.
    """
    source = load_source_spec(task.source)
    name, columns = _columns(source)
    (file,) = locate_files(source, raw)
    try:
        data = read_measurements(file.path, columns)
    except UsageError as error:
        # The columns are the catalog's, not the user's: another file lies under this name.
        fix = f"put the file of source {source.name} there"
        raise SourceError(error.where, found=error.found, expected=error.expected, fix=fix) from None
    tasks = tuple(item.name for item in source.datasets[name].tasks)
    return replace(data, measurements=replace(data.measurements, name=name, tasks=tasks), file=file.spec.name)


def _columns(source: SourceSpec) -> tuple[str, Columns]:
    """Returns the one dataset of a source, and where it stands in the file.

    Raises:
        UsageError: it is not of the kind that a suite can have.
    """
    if not isinstance(source.reader, TableReader) or len(source.datasets) != 1:
        expected = "a table with one dataset"
        raise UsageError(f"source {source.name}", found=f"form {source.reader.form}", expected=expected)
    ((name, dataset),) = source.datasets.items()
    if dataset.level is not Level.GRAPH:
        raise UsageError(f"source {source.name}", found=f"level {dataset.level}", expected=f"level {Level.GRAPH}")
    tasks = tuple(task.column or task.name for task in dataset.tasks)
    return name, Columns(source.reader.smiles, tasks, dataset.kind, dataset.num_classes)
