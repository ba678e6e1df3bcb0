"""How rows of one molecule within one split become one row, by the policy of their source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molmix_bench.layout.cells import Cells, Floats, Ints
from molmix_bench.vocab import Policy


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Labels of one cell that are not all equal.

    Attributes:
        group: which group of rows. task, node: which label within the row.
        rows: the rows that hold the labels, increasing. values: their labels.
        merged: what the policy made of them; None where it names no winner.
    """

    group: int
    task: int
    node: int
    rows: tuple[int, ...]
    values: tuple[float, ...]
    merged: float | None


def merge_cells(
    cells: Cells, group: Ints, policy: Policy, *, spread: Floats | None = None
) -> tuple[Cells, list[Disagreement]]:
    """Merges the cells of each group of rows; the result's `row` is the group.

    Blind to the order of rows, but under `first` and in ties of `max_variance`. A mean is the float64 sum of the labels
    in increasing order, divided by their number. `majority` drops the label when two classes tie.

    Shapes:
        group: (num_rows,), the group of each row, not the group of each cell.
        spread: (num_rows,), the variance of each row's raw labels; for `max_variance`.
    """
    chosen = _rows_of_greatest_spread(spread, group) if spread is not None else np.ones(len(group), dtype=bool)
    # Runs of one cell, by increasing label or, where that decides, by row.
    inner = cells.row if policy is Policy.FIRST else cells.value
    ordered = cells.take(np.lexsort((cells.row, inner, cells.node, cells.task, group[cells.row])))
    row, value = ordered.row, ordered.value
    starts = _run_starts(group[row], ordered.task, ordered.node)
    if not len(starts):
        return ordered, []
    if policy is Policy.MEAN:
        merged = np.add.reduceat(value, starts) / np.diff(np.append(starts, len(value)))
    elif policy is Policy.MAJORITY:
        merged = _majority(value, starts)
    elif policy is Policy.FIRST:
        merged = value[starts]
    else:
        merged = np.fmax.reduceat(np.where(chosen[row], value, np.nan), starts)
    low, high = np.minimum.reduceat(value, starts), np.maximum.reduceat(value, starts)
    # Where all agree, the label itself: no rounding by a sum. A row that was not chosen still gives none.
    merged = np.where((low == high) & ~np.isnan(merged), low, merged)
    stops = np.append(starts[1:], len(row))
    conflicts = [
        _disagreement(ordered.take(np.arange(starts[run], stops[run])), group, merged=float(merged[run]))
        for run in np.flatnonzero(low < high)
    ]
    present = ~np.isnan(merged)
    at = starts[present]
    return Cells(group[row[at]], ordered.task[at], ordered.node[at], merged[present]), conflicts


def _run_starts(*keys: Ints) -> Ints:
    """Returns where, in sorted rows of keys, a new combination begins."""
    new = np.zeros(len(keys[0]), dtype=bool)
    new[:1] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new)


def _disagreement(cells: Cells, group: Ints, *, merged: float) -> Disagreement:
    by_row = cells.take(np.argsort(cells.row, kind="stable"))
    return Disagreement(
        group=int(group[by_row.row[0]]),
        task=int(by_row.task[0]),
        node=int(by_row.node[0]),
        rows=tuple(by_row.row.tolist()),
        values=tuple(by_row.value.tolist()),
        merged=None if np.isnan(merged) else merged,
    )


def _majority(value: Floats, starts: Ints) -> Floats:
    """Returns the most frequent label of each run (labels increase within a run), NaN for a tie."""
    new = np.zeros(len(value), dtype=bool)
    new[starts] = True
    new[1:] |= value[1:] != value[:-1]
    vote_starts = np.flatnonzero(new)
    votes = np.diff(np.append(vote_starts, len(value)))
    run_starts = np.searchsorted(vote_starts, starts)
    most = np.maximum.reduceat(votes, run_starts)
    wins = votes == np.repeat(most, np.diff(np.append(run_starts, len(votes))))
    num_winners = np.add.reduceat(wins.astype(np.int64), run_starts)
    winner = np.maximum.reduceat(np.where(wins, value[vote_starts], -np.inf), run_starts)
    return np.where(num_winners == 1, winner, np.nan)


def _rows_of_greatest_spread(spread: Floats, group: Ints) -> npt.NDArray[np.bool_]:
    """Returns, for every row, whether its labels vary most within its group; ties go to the first row."""
    order = np.lexsort((np.arange(len(group)), -spread, group))
    first = np.ones(len(group), dtype=bool)
    first[1:] = group[order][1:] != group[order][:-1]
    chosen = np.zeros(len(group), dtype=bool)
    chosen[order[first]] = True
    return chosen
