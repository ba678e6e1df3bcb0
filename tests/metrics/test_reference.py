"""Tests of the labels that predictions are scored against."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from molmix_bench.errors import MixError, UsageError
from molmix_bench.metrics.labels import read_labels
from molmix_bench.metrics.reference import read_reference
from molmix_bench.vocab import Kind, Level, Split
from tests.metrics.small_mix import SmallDataset, SmallMix

NAN = np.nan
TEST = [[0.0, 1.0, NAN], [1.0, NAN, NAN], [NAN, 1.0, 0.0]]


def _read(dataset):
    return read_reference(SmallMix(assay=dataset), "assay", "test")


@pytest.mark.parametrize("is_sparse", [False, True], ids=["wide", "sparse"])
def test_labels_are_read_task_by_task_from_either_form_of_table(is_sparse):
    """By hand; a sparse pair and a column per task hold the same cells."""
    reference = _read(SmallDataset(Kind.BINARY, {Split.TEST: TEST}, is_sparse=is_sparse))
    assert reference.mol_id.to_list() == ["test-0", "test-1", "test-2"]
    assert reference.starts.tolist() == [0, 2, 4, 5]
    assert reference.rows.tolist() == [0, 1, 0, 2, 2]
    assert reference.labels.tolist() == [0, 1, 1, 1, 0]


def test_tasks_that_cannot_be_scored_are_named_with_their_reason():
    """The first of three binary tasks has two classes, the others one."""
    reference = _read(SmallDataset(Kind.BINARY, {Split.TEST: TEST}))
    assert reference.scorable.tolist() == [True, False, False]
    assert reference.excluded == {
        "t1": "labels: 2, all of class 1; two classes are needed",
        "t2": "labels: 1, all of class 0; two classes are needed",
    }


def test_reliable_tasks_are_those_with_ten_of_each_class():
    """One column with ten negatives, one with nine."""
    labels = np.repeat([[1.0, 1.0], [0.0, 0.0]], 10, axis=0)
    labels[-1, 1] = NAN
    assert _read(SmallDataset(Kind.BINARY, {Split.TEST: labels})).reliable.tolist() == [True, False]


def test_the_scale_of_a_regression_task_is_its_train_splits():
    """Mean and standard deviation with ddof=0, by hand."""
    reference = _read(SmallDataset(Kind.REGRESSION, {Split.TRAIN: [[1.0], [3.0]], Split.TEST: [[0.0], [1.0], [2.0]]}))
    assert (reference.train_mean.tolist(), reference.train_std.tolist()) == ([2], [1])
    assert reference.excluded == {}


@pytest.mark.parametrize(("train", "count"), [([[NAN], [NAN]], 0), ([[0.1], [0.1]], 2)], ids=["none", "constant"])
def test_a_task_without_spread_in_train_cannot_be_scored(train, count):
    """There is no scale to standardise its errors by."""
    reference = _read(SmallDataset(Kind.REGRESSION, {Split.TRAIN: train, Split.TEST: [[0.0], [1.0], [2.0]]}))
    reason = f"labels in train: {count}, none that differ; errors cannot be standardised"
    assert reference.excluded == {"t0": reason}
    assert not reference.scorable.any()
    assert not reference.reliable.any()


@pytest.mark.parametrize(
    ("label", "published", "message"),
    [(1.0, False, "found task t0 as not scorable"), (0.0, True, "found task t0 as scorable .* not, by its labels")],
)
def test_a_published_list_that_its_labels_contradict_is_refused(label, published, message):
    """`tasks.parquet` and the labels must agree on what is scorable."""
    dataset = SmallDataset(Kind.BINARY, {Split.TEST: [[0.0], [label]]}, published={"t0": published})
    with pytest.raises(MixError, match=message):
        _read(dataset)


@pytest.mark.parametrize(
    ("kind", "label", "message"),
    [(Kind.BINARY, 2.0, "the label 2; expected 0, 1 or null"), (Kind.REGRESSION, np.inf, "the label inf")],
)
def test_labels_that_are_not_of_their_kind_are_refused(kind, label, message):
    """A damaged mix gives no scores."""
    with pytest.raises(MixError, match=message):
        _read(SmallDataset(kind, {Split.TEST: [[0.0], [1.0], [label]]}))


def test_labels_of_atoms_are_read_task_by_task():
    """By hand: molecules of two, one and three atoms; the second has no label of the second task."""
    labels = [[[1.0, NAN], [2.0, 5.0]], [[3.0, NAN]], [[NAN, 6.0], [4.0, 7.0], [NAN, NAN]]]
    reference = _read(SmallDataset(Kind.REGRESSION, {Split.TRAIN: labels, Split.TEST: labels}, level=Level.NODE))
    assert reference.num_nodes.tolist() == [2, 1, 3]
    assert reference.starts.tolist() == [0, 4, 7]
    assert reference.rows.tolist() == [0, 0, 1, 2, 0, 2, 2]
    assert reference.nodes.tolist() == [0, 1, 0, 1, 1, 0, 1]
    assert reference.labels.tolist() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("lists", "shown"),
    [
        ({"t0": [[1.0], [1.0, 0.0]], "t1": [[1.0], [0.0]]}, "2, 1 for b"),
        ({"t0": [[], [1.0]], "t1": [[], [0.0]]}, "0, 0 for a"),
        ({"t0": [[1.0], None], "t1": [[1.0], [0.0]]}, "null, 1 for b"),
    ],
    ids=["unequal", "none", "null"],
)
def test_lists_that_are_no_atoms_are_refused(lists, shown):
    """A damaged mix gives no scores; the error names the molecule."""
    dataset = SmallDataset(Kind.BINARY, {Split.TEST: [[[0.0, 1.0]]]}, level=Level.NODE)
    table = pl.LazyFrame({"mol_id": ["a", "b"], **lists}, schema_overrides=dict.fromkeys(lists, pl.List(pl.Float64)))
    with pytest.raises(MixError, match=f"here: found lists of lengths {shown}; expected in each the number of its"):
        read_labels(table, dataset, where="here")


@pytest.mark.parametrize("is_sparse", [False, True], ids=["wide", "sparse"])
def test_classes_are_read_from_either_form_of_table(is_sparse):
    """By hand; a class without a label keeps nobody from being scored, and ten of each present one are reliable."""
    labels = [[0.0, 3.0], [3.0, NAN]] * 10
    dataset = SmallDataset(Kind.MULTICLASS, {Split.TEST: labels}, is_sparse=is_sparse, num_classes=4)
    reference = _read(dataset)
    assert (reference.num_classes, reference.num_nodes) == (4, None)
    assert reference.labels.tolist() == [0, 3] * 10 + [3] * 10
    assert reference.reliable.tolist() == [True, False]
    assert reference.excluded == {"t1": "labels: 10, all of class 3; two classes are needed"}


@pytest.mark.parametrize("label", [3.0, -1.0, 0.5])
def test_labels_that_are_no_class_are_refused(label):
    """Classes are the whole numbers below their count."""
    dataset = SmallDataset(Kind.MULTICLASS, {Split.TEST: [[0.0], [1.0], [label]]}, num_classes=3)
    with pytest.raises(MixError, match=f"found the label {label:g}; expected whole numbers from 0 to 2, or null"):
        _read(dataset)


def test_labels_of_edges_are_refused_by_name():
    """They have no scores yet, and none is made up."""
    with pytest.raises(UsageError, match="found level edge, kind regression; expected level graph or node"):
        _read(SmallDataset(Kind.REGRESSION, {Split.TEST: [[0.0], [1.0]]}, level=Level.EDGE))


def test_an_unknown_dataset_is_the_mixs_to_refuse():
    """The error is that of `scan`."""
    with pytest.raises(UsageError, match="no essay/test"):
        read_reference(SmallMix(assay=SmallDataset(Kind.BINARY, {Split.TEST: TEST})), "essay", "test")
