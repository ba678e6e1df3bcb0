"""Tests that methods learn and choose without the labels of the molecules that are tested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lightning_fabric import Fabric

from molmix_bench.transfer.featurized import featurize_all
from molmix_bench.transfer.fold_data import fold_data
from molmix_bench.transfer.methods import Methods
from molmix_bench.transfer.splits import make_folds
from molmix_bench.transfer.start import Start
from tests.transfer.small import own_data, quick_spec

SPEC = quick_spec(
    'modes=["head_first", "all", "probe"]',
    "folds.folds=1",
    "folds.validation=0.2",
    "tuning.epochs=6",
    "tuning.patience=2",
    "trees=[{architecture: gradient_boosting, num_trees: 2, min_leaf: 2, fingerprint: {bits: 64}}, "
    "{architecture: random_forest, num_trees: 3, fingerprint: {bits: 64}}]",
)


@pytest.fixture(scope="module")
def learn(pretrained, tmp_path_factory):
    """Learns with a method from the measurements whose labels of some part are changed."""
    data = own_data(tmp_path_factory.mktemp("data"), "size")
    (fold,) = make_folds(data.measurements, SPEC.folds)
    start = Start.of(pretrained)
    molecules = featurize_all(data.measurements.mol_ids, data.measurements.smiles, spec=start.spec)

    def _learn(method, *, part=None, change=None):
        labels = data.measurements.labels.copy()
        if part is not None:
            labels[getattr(fold, part)] = change(labels[getattr(fold, part)])
        changed = fold_data(replace(data.measurements, labels=labels), molecules, fold)
        fabric = Fabric(accelerator="cpu", devices=1)
        methods = Methods(start, SPEC, fabric=fabric, failed_batch=tmp_path_factory.mktemp("failed") / "batch")
        return methods.learn(method, changed, seed=1)

    return _learn


@pytest.mark.parametrize("method", SPEC.methods)
@pytest.mark.parametrize("change", [lambda labels: -7 * labels, lambda labels: np.full_like(labels, np.nan)])
def test_labels_of_tested_molecules_do_not_matter(learn, method, change):
    """With other labels of the tested molecules, or none, each method predicts the same and ends in the same epoch."""
    plain, blind = learn(method), learn(method, part="test", change=change)
    assert blind.test.tolist() == plain.test.tolist()
    assert (blind.epoch, blind.selection) == (plain.epoch, plain.selection)


@pytest.mark.parametrize("method", SPEC.methods)
def test_validation_is_what_is_chosen_by(learn, method):
    """The value by which epoch, penalty or trees are chosen changes with the labels of validation, and only it must."""
    plain, other = learn(method), learn(method, part="validation", change=lambda labels: 3 - labels)
    assert other.selection != plain.selection
    if method == "trivial":
        assert other.test.tolist() == plain.test.tolist()
