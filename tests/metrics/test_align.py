"""Tests of bringing predictions into the order of the labels."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.align import align
from molmix_bench.metrics.reference import read_reference
from molmix_bench.vocab import Kind, Level, Split
from tests.metrics.small_mix import SmallDataset, SmallMix

NAN = np.nan
IDS = ["test-0", "test-1", "test-2"]
LABELS = [[0.0, 1.0], [1.0, NAN], [NAN, 0.0]]


def _align(ids, prediction, kind=Kind.BINARY):
    mix = SmallMix(assay=SmallDataset(kind, {Split.TEST: LABELS, Split.TRAIN: LABELS}, published=PUBLISHED[kind]))
    reference = read_reference(mix, "assay", "test")
    mol_id = pl.Series(ids, dtype=pl.String)
    return align(reference, mol_id=mol_id, prediction=np.asarray(prediction), where="here")


PUBLISHED = {Kind.BINARY: {}, Kind.REGRESSION: {"t0": False, "t1": False}}


def test_predictions_follow_their_molecules():
    """By hand: rows given backwards; what stands in unlabelled cells is not looked at."""
    cells = _align(IDS[::-1], [[NAN, 0.6], [0.4, 7.0], [0.1, 0.2]])
    assert cells.labels.tolist() == [0, 1, 1, 0]
    assert cells.predictions.tolist() == [0.1, 0.4, 0.2, 0.6]
    assert cells.rows.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_any_float_is_taken_as_it_is(dtype):
    """Values of float16 and float32 are exact in float64."""
    prediction = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], dtype=dtype)
    assert _align(IDS, prediction).predictions.tolist() == [float(x) for x in prediction.T.ravel()[[0, 1, 3, 5]]]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([*IDS, "test-1"], r"found molecules given twice or more: 1 \('test-1'\); expected each of the 3"),
        (IDS[:1], r"molecules missing: 2 \('test-1', 'test-2'\)"),
        ([*IDS, "train-0"], r"molecules not of this split: 1 \('train-0'\)"),
        ([*IDS, None], r"molecules without an id: 1"),
        (["x"] * 5, r"given twice or more: 1 \('x'\), molecules missing: 3 .*, molecules not of this split: 1 "),
        ([f"x{i}" for i in range(5)], r"not of this split: 5 \('x0', 'x1', 'x2', \.\.\.\)"),
        ([*IDS, "\x1b[2J" + "y" * 1_000], r"\('\\x1b\[2Jy{1,60}\)"),
        ([], "molecules missing: 3"),
    ],
    ids=["twice", "missing", "foreign", "null", "all", "many", "text", "empty"],
)
def test_molecules_must_be_those_of_the_split_once_each(ids, message):
    """The error counts them and names the first, whatever text they are."""
    with pytest.raises(SubmissionError, match=f"^here: .*{message}"):
        _align(ids, np.full((len(ids), 2), 0.5))


@pytest.mark.parametrize("shape", [(3, 1), (3, 3), (2, 2), (3,), (3, 2, 1)])
def test_predictions_must_have_a_column_for_each_task(shape):
    """The error names both shapes."""
    with pytest.raises(SubmissionError, match=r"found predictions of shape .*; expected \(3, 2\)"):
        _align(IDS, np.full(shape, 0.5))


@pytest.mark.parametrize("value", [NAN, np.inf, -np.inf, 1.5, -1e-9], ids=str)
def test_an_impossible_probability_for_a_label_is_refused(value):
    """The error names the molecule and the task."""
    with pytest.raises(
        SubmissionError, match=r"impossible predictions .*: 1 \(.* for test-2, task t1\); expected prob"
    ):
        _align(IDS, [[0.1, 0.2], [0.3, 0.4], [0.5, value]])


@pytest.mark.parametrize("value", [NAN, np.inf, -1e39], ids=str)
def test_an_impossible_number_for_a_label_is_refused(value):
    """Beyond float32 there is no prediction, and squares would overflow; the error shows three cells of four."""
    message = r"impossible .*: 4 .*task t0; .* for test-1, task t0; .* for test-0, task t1; \.\.\.\)"
    with pytest.raises(SubmissionError, match=message):
        _align(IDS, np.full((3, 2), value), kind=Kind.REGRESSION)


def test_unscorable_tasks_need_predictions_too():
    """Every labelled cell is checked, so that validity does not hang on the split."""
    with pytest.raises(SubmissionError, match="task t0"):
        _align(IDS, [[NAN, 0.2], [0.3, 0.4], [0.5, 0.5]], kind=Kind.REGRESSION)


ATOMS = [[[0.0, NAN], [1.0, 1.0]], [[1.0, 0.0]], [[NAN, 1.0], [0.0, NAN], [1.0, 0.0]]]
"""Labels of three molecules of two, one and three atoms."""


def _align_atoms(order, prediction, num_nodes):
    mix = SmallMix(atoms=SmallDataset(Kind.BINARY, {Split.TEST: ATOMS}, level=Level.NODE))
    mol_id = pl.Series([IDS[index] for index in order], dtype=pl.String)
    return align(
        read_reference(mix, "atoms", "test"),
        mol_id=mol_id,
        prediction=np.asarray(prediction, dtype=np.float64),
        num_nodes=None if num_nodes is None else np.array(num_nodes),
        where="here",
    )


def test_predictions_of_atoms_follow_their_molecules():
    """By hand: molecules given as third, first, second; each prediction names its place in the file."""
    prediction = np.arange(12).reshape(6, 2) / 100
    cells = _align_atoms([2, 0, 1], prediction, [3, 2, 1])
    assert cells.predictions.tolist() == [0.06, 0.08, 0.10, 0.02, 0.04, 0.09, 0.11, 0.01, 0.05]
    assert cells.rows.tolist() == [0, 0, 1, 2, 2, 0, 1, 2, 2]


@pytest.mark.parametrize(
    ("num_nodes", "message"),
    [
        ([2, 2, 2], r"found predictions for 2 atoms of test-1 \(and 1 more molecules\); expected 1, the atoms"),
        ([3, 1, 2], "found predictions for 3 atoms of test-0 .*; expected 2"),
        ([-1, 4, 3], "found predictions for -1 atoms of test-0"),
        ([2, 1, 4], r"found predictions of shape \(6, 2\); expected \(7, 2\): a row per atom"),
        ([2, 4], r"found num_nodes of shape \(2,\); expected \(3,\)"),
        (None, "found no num_nodes; expected num_nodes: atoms has labels of level node"),
    ],
    ids=["moved", "swapped", "negative", "rows", "short", "absent"],
)
def test_molecules_must_have_their_atoms(num_nodes, message):
    """The first molecule with another number is named, with both numbers."""
    with pytest.raises(SubmissionError, match=f"^here: {message}"):
        _align_atoms([0, 1, 2], np.full((6, 2), 0.5), num_nodes)


def test_an_impossible_prediction_of_an_atom_is_named():
    """With molecule, atom and task."""
    prediction = np.full((6, 2), 0.5)
    prediction[5, 1] = NAN
    with pytest.raises(SubmissionError, match=r"1 \(nan for test-2, atom 2, task t1\); expected probabilities"):
        _align_atoms([0, 1, 2], prediction, [2, 1, 3])


def _align_classes(prediction, level=Level.GRAPH):
    labels = [[0.0, NAN], [2.0, 1.0]]
    node = level is Level.NODE
    dataset = SmallDataset(Kind.MULTICLASS, {Split.TEST: [labels] if node else labels}, level=level, num_classes=3)
    return align(
        read_reference(SmallMix(classes=dataset), "classes", "test"),
        mol_id=pl.Series(IDS[: 1 if node else 2]),
        prediction=np.asarray(prediction),
        num_nodes=np.array([2]) if node else None,
        where="here",
    )


CERTAIN = [[1.0, 0.0, 0.0, NAN, 7.0, NAN], [0.1, 0.2, 0.7, 0.3, 0.3, 0.4]]
"""The second task of the first row has no label."""


@pytest.mark.parametrize("level", [Level.GRAPH, Level.NODE])
def test_classes_of_a_task_stand_together(level):
    """Columns are task-major, for molecules and for the two atoms of one."""
    cells = _align_classes(CERTAIN, level)
    assert cells.predictions.tolist() == [[1.0, 0.0, 0.0], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]
    assert cells.labels.tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([0.5, 0.5, 0.1], r"sums of predictions .*: 1 \(1.1 for test-1, task t1\); expected .* sum to 1 within 0.01"),
        ([0.0, 0.0, 0.0], r"sums of predictions .*: 1 \(0 for"),
        ([0.5, 1.5, -1.0], r"impossible predictions .*: 1 \(1.5 for test-1, task t1\); expected probabilities from 0"),
        ([np.inf, -np.inf, 0.5], r"impossible predictions .*: 1 \(inf for"),
        ([0.5, 0.5, NAN], r"impossible predictions .*: 1 \(nan for"),
    ],
    ids=["over", "zero", "outside", "infinite", "nan"],
)
def test_probabilities_of_classes_must_be_some(classes, message):
    """Each from 0 to 1, and 1 together; the error shows the sum or the first that is impossible."""
    with pytest.raises(SubmissionError, match=message):
        _align_classes([CERTAIN[0], [0.1, 0.2, 0.7, *classes]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_rounding_of_probabilities_is_no_fault(dtype):
    """Thirds in half precision do not sum to 1."""
    _align_classes(np.full((2, 6), 1 / 3, dtype=dtype))


def test_predictions_need_a_column_for_each_class():
    """The error says how many."""
    with pytest.raises(SubmissionError, match=r"found predictions of shape \(2, 2\); expected \(2, 6\): .* 3 classes"):
        _align_classes(np.full((2, 2), 0.5))
