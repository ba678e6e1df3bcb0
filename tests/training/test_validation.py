"""Tests of the scores that are recorded after each epoch."""

from __future__ import annotations

import numpy as np
import pytest

from molmix_bench.training.predict import Predictions
from molmix_bench.training.validation import macro_values, read_references, score_split
from molmix_bench.vocab import Split


def test_perfect_predictions_have_perfect_scores(chains):
    """Labels given as predictions have no error and the best ranks; a constant has the AUROC of a guess."""
    references = read_references(chains, ("energies", "groups"), split=Split.TEST)
    perfect = {}
    for name in references:
        table = chains.scan(name, "test").collect()
        values = table.select(chains.datasets[name].tasks).fill_null(0).to_numpy().astype(np.float64)
        perfect[name] = Predictions(table["mol_id"], values)
    values = macro_values(score_split(perfect, references, seed=0))
    assert values["energies"]["mae_standardised"] == 0
    assert values["groups"]["ap"] == values["groups"]["auroc"] == pytest.approx(1)
    constant = {**perfect, "groups": Predictions(perfect["groups"].mol_id, perfect["groups"].values * 0)}
    assert macro_values(score_split(constant, references, seed=0))["groups"]["auroc"] == pytest.approx(0.5)


def test_splits_that_a_dataset_has_not_are_left_out(chains):
    """Only datasets with rows in a split have references in it."""
    assert read_references(chains, ("energies", "groups"), split=Split.TEST_SEEN) == {}
