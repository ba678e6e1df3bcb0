"""Tests of which train molecules a run learns from."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from molmix_bench.errors import RunError
from molmix_bench.graphs.cached import open_store
from molmix_bench.specs.run import SubsetSpec
from molmix_bench.training.run import run
from molmix_bench.training.subset import choose_places, hash_keys, train_members
from molmix_bench.training.trivial import train_labels
from molmix_bench.vocab import Split
from tests.training.small import DATASETS, fitted_spec, run_spec

LABELLED = {"big": np.arange(0, 90), "small": np.arange(80, 100)}
KEYS = hash_keys([f"M{place}".encode() for place in range(100)], 0)


def _chosen(**subset):
    return choose_places(LABELLED, KEYS, SubsetSpec(**subset), where="test")


def test_a_larger_subset_holds_a_smaller_one():
    """Fractions of one draw are nested, have the size that they say, and all of it is all."""
    one, five, all_of_it = (_chosen(fraction=fraction) for fraction in (0.1, 0.5, 1.0))
    assert (len(one), len(five), all_of_it.tolist()) == (10, 50, list(range(100)))
    assert set(one) < set(five)
    assert _chosen(molecules=50).tolist() == five.tolist()


def test_another_draw_chooses_others():
    """The number of a draw decides; the order in which molecules lie does not."""
    assert hash_keys([b"M1"], 0) != hash_keys([b"M1"], 1)
    backwards = hash_keys([f"M{place}".encode() for place in reversed(range(100))], 0)
    assert backwards[::-1].tolist() == KEYS.tolist()


def test_balanced_takes_as_many_from_each():
    """The small dataset gives half, those that both have among them; the large one gives the rest of others."""
    found = set(_chosen(molecules=30, balanced=True).tolist())
    of_small = {place for place in found if place >= 80}
    assert len(found) == 30
    assert len(of_small) >= 15
    assert len(found - of_small) <= 15


def test_too_few_molecules_are_told():
    """A number that a dataset has not is refused, with the dataset."""
    with pytest.raises(RunError, match=r"dataset small: found 20 train molecules to choose from; expected 25"):
        _chosen(molecules=50, balanced=True)
    with pytest.raises(RunError, match="found 100 train molecules to choose from; expected 101"):
        _chosen(molecules=101)


@pytest.mark.parametrize("given", [{}, {"fraction": 0.5, "molecules": 3}, {"fraction": 0.0}, {"fraction": 1.1}])
def test_a_subset_has_one_size(given):
    """A fraction above 0 and up to 1, or a number."""
    with pytest.raises(ValidationError):
        SubsetSpec(**given)


def test_a_run_learns_from_its_subset_alone(chains, tmp_path):
    """Epochs have the molecules of the subset, and tests are of all molecules."""
    whole = run(run_spec(training__epochs=1), chains, tmp_path / "whole")
    spec = run_spec(training__epochs=1, subset={"molecules": 12})
    part = run(spec, chains, tmp_path / "part")
    store = open_store(chains, spec.features)
    members = train_members(spec, store, DATASETS)
    assert len(members) == 12
    assert [row["n_labels"] for row in part.result.scores] == [row["n_labels"] for row in whole.result.scores]
    assert part.result.scores != whole.result.scores
    for target in part.targets:
        found = train_labels(store, target, members)
        every = train_labels(store, target)
        assert set(found.molecules) <= set(store.molecules(Split.TRAIN)[members])
        assert found.ptr[-1] == len(found.values) < every.ptr[-1]
        for task in range(len(target.tasks)):
            kept = np.isin(every.task(task)[0], store.molecules(Split.TRAIN)[members])
            np.testing.assert_array_equal(found.task(task)[1], every.task(task)[1][kept])


def test_fitted_models_know_subsets_too(chains, tmp_path):
    """The trivial predictor's shares of classes are those of the subset."""
    spec = fitted_spec("trivial").model_copy(update={"subset": SubsetSpec(fraction=0.3)})
    found = run(spec, chains, tmp_path / "part").result.scores
    assert found != run(fitted_spec("trivial"), chains, tmp_path / "whole").result.scores


def test_epochs_that_are_not_validated_are_not_chosen(chains, tmp_path):
    """With a validation every third epoch of four, the third or the last predicts, and the others have no value."""
    from molmix_bench.training.journal import read_records

    found = run(run_spec(training__epochs=4, training__validate_every=3), chains, tmp_path)
    records = read_records(found.folder.seed(0).metrics)
    assert [bool(record.validation) for record in records] == [False, False, True, True]
    assert [record.selection is None for record in records] == [True, True, False, False]
    assert found.result.seeds[0].epoch in (3, 4)


def test_a_source_of_some_molecules(chains):
    """Its molecules, their labels of every form and its batches are those of the whole source at these places."""
    store = open_store(chains, run_spec().features)
    whole = store.source(Split.TRAIN)
    places = np.arange(1, len(whole.molecules), 3)
    part = whole.only(places)
    assert part.molecules.tolist() == whole.molecules[places].tolist()
    chosen = np.array([2, 0, 5])
    mine, other = part.batch(chosen), whole.batch(places[chosen])
    assert mine.molecules.tolist() == other.molecules.tolist()
    for name in DATASETS:
        assert part.labelled_in(name).tolist() == np.flatnonzero(np.isin(places, whole.labelled_in(name))).tolist()
        left, right = mine.labels[name], other.labels[name]
        assert left.rows.tolist() == right.rows.tolist()
        np.testing.assert_array_equal(left.values.numpy(), right.values.numpy())
