"""Tests of bringing predictions into the order of the labels."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.align import align
from molmix_bench.metrics.reference import read_reference
from molmix_bench.vocab import Kind, Split
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
