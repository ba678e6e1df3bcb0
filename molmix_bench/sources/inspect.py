"""What the columns of a table hold: which are molecules, which are labels and of what kind, and which are neither."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from molmix_bench.chem.molecule import standardize_all
from molmix_bench.errors import SourceError, UsageError
from molmix_bench.sources.frames import column_names, read_frames, require_file, truths_of
from molmix_bench.specs.base import nearest
from molmix_bench.specs.readers import MISSING
from molmix_bench.vocab import Kind

ROWS_AT_ONCE = 65_536
MAX_CLASSES = 20
"""Whole numbers from 0 with more values than this are taken for a quantity."""
OTHER_MISSING = ("-", "?", "#N/A", "N.A.", "n/a", "na", "ND", "nd", "NULL", "NONE", "none")
"""Texts beside the reader's own that are taken for a missing label."""
_TRIED = 200
"""Texts of a column that are tried as SMILES."""
_LONGEST = 4_096
"""Letters of them that are kept."""
_ENOUGH = 0.8
"""Share of them that must be molecules."""
_MAX_ATOMS = 1_000
_LARGEST = float(np.finfo(np.float32).max)
_NAMES_ROWS = re.compile(r"(^|[^a-z])(id|idx|index|cid|sid|num|no)$", re.IGNORECASE)
"""Names of columns whose whole numbers are no labels."""


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds.

    Attributes:
        kind: of the labels; None where the column holds none.
        num_classes: for kind multiclass.
        missing: texts in it that stand for a missing label and that the reader does not know by itself.
        why_not: why the column holds no labels; empty where it does.
    """

    name: str
    kind: Kind | None = None
    num_classes: int | None = None
    num_labels: int = 0
    missing: tuple[str, ...] = ()
    why_not: str = ""


def infer_kind(values: Iterable[float]) -> tuple[Kind, int | None]:
    """Returns the kind of labels with these distinct values, and the number of classes of multiclass ones.

    >>> infer_kind([1.0, 0.0]), infer_kind([0.0, 1.0, 2.0])[1], str(infer_kind([1.0, 2.0])[0])
    ((<Kind.BINARY: 'binary'>, None), 3, 'regression')
    """
    classes = sorted(values)
    if classes == [0.0, 1.0]:
        return Kind.BINARY, None
    if len(classes) <= MAX_CLASSES and classes == list(map(float, range(len(classes)))):
        return Kind.MULTICLASS, len(classes)
    return Kind.REGRESSION, None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a table holds.

    Attributes:
        smiles: the column with the molecules.
        rivals: other columns that could have been it.
        columns: all others, in order.
    """

    path: Path
    num_rows: int
    smiles: str
    rivals: tuple[str, ...]
    columns: tuple[Column, ...]


def inspect_table(path: Path, *, smiles: str | None = None) -> Inspection:
    """Returns what a CSV, TSV or parquet file holds, told from all of its rows.

    Args:
        path: the file.
        smiles: the column with the molecules; found by its content where None.

    Raises:
        UsageError: there is no such file or column.
        SourceError: the file is empty, unreadable, or no column holds molecules.
    """
    require_file(path)
    names = column_names(path)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if smiles is not None and (not smiles or smiles not in names or smiles in repeated):
        what = "twice" if smiles in repeated else f"not among them{nearest(smiles, names)}"
        found = f"column {smiles!r} {what}"
        raise UsageError(path.name, found=found, expected=f"one of {', '.join(names[:20])}")
    # A column without a name, such as the row numbers that pandas writes, cannot be asked for.
    tallies = [_Tally(name) for name in names if name and name not in repeated]
    num_rows = 0
    for frame in read_frames(path, [tally.name for tally in tallies], ROWS_AT_ONCE):
        for tally in tallies:
            tally.add(frame[tally.name])
        num_rows += len(frame)
    if num_rows == 0:
        raise SourceError(path.name, found="no rows", expected="at least one", fix="check that the file is complete")
    chosen, rivals = (smiles, ()) if smiles is not None else _choose_smiles(path, tallies)
    columns = [tally.describe(num_rows) for tally in tallies if tally.name != chosen]
    columns += [Column(name, why_not="the file has it more than once") for name in repeated if name]
    columns += [Column("", why_not="it has no name")] if "" in names else []
    return Inspection(path, num_rows, chosen, rivals, tuple(columns))


def _choose_smiles(path: Path, tallies: Sequence[_Tally]) -> tuple[str, tuple[str, ...]]:
    """Returns the column with the molecules, and others that could be it: by name first, then by content."""
    shares = {tally.name: tally.share_of_molecules() for tally in tallies}
    able = [name for name, share in shares.items() if share >= _ENOUGH]
    if not able:
        texts = [f"{tally.name} ({tally.texts[0]!r:.40})" for tally in tallies if tally.texts]
        raise SourceError(
            path.name,
            found=f"no column with SMILES; columns with text: {', '.join(texts[:8]) or 'none'}",
            expected=f"one in which {_ENOUGH:.0%} of the texts are molecules",
            fix="name the column with --smiles if it is there",
        )
    best = max(able, key=lambda name: (name.lower() == "smiles", "smiles" in name.lower(), shares[name]))
    return best, tuple(name for name in able if name != best)


@dataclass(slots=True)
class _Tally:
    """What has been seen of a column; its size does not grow with the rows."""

    name: str
    dtype: pl.DataType = field(default_factory=pl.Null)
    num_numbers: int = 0
    num_others: int = 0
    num_truths: int = 0
    """Others that are `true` or `false`; labels, where there is nothing else."""
    truths: set[float] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    """The first texts that are no numbers."""
    missing: set[str] = field(default_factory=set)
    values: set[float] = field(default_factory=set)
    """Distinct numbers, at most one more than could be classes."""
    whole: bool = True
    finite: bool = True
    increasing: bool = True
    """Whether whole numbers only ever increase, as those that count rows do."""
    last: float = float("-inf")

    def add(self, column: pl.Series) -> None:
        self.dtype = column.dtype
        if column.dtype == pl.String:
            column = self._to_numbers(column.str.strip_chars())
        elif not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            self.num_others += len(column) - column.null_count()
            return
        numbers = column.cast(pl.Float64).fill_nan(None).drop_nulls()
        self.num_numbers += len(numbers)
        self.whole &= bool((numbers == numbers.round()).all())
        # What float32 holds is finite in it, too.
        self.finite &= bool((numbers.is_finite() & (numbers.abs() <= _LARGEST)).all())
        self.increasing &= bool((numbers.diff().drop_nulls() > 0).all()) and (
            len(numbers) == 0 or numbers[0] > self.last
        )
        if len(numbers):
            self.last = numbers[-1]
        if len(self.values) <= MAX_CLASSES:
            self.values |= set(numbers.unique().sort().head(MAX_CLASSES + 1).to_list())

    def _to_numbers(self, column: pl.Series) -> pl.Series:
        """Returns the numbers of a column of text, and keeps what is none."""
        column = column.filter(column.is_not_null() & ~column.is_in(list(MISSING)))
        numbers = column.cast(pl.Float64, strict=False)
        others = column.filter(numbers.is_null())
        truths = truths_of(others).drop_nulls()
        self.truths |= set(truths.unique().to_list())
        self.num_truths += len(truths)
        stands_for_nothing = others.is_in(list(OTHER_MISSING))
        self.missing |= set(others.filter(stands_for_nothing).unique().to_list())
        others = others.filter(~stands_for_nothing)
        self.num_others += len(others)
        self.texts += others.head(_TRIED - len(self.texts)).str.slice(0, _LONGEST).to_list()
        return numbers.drop_nulls()

    def share_of_molecules(self) -> float:
        """Returns the share of the first texts that are molecules."""
        if not self.texts:
            return 0.0
        good = sum(hasattr(item, "mol_id") for item in standardize_all(self.texts, max_atoms=_MAX_ATOMS))
        return good / len(self.texts)

    def describe(self, num_rows: int) -> Column:
        if not self.num_numbers and self.num_others == self.num_truths:
            self.num_numbers, self.num_others = self.num_truths, 0
            self.values, self.increasing = self.truths, False
        why_not = self._why_not(num_rows)
        if why_not:
            return Column(self.name, why_not=why_not)
        kind, num_classes = infer_kind(self.values)
        return Column(self.name, kind, num_classes, self.num_numbers, tuple(sorted(self.missing)))

    def _why_not(self, num_rows: int) -> str:
        """Returns why the column holds no labels, or nothing."""
        shown = f", such as {self.texts[0]!r:.40}" if self.texts else ""
        counts = self.increasing and self.num_numbers == num_rows > MAX_CLASSES
        reasons = (
            (isinstance(self.dtype, pl.List), "it holds lists; labels of atoms are not drafted"),
            (self.num_others > 0, f"{self.num_others:,} of its cells are no numbers{shown}"),
            (self.num_numbers == 0, "it is empty"),
            (not self.finite, "it holds numbers that are not finite, or too large for float32"),
            (len(self.values) == 1, "all its values are equal"),
            (self.whole and (counts or _NAMES_ROWS.search(self.name) is not None), "it numbers or names the rows"),
        )
        return next((reason for applies, reason in reasons if applies), "")
