"""A user's own table, read as measurements: which column is what, and which cells are no labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from molmix_bench.build.draft import name_of
from molmix_bench.errors import SourceError, UsageError
from molmix_bench.metrics.cells import FloatArray
from molmix_bench.sources.frames import column_names, read_frames, require_file, texts_of, truths_of
from molmix_bench.sources.inspect import OTHER_MISSING, Inspection, infer_kind, inspect_table
from molmix_bench.specs.base import nearest
from molmix_bench.specs.readers import MISSING
from molmix_bench.transfer.measurements import Measurements, Problem, RawMeasurements, clean
from molmix_bench.vocab import SMILES, DropReason, Kind

MIN_MOLECULES = 20
"""With fewer, no part of them says anything of the rest."""
MAX_CLASSES = 127
"""Of a task, as in mixes."""
_ROWS_AT_ONCE = 65_536
_LARGEST = float(np.finfo(np.float32).max)
_BOUND = re.compile(r"^[<>≤≥~]|^[=]?[<>]")
"""Begins a cell that states a bound."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table are what; what is None or empty is told from the table."""

    smiles: str | None = None
    tasks: tuple[str, ...] = ()
    kind: Kind | None = None
    num_classes: int | None = None
    split: str | None = None
    """Which part a row belongs to."""


@dataclass(frozen=True, slots=True)
class OwnData:
    """Measurements, and what was told from the table."""

    measurements: Measurements
    file: str
    smiles: str
    inferred: bool
    """Whether the kind was told from the labels."""


def read_measurements(path: Path, columns: Columns | None = None) -> OwnData:
    """Returns the measurements in a CSV, TSV (also compressed) or parquet file.

    Raises:
        UsageError: there is no such file or column, the tasks are of several kinds, or which column to learn is not
            clear.
        SourceError: the file is damaged, or its labels are all of one class or of one value, or too few.
    """
    columns = columns or Columns()
    require_file(path)
    table = inspect_table(path, smiles=columns.smiles or usual_smiles(column_names(path)))
    tasks = columns.tasks or (_only_task(table),)
    _check_columns(path, table.smiles, tasks, columns.split)
    frame = _read_columns(path, [table.smiles, *tasks, *([columns.split] if columns.split else [])])
    parsed = [_Parsed.of(frame[task], path.name) for task in tasks]
    for item in parsed:
        item.refuse_words(frame[item.task], path.name)
    kind, num_classes = columns.kind, columns.num_classes
    if kind is None:
        kind, num_classes = _common_kind(path, parsed)
    elif kind is Kind.MULTICLASS and num_classes is None:
        num_classes = _count_classes(path, parsed)
    raw = RawMeasurements(
        name=name_of(path.name),
        tasks=tasks,
        kind=kind,
        num_classes=num_classes,
        smiles=texts_of(frame[table.smiles], path.name).to_list(),
        labels=np.column_stack([item.as_kind(kind, num_classes) for item in parsed]),
        groups=None if columns.split is None else _groups(frame[columns.split], path),
        problems=tuple(problem for item in parsed for problem in item.problems),
    )
    found = clean(raw)
    check_learnable(found, where=path.name)
    return OwnData(found, path.name, table.smiles, inferred=columns.kind is None)


def usual_smiles(names: Sequence[str]) -> str | None:
    """Returns the column that is called as columns of SMILES are; None where none is.

    >>> usual_smiles(["id", "SMILES"]), usual_smiles(["id", "structure"])
    ('SMILES', None)
    """
    return next((name for name in names if name.lower() in ("smiles", "canonical_smiles")), None)


def measure(
    name: str,
    smiles: Sequence[str | None],
    labels: FloatArray,
    *,
    tasks: Sequence[str],
    kind: Kind,
    num_classes: int | None = None,
) -> OwnData:
    """Returns measurements that are in memory.

    Args:
        name: letters, digits and underscores, by which scores call them.
        smiles: the molecules.
        labels: theirs; NaN is missing.
        tasks: a name for each column of labels.
        kind: of all tasks.
        num_classes: of kind multiclass.

    Shapes:
        smiles: (n,); labels: (n, T).

    Raises:
        UsageError: the shapes do not fit.
        SourceError: as `check_learnable`.
    """
    if labels.shape != (len(smiles), len(tasks)):
        expected = f"({len(smiles)}, {len(tasks)}): a row for each molecule, a column for each task"
        raise UsageError("labels", found=f"the shape {labels.shape}", expected=expected)
    found = clean(RawMeasurements(name, tuple(tasks), kind, num_classes, smiles, labels.astype(np.float64)))
    check_learnable(found, where=name)
    return OwnData(found, name, SMILES, inferred=False)


def check_learnable(found: Measurements, *, where: str) -> None:
    """Refuses measurements from which nothing can be learnt.

    Raises:
        SourceError: they are too few, or the labels of a task do not differ.
    """
    if len(found) < MIN_MOLECULES:
        rows = found.accounting
        shown = ", ".join(f"{count:,} {reason}" for reason, count in rows.dropped.items())
        if detail := next(iter(found.problems.filter("dropped")["detail"]), ""):
            shown += f"; the first: {detail}"
        raise SourceError(
            where,
            found=f"{len(found):,} molecules with a label, of {rows.read:,} rows{f' ({shown})' if shown else ''}",
            expected=f"at least {MIN_MOLECULES}",
            fix="measure more, or add a public dataset of the same task",
        )
    for task, labels in zip(found.tasks, found.labels.T, strict=True):
        values = np.unique(labels[~np.isnan(labels)])
        if len(values) < 2:  # noqa: PLR2004  # two values differ
            held = f"{np.count_nonzero(~np.isnan(labels)):,} labels, all {values[0]:g}" if len(values) else "no label"
            what = "one value only" if found.kind is Kind.REGRESSION else "one class only"
            expected = "labels that differ" if found.kind is Kind.REGRESSION else "labels of two classes at least"
            raise SourceError(f"{where}, column {task!r}", found=f"{held}: {what}", expected=expected)


def _only_task(table: Inspection) -> str:
    """Returns the one column that holds labels."""
    names = [column.name for column in table.columns if column.kind is not None]
    if len(names) == 1:
        return names[0]
    why = "; ".join(f"{column.name}: {column.why_not}" for column in table.columns if column.kind is None)
    if not names:
        raise UsageError(table.path.name, found=f"no column that is all labels ({why})", fix="name one with --task")
    raise UsageError(table.path.name, found=f"labels in {', '.join(names[:20])}", fix="name one or more with --task")


def _check_columns(path: Path, smiles: str, tasks: Sequence[str], split: str | None) -> None:
    names = [name for name in column_names(path) if name]
    for name, option in (*((task, "--task") for task in tasks), *([(split, "--column")] if split else [])):
        if name not in names or name == smiles:
            what = "its SMILES" if name == smiles else f"no column of it{nearest(name, names)}"
            found = f"{option} {name!r}, {what}"
            raise UsageError(path.name, found=found, expected=f"one of {', '.join(names[:20])}")
    if len(set(tasks)) < len(tasks):
        raise UsageError(path.name, found="a task named twice", expected="each once")


def _read_columns(path: Path, columns: list[str]) -> pl.DataFrame:
    names = list(dict.fromkeys(columns))
    return pl.concat(list(read_frames(path, names, _ROWS_AT_ONCE, blank_rows=True)))


def _groups(column: pl.Series, path: Path) -> list[str | None]:
    texts = texts_of(column, path.name).str.strip_chars()
    return [None if text is None or text in MISSING else text for text in texts.to_list()]


def _labels_of(column: pl.Series, file: str) -> pl.Series:
    """Returns the texts of a column of labels; null where they stand for none."""
    texts = texts_of(column, file).str.strip_chars()
    return texts.set(texts.is_in([*MISSING, *OTHER_MISSING]), None)


@dataclass(frozen=True, slots=True, eq=False)
class _Parsed:
    """A column of labels.

    Shapes:
        values: (N,) float64; NaN is missing, or no number.
    """

    task: str
    values: FloatArray
    problems: list[Problem]

    @classmethod
    def of(cls, column: pl.Series, file: str) -> _Parsed:
        """Returns the numbers of a column, and a problem for each cell that holds something else."""
        task = column.name
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()
            texts: list[str | None] = [None] * len(values)
        else:
            stripped = _labels_of(column, file)
            numbers = stripped.cast(pl.Float64, strict=False)
            if numbers.null_count() == len(numbers):
                numbers = truths_of(stripped)
            values = numbers.fill_null(float("nan")).to_numpy().copy()
            texts = stripped.to_list()
        problems = [
            Problem(row, task, *_why_no_label(text))
            for row, text in enumerate(texts)
            if text is not None and np.isnan(values[row])
        ]
        impossible = np.flatnonzero(np.abs(values) > _LARGEST).tolist()
        problems += [
            Problem(row, task, DropReason.NO_NUMBER, f"{values[row]:g} is no number that float32 holds")
            for row in impossible
        ]
        values[impossible] = np.nan
        return cls(task, values, problems)

    def refuse_words(self, column: pl.Series, file: str) -> None:
        """Raises `SourceError` where all labels are words of two kinds; which is which, their owner knows alone."""
        if not self.problems or not np.isnan(self.values).all() or column.dtype.is_numeric():
            return
        texts = _labels_of(column, file).drop_nulls()
        kinds = texts.filter(texts.str.to_lowercase().is_first_distinct()).to_list()
        if len(kinds) == 2 and not any(map(_BOUND.match, kinds)):  # noqa: PLR2004  # classes of a binary task
            found = " and ".join(f"{text!r:.40}" for text in kinds)
            fix = "write 1 for one and 0 for the other"
            raise SourceError(f"{file}, column {self.task!r}", found=f"labels {found}", expected="numbers", fix=fix)

    @property
    def largest(self) -> float:
        """The largest label; 0 where there is none."""
        return float(np.max(self.values[~np.isnan(self.values)], initial=0.0))

    def distinct(self) -> list[float]:
        """Returns the different labels."""
        found: list[float] = np.unique(self.values[~np.isnan(self.values)]).tolist()
        return found

    def as_kind(self, kind: Kind, num_classes: int | None) -> FloatArray:
        """Returns the labels, (N,), without those that are no class of the kind, which become problems."""
        if kind is Kind.REGRESSION:
            return self.values
        last = (num_classes or 2) - 1
        values = self.values.copy()
        wrong = ~np.isnan(values) & ~((values >= 0) & (values <= last) & (values == np.round(values)))
        self.problems.extend(
            Problem(row, self.task, DropReason.NO_NUMBER, f"{values[row]:g} is no class from 0 to {last}")
            for row in np.flatnonzero(wrong).tolist()
        )
        values[wrong] = np.nan
        return values


def _why_no_label(text: str) -> tuple[DropReason, str]:
    if _BOUND.match(text):
        return DropReason.CENSORED, f"{text!r:.60} is a bound, no value"
    return DropReason.NO_NUMBER, f"{text!r:.60} is no number"


def _common_kind(path: Path, parsed: Sequence[_Parsed]) -> tuple[Kind, int | None]:
    """Returns the kind of all tasks together."""
    found = {item.task: infer_kind(item.distinct()) for item in parsed if len(item.distinct()) > 1}
    if not found:
        # Refused later, by what the labels are.
        return Kind.REGRESSION if len(parsed) > 1 or not _is_class(parsed[0]) else Kind.BINARY, None
    if len({kind for kind, _ in found.values()}) > 1:
        shown = ", ".join(f"{task} {kind}" for task, (kind, _) in list(found.items())[:8])
        fix = "fine-tune them apart, or say which they are with --kind"
        raise UsageError(path.name, found=f"tasks of several kinds ({shown})", expected="one", fix=fix)
    kind = next(iter(found.values()))[0]
    sizes = [num_classes for _, num_classes in found.values() if num_classes is not None]
    return kind, max(sizes) if sizes else None


def _count_classes(path: Path, parsed: Sequence[_Parsed]) -> int:
    """Returns how many classes labels have that are said to be classes."""
    largest = max(item.largest for item in parsed)
    if largest >= MAX_CLASSES:
        fix = "number the classes from 0, or learn a quantity with --kind regression"
        raise UsageError(
            path.name, found=f"class {largest:g}", expected=f"classes from 0 to {MAX_CLASSES - 1}", fix=fix
        )
    return max(3, 1 + int(largest))


def _is_class(item: _Parsed) -> bool:
    return item.distinct() in ([0.0], [1.0])
