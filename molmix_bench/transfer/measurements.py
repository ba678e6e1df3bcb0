"""Molecules with labels of a user's own, in memory, and every row and label that is not among them with its reason."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from tqdm import tqdm

from molmix_bench.build.duplicates import Disagreement, merge_cells
from molmix_bench.chem.molecule import Molecule, Rejected, standardize_all
from molmix_bench.layout.cells import Cells
from molmix_bench.metrics.cells import FloatArray, IntArray
from molmix_bench.specs.manifest import Accounting
from molmix_bench.vocab import DropReason, Kind, Policy

MAX_ATOMS = 1_000
"""Larger molecules are dropped, as in mixes."""
PROBLEM_SCHEMA: dict[str, type[pl.DataType]] = {
    "row": pl.Int64,  # of the file, from 0, blank lines counted, the header not
    "smiles": pl.String,
    "task": pl.String,  # null: the row as a whole
    "reason": pl.String,
    "detail": pl.String,
    "dropped": pl.Boolean,  # false: the row is kept, without this label or with one that duplicates agreed on
}
_ROWS_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row, or a label of a row, is not among the measurements as it stands in the file."""

    row: int
    task: str | None
    reason: DropReason
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class RawMeasurements:
    """Measurements as a table has them.

    Shapes:
        smiles: a text, or None where there is none, for each of N rows.
        labels: (N, T); NaN is missing.
        groups: N texts that say which part a row belongs to, where the table says so.
    """

    name: str
    tasks: tuple[str, ...]
    kind: Kind
    num_classes: int | None
    smiles: Sequence[str | None]
    labels: FloatArray
    groups: Sequence[str | None] | None = None
    problems: tuple[Problem, ...] = ()
    """Found on reading: labels that are none."""


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """Distinct molecules with their labels, in the order of their first rows.

    Shapes:
        labels: (n, T) float64; NaN is missing, and no molecule is without a label.
        rows: (n,) int64, the first row of each molecule.
    """

    name: str
    """By which scores call them: letters, digits and underscores."""
    tasks: tuple[str, ...]
    kind: Kind
    num_classes: int | None
    molecules: tuple[Molecule, ...]
    labels: FloatArray
    rows: IntArray
    groups: tuple[str, ...] | None
    """What the split column says of each."""
    problems: pl.DataFrame
    """Columns as in `PROBLEM_SCHEMA`."""
    accounting: Accounting
    """Of rows."""

    def __len__(self) -> int:
        """Number of molecules."""
        return len(self.molecules)

    @property
    def mol_ids(self) -> list[str]:
        """Identities, as mixes have them."""
        return [molecule.mol_id for molecule in self.molecules]

    @property
    def smiles(self) -> list[str]:
        """Standard SMILES, which are featurised."""
        return [molecule.smiles for molecule in self.molecules]

    @property
    def digest(self) -> str:
        """Sha256 of all that is learnt: equal digests, equal results."""
        sha = hashlib.sha256(repr((self.tasks, str(self.kind), self.num_classes, self.groups)).encode())
        sha.update("\n".join(self.smiles).encode())
        sha.update(np.ascontiguousarray(self.labels, "<f8").tobytes())
        return sha.hexdigest()

    def problem_counts(self) -> dict[DropReason, int]:
        """Returns how many rows and labels there are in `problems`, by reason."""
        counts = Counter(self.problems["reason"].to_list())
        return {reason: counts[reason] for reason in DropReason if counts[reason]}


def clean(raw: RawMeasurements) -> Measurements:
    """Returns the measurements of a table: standard molecules, duplicates merged.

    Labels of one molecule that differ become their mean (regression) or that of the majority (classes), and none where
    classes tie; all rows concerned are among the problems.
    """
    found = list(_standardized(raw))
    ledger = _Ledger(raw)
    for row, molecule in enumerate(found):
        if isinstance(molecule, Rejected):
            ledger.drop(row, molecule.reason, molecule.detail)
        elif raw.groups is not None and raw.groups[row] is None:
            ledger.drop(row, DropReason.NO_SPLIT, "the column of the split is empty")
    labelled = np.atleast_1d(~np.isnan(raw.labels).all(axis=1))
    numbers: dict[str, int] = {}
    group = np.full(len(found), -1, np.int64)
    for row, molecule in enumerate(found):
        if isinstance(molecule, Molecule) and row not in ledger.dropped:
            if labelled[row]:
                group[row] = numbers.setdefault(molecule.mol_id, len(numbers))
            else:
                ledger.drop_unlabelled(row)
    labels = _merged(raw, group, len(numbers), ledger)
    return ledger.measurements([item if isinstance(item, Molecule) else None for item in found], group, labels)


def _standardized(raw: RawMeasurements) -> Iterator[Molecule | Rejected]:
    with tqdm(desc=f"molecules of {raw.name}", total=len(raw.smiles), unit="mol", disable=None, leave=False) as bar:
        for first in range(0, len(raw.smiles), _ROWS_AT_ONCE):
            texts = [text or "" for text in raw.smiles[first : first + _ROWS_AT_ONCE]]
            yield from standardize_all(texts, max_atoms=MAX_ATOMS)
            bar.update(len(texts))


def _merged(raw: RawMeasurements, group: IntArray, num_groups: int, ledger: _Ledger) -> FloatArray:
    """Returns the labels of each molecule, (num_groups, T), and writes down where its rows disagree."""
    kept = np.flatnonzero(group >= 0)
    row, task = np.nonzero(~np.isnan(raw.labels[kept]))
    cells = Cells(row, task, np.zeros_like(row), raw.labels[kept][row, task])
    policy = Policy.MEAN if raw.kind is Kind.REGRESSION else Policy.MAJORITY
    merged, conflicts = merge_cells(cells, group[kept], policy)
    labels = np.full((num_groups, len(raw.tasks)), np.nan)
    labels[merged.row, merged.task] = merged.value
    for conflict in conflicts:
        ledger.add_conflict(conflict, kept)
    return labels


@dataclass(slots=True)
class _Ledger:
    """Where every row has gone."""

    raw: RawMeasurements
    dropped: dict[int, DropReason] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.problems = list(self.raw.problems)

    def drop(self, row: int, reason: DropReason, detail: str) -> None:
        self.dropped[row] = reason
        self.problems.append(Problem(row, None, reason, detail))

    def drop_unlabelled(self, row: int) -> None:
        """Drops a row for what its cells hold instead of labels, where they hold anything."""
        first = next((problem for problem in self.raw.problems if problem.row == row), None)
        if first is None:
            self.drop(row, DropReason.NO_LABELS, "no label")
        else:
            self.dropped[row] = first.reason

    def add_conflict(self, conflict: Disagreement, kept: IntArray) -> None:
        rows = kept[list(conflict.rows)].tolist()
        pairs = ", ".join(f"{value:g} in row {row:,}" for row, value in zip(rows, conflict.values, strict=True))
        if conflict.merged is None:
            outcome = "a tie, no label is taken"
        else:
            word = "their mean" if self.raw.kind is Kind.REGRESSION else "the majority"
            outcome = f"{word}, {conflict.merged:g}, is taken"
        task = self.raw.tasks[conflict.task]
        self.problems += [Problem(row, task, DropReason.CONFLICT, f"{pairs}; {outcome}") for row in rows]

    def measurements(self, molecules: list[Molecule | None], group: IntArray, labels: FloatArray) -> Measurements:
        """Returns the measurements, without molecules that ties have left without a label."""
        raw = self.raw
        empty = np.atleast_1d(np.isnan(labels).all(axis=1))
        for row in np.flatnonzero(group >= 0).tolist():
            if empty[group[row]]:
                self.drop(row, DropReason.CONFLICT, "no label but in a tie")
        first = np.unique(group[group >= 0], return_index=True)[1]
        rows = np.flatnonzero(group >= 0)[first][~empty]
        groups = None if raw.groups is None else self._groups(group, rows)
        kept = tuple(item for row in rows.tolist() if (item := molecules[row]) is not None)
        return Measurements(
            name=raw.name,
            tasks=raw.tasks,
            kind=raw.kind,
            num_classes=raw.num_classes,
            molecules=kept,
            labels=labels[~empty],
            rows=rows,
            groups=groups,
            problems=self._table(),
            accounting=self._account(len(kept)),
        )

    def _groups(self, group: IntArray, rows: IntArray) -> tuple[str, ...]:
        """Returns the part that the first row of each molecule names; other rows that name another are problems."""
        texts = self.raw.groups or ()
        first_of = dict(zip(group[rows].tolist(), rows.tolist(), strict=True))
        for row in np.flatnonzero(group >= 0).tolist():
            first = first_of.get(int(group[row]))
            if first is not None and texts[row] != texts[first]:
                detail = (
                    f"its molecule is in {texts[first]!r} by row {first:,}, which holds, and in {texts[row]!r} here"
                )
                self.problems.append(Problem(row, None, DropReason.CONFLICT, detail))
        return tuple(str(texts[row]) for row in rows.tolist())

    def _table(self) -> pl.DataFrame:
        records = [
            (item.row, self.raw.smiles[item.row], item.task, str(item.reason), item.detail, item.row in self.dropped)
            for item in self.problems
        ]
        table = pl.DataFrame(records, schema=PROBLEM_SCHEMA, orient="row")
        return table.sort("row", "task", nulls_last=False, maintain_order=True)

    def _account(self, kept: int) -> Accounting:
        read, counts = len(self.raw.smiles), Counter(self.dropped.values())
        dropped = {reason: counts[reason] for reason in DropReason if counts[reason]}
        return Accounting(read=read, kept=kept, merged=read - kept - sum(dropped.values()), dropped=dropped)
