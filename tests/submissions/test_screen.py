"""Tests of finding a file right without its labels: what it finds right, comparing with the labels finds right too."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.align import align
from molmix_bench.metrics.predictions import write_predictions
from molmix_bench.metrics.reference import read_reference
from molmix_bench.submissions import steps
from molmix_bench.submissions.check import check_submission
from molmix_bench.submissions.format import read_predictions
from molmix_bench.submissions.lists import PredictionShape
from molmix_bench.submissions.screen import is_right_throughout, read_molecules
from molmix_bench.submissions.steps import check_steps
from molmix_bench.vocab import Kind, Level, Split
from tests.metrics.small_mix import SmallDataset, SmallMix, mol_ids
from tests.submissions.honest import build_mix, write_submission

NAN = np.nan
NUM_TASKS, NUM_CLASSES = 2, 3
ODD = (NAN, np.inf, -np.inf, -0.25, 1.25, 0.5, 0.0, 1e39)
"""Values put in place of others; some are possible for one kind and not for another."""


def _mix(level, kind, rng):
    """Returns a mix of five molecules, a third of whose labels are missing."""

    def draw(num_rows):
        high = {Kind.BINARY: 2, Kind.MULTICLASS: NUM_CLASSES, Kind.REGRESSION: 9}[kind]
        labels = rng.integers(0, high, (num_rows, NUM_TASKS)).astype(float)
        labels[rng.random(labels.shape) < 0.3] = NAN
        return labels

    if level is Level.NODE:
        labels = [draw(size) for size in rng.integers(1, 5, 5)]
        for molecule in labels:
            molecule[0, 0] = 1  # a molecule without any label is in no split
    else:
        labels = draw(5)
    num_classes = NUM_CLASSES if kind is Kind.MULTICLASS else None
    data = SmallDataset(kind, {Split.TRAIN: labels, Split.TEST: labels}, level=level, num_classes=num_classes)
    return SmallMix(data=data)


def _predict(data, rng):
    """Returns what an honest file holds, in a random order of molecules: ids, values (n, T * C), atoms."""
    num_nodes = data.num_nodes(Split.TEST)
    ids = mol_ids(Split.TEST, 5)
    order = rng.permutation(5)
    sizes = np.ones(5, int) if num_nodes is None else num_nodes[order]
    shape = (sizes.sum(), NUM_TASKS, data.num_classes or 1)
    values = rng.random(shape)
    if data.num_classes:
        values /= values.sum(axis=2, keepdims=True)
    ids = pl.Series("mol_id", [ids[int(row)] for row in order])
    return ids, values.reshape(len(values), -1), None if num_nodes is None else sizes


def _spoil(ids, values, num_nodes, rng):
    """Returns the same with one thing changed, which may not matter."""
    what = rng.integers(0, 4)
    if what == 0:
        return pl.Series("mol_id", [*ids[:-1], rng.choice([ids[0], "other", "test-0 "])]), values, num_nodes
    if what == 1 and num_nodes is not None:
        return ids, values, np.roll(num_nodes, 1)
    if what == 2 and num_nodes is None:
        return ids[1:], values[1:], None
    values = values.copy()
    values[rng.integers(len(values)), rng.integers(values.shape[1])] = rng.choice(ODD)
    return ids, values, num_nodes


@pytest.mark.parametrize("kind", [Kind.REGRESSION, Kind.BINARY, Kind.MULTICLASS])
@pytest.mark.parametrize("level", [Level.GRAPH, Level.NODE])
@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_found_right_is_right(tmp_path_factory, level, kind, seed):
    """An honest file is, in any order; of a spoilt one, only what the labels allow as well."""
    rng = np.random.default_rng(seed)
    mix = _mix(level, kind, rng)
    data = mix.datasets["data"]
    shape = PredictionShape(level, NUM_TASKS, data.num_classes)
    path = tmp_path_factory.mktemp("screen") / "seed=0.parquet"
    molecules, honest = read_molecules(mix, "data", Split.TEST), _predict(data, rng)
    for is_honest, (ids, values, num_nodes) in ((True, honest), (False, _spoil(*honest, rng))):
        write_predictions(path, ids, values, num_nodes=num_nodes, num_classes=data.num_classes)
        found = is_right_throughout(path, data, shape, molecules)
        assert found or not is_honest
        if found:
            read = read_predictions(path, shape)
            align(
                read_reference(mix, "data", Split.TEST),
                mol_id=read.mol_id,
                prediction=read.values,
                num_nodes=read.num_nodes,
                where="file",
            )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A built mix."""
    return build_mix(tmp_path_factory.mktemp("mix"))


def test_labels_are_read_for_what_is_not(built, tmp_path, monkeypatch):
    """An honest submission is checked without them; one that predicts labelled cells alone is honest as well."""
    read = []
    monkeypatch.setattr(steps, "read_reference", lambda *given: read.append(given[1:]) or read_reference(*given))
    folder = write_submission(tmp_path, built)
    assert not [item for item in check_steps(str(folder), str(built.path), ()) if "where" in item]
    assert not read
    path = folder / "predictions" / "size" / "test" / "seed=0.parquet"
    given = read_predictions(path, PredictionShape(Level.GRAPH, 2))
    given.values[0, 0] = NAN
    write_predictions(path, given.mol_id, given.values)
    (problem,) = [item for item in check_steps(str(folder), str(built.path), ()) if "where" in item]
    assert read == [("size", Split.TEST)]
    assert "nan for" in problem["found"]
    assert [item.found for item in check_submission(folder, built)] == [problem["found"]]


def test_a_file_that_cannot_be_read_is_an_error(built, tmp_path):
    """As when it is read whole."""
    path = tmp_path / "seed=0.parquet"
    path.write_bytes(b"none")
    with pytest.raises(SubmissionError, match="no parquet footer"):
        is_right_throughout(
            path, built.datasets["size"], PredictionShape(Level.GRAPH, 2), read_molecules(built, "size", Split.TEST)
        )
