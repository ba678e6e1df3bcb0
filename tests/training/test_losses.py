"""Tests of masked losses: right by a plain loop, and blind to what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from molmix_bench.training.losses import masked_bce, masked_l1
from tests.strategies import losses_tables


@given(losses_tables())
def test_l1_is_the_sum_over_present_labels(table):
    """The sum and the count are those of a loop over the labels that are there."""
    outputs, targets = table
    total, count = masked_l1(torch.tensor(outputs), torch.tensor(targets))
    errors = [abs(o - t) for o, t in zip(outputs.flat, targets.flat, strict=True) if not math.isnan(t)]
    assert count.item() == len(errors)
    assert total.item() == pytest.approx(sum(errors), rel=1e-5)


@given(losses_tables(binary=True))
def test_bce_is_scikit_learns(table):
    """The sum is scikit-learn's log loss of the present labels."""
    outputs, targets = table
    total, count = masked_bce(torch.tensor(outputs), torch.tensor(targets))
    present = ~np.isnan(targets)
    expected = 0.0
    if present.any():
        probabilities = 1 / (1 + np.exp(-outputs[present].astype(np.float64)))
        expected = log_loss(targets[present], probabilities, labels=[0, 1], normalize=False)
    assert count.item() == present.sum()
    assert total.item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("loss", [masked_l1, masked_bce])
@given(table=losses_tables(binary=True), replacement=st.floats(-1e6, 1e6, width=32))
def test_missing_labels_have_no_influence(loss, table, replacement):
    """Whatever is predicted where a label is missing, the loss is the same and its gradient there is exactly 0."""
    outputs, targets = table
    missing = np.isnan(targets)
    results = []
    for values in (outputs, np.where(missing, np.float32(replacement), outputs)):
        leaf = torch.tensor(values, requires_grad=True)
        total, count = loss(leaf, torch.tensor(targets))
        total.backward()
        assert not leaf.grad.numpy()[missing].any()
        results.append((total.item(), count.item(), leaf.grad.tolist()))
    assert results[0] == results[1]
    alone = loss(torch.tensor(outputs[~missing]), torch.tensor(targets[~missing]))
    assert alone[0].item() == pytest.approx(results[0][0], rel=1e-5)


def test_no_labels_at_all():
    """Without rows, or with nothing but missing labels, the loss is 0 over 0 labels, with a gradient of 0."""
    for shape in ((0, 3), (2, 3)):
        outputs = torch.zeros(shape, requires_grad=True)
        total, count = masked_l1(outputs, torch.full(shape, torch.nan))
        total.backward()
        assert (total.item(), count.item()) == (0.0, 0)
        assert not outputs.grad.any()
