"""Predictions brought into the order of the labels they are scored against."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.cells import BoolArray, Cells, FloatArray, IntArray, for_each_task
from molmix_bench.metrics.protocol import PREDICTION_BOUNDS, PROBABILITY_SUM_TOLERANCE
from molmix_bench.metrics.reference import Reference
from molmix_bench.vocab import MOL_ID, Kind

_NUM_SHOWN = 3
"""Molecules or cells that an error names; it counts them all."""


def align(
    reference: Reference,
    *,
    mol_id: pl.Series,
    prediction: NDArray[np.floating],
    where: str,
    num_nodes: IntArray | None = None,
) -> Cells:
    """Returns the labelled cells with their predictions; what is predicted elsewhere is not looked at.

    Args:
        reference: the labels.
        mol_id: molecules in any order; each of the reference's once, and no other.
        prediction: values in task order, not finite only where there is no label.
        where: the file or argument that errors name.
        num_nodes: node level only, the atoms of each molecule, which have rows of `prediction` in the same order.

    Shapes:
        mol_id: (n,)
        prediction: (n, T); node level (num_nodes.sum(), T); multiclass T * C for T, the classes of the first task
            before those of the second.
        num_nodes: (n,)

    Raises:
        SubmissionError: molecules are missing, foreign, repeated or of another number of atoms, or predictions are
            missing or impossible.
    """
    _check_shape(reference, mol_id, prediction, num_nodes=num_nodes, where=where)
    _check_molecules(reference, mol_id, where=where)
    given = pl.DataFrame({MOL_ID: mol_id}).with_row_index("position")
    wanted = pl.DataFrame({MOL_ID: reference.mol_id})
    position = wanted.join(given, on=MOL_ID, how="left", maintain_order="left")["position"].to_numpy()
    if num_nodes is None:
        rows = position[reference.rows]
    else:
        _check_nodes(reference, num_nodes[position], where=where)
        first_node = np.cumsum(num_nodes) - num_nodes
        rows = first_node[position][reference.rows] + reference.nodes
    values = _values_of(reference, prediction, rows)
    _check_values(reference, values, where=where)
    return Cells(reference.starts, reference.rows, reference.labels, values)


def _values_of(reference: Reference, prediction: NDArray[np.floating], rows: IntArray) -> FloatArray:
    """Returns the predictions of the labelled cells, (L,), multiclass (L, C); cell l has those of row `rows[l]`."""
    num_classes = reference.num_classes
    shape = (len(rows),) if num_classes is None else (len(rows), num_classes)
    values = np.empty(shape)
    by_task = prediction.reshape(len(prediction), len(reference.tasks), *shape[1:])

    def _take(task: int, first: int, end: int) -> None:
        values[first:end] = by_task[rows[first:end], task]

    for_each_task(reference.starts, _take)
    return values


def _check_shape(
    reference: Reference,
    mol_id: pl.Series,
    prediction: NDArray[np.floating],
    *,
    num_nodes: IntArray | None,
    where: str,
) -> None:
    if (num_nodes is None) is not (reference.num_nodes is None):
        found, expected = ("no num_nodes", "num_nodes") if num_nodes is None else ("num_nodes", "none")
        level = "graph" if reference.num_nodes is None else "node"
        raise SubmissionError(
            where, found=found, expected=f"{expected}: {reference.dataset} has labels of level {level}"
        )
    if num_nodes is not None and num_nodes.shape != (len(mol_id),):
        expected = f"({len(mol_id)},), the atoms of each molecule given"
        raise SubmissionError(where, found=f"num_nodes of shape {num_nodes.shape}", expected=expected)
    num_rows = len(mol_id) if num_nodes is None else int(num_nodes.sum())
    shape = (num_rows, len(reference.tasks) * (reference.num_classes or 1))
    if prediction.shape != shape:
        row = "molecule given" if num_nodes is None else "atom given"
        classes = "" if reference.num_classes is None else f" and each of {reference.num_classes} classes"
        raise SubmissionError(
            where,
            found=f"predictions of shape {prediction.shape}",
            expected=f"{shape}: a row per {row}, a column per task of {reference.dataset}{classes}",
        )


def _check_molecules(reference: Reference, mol_id: pl.Series, *, where: str) -> None:
    present = mol_id.drop_nulls()
    problems = (
        ("without an id", mol_id.filter(mol_id.is_null())),
        ("given twice or more", present.filter(present.is_duplicated()).unique(maintain_order=True)),
        ("missing", reference.mol_id.filter(~reference.mol_id.is_in(present.implode()))),
        ("not of this split", present.filter(~present.is_in(reference.mol_id.implode())).unique(maintain_order=True)),
    )
    found = [f"molecules {problem}: {len(ids):,} ({_some(ids)})" for problem, ids in problems if len(ids)]
    if found:
        place = f"{reference.dataset}/{reference.split}"
        expected = f"each of the {len(reference.mol_id):,} molecules of {place} once, and no other"
        raise SubmissionError(where, found=", ".join(found), expected=expected)


def _some(ids: pl.Series) -> str:
    # A foreign id can be any text, so what is shown of it is quoted and cut.
    shown = [f"{text!r:.60}" for text in ids.head(_NUM_SHOWN)]
    return ", ".join(shown) + (", ..." if len(ids) > _NUM_SHOWN else "")


def _check_nodes(reference: Reference, num_nodes: IntArray, *, where: str) -> None:
    """Refuses molecules given with another number of atoms, (n,) in the reference's order, than they have."""
    wrong = np.flatnonzero(num_nodes != reference.num_nodes)
    if len(wrong) and reference.num_nodes is not None:
        row = int(wrong[0])
        count = f" (and {len(wrong) - 1:,} more molecules)" if len(wrong) > 1 else ""
        raise SubmissionError(
            where,
            found=f"predictions for {num_nodes[row]:,} atoms of {reference.mol_id[row]}{count}",
            expected=f"{reference.num_nodes[row]:,}, the atoms of its SMILES in the mix",
        )


def _check_values(reference: Reference, values: FloatArray, *, where: str) -> None:
    """Refuses impossible predictions, (L,), multiclass (L, C), of labelled cells."""
    lowest, highest = PREDICTION_BOUNDS[reference.kind]
    # The comparison is false for NaN, so this finds what is not finite too.
    invalid = ~((values >= lowest) & (values <= highest))
    if invalid.any():
        of_cell = np.asarray(invalid if values.ndim == 1 else invalid.any(axis=1))
        # Of a cell of several classes, the first that is impossible.
        shown = values if values.ndim == 1 else values[np.arange(len(values)), invalid.argmax(axis=1)]
        expected = "finite numbers within float32" if reference.kind is Kind.REGRESSION else "probabilities from 0 to 1"
        raise _invalid_cells(reference, shown, of_cell, expected=expected, where=where)
    if reference.kind is Kind.MULTICLASS:
        sums = values.sum(axis=1)
        off: BoolArray = np.abs(sums - 1) > PROBABILITY_SUM_TOLERANCE
        if off.any():
            expected = f"probabilities that sum to 1 within {PROBABILITY_SUM_TOLERANCE}"
            raise _invalid_cells(reference, sums, off, expected=expected, where=where, what="sums of")


def _invalid_cells(
    reference: Reference, values: FloatArray, invalid: BoolArray, *, expected: str, where: str, what: str = "impossible"
) -> SubmissionError:
    cells = np.flatnonzero(invalid)
    shown = [f"{values[cell]:g} for {_place(reference, int(cell))}" for cell in cells[:_NUM_SHOWN]]
    rest = "; ..." if len(cells) > _NUM_SHOWN else ""
    found = f"{what} predictions for labelled cells: {len(cells):,} ({'; '.join(shown)}{rest})"
    return SubmissionError(where, found=found, expected=expected)


def _place(reference: Reference, cell: int) -> str:
    atom = "" if reference.num_nodes is None else f", atom {reference.nodes[cell]}"
    task = reference.tasks[int(np.searchsorted(reference.starts, cell, side="right")) - 1]
    return f"{reference.mol_id[int(reference.rows[cell])]}{atom}, task {task}"
