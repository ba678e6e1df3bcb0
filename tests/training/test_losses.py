"""Tests of losses: right by another implementation or by hand, and blind to what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from molmix_bench.specs.run import ClassLossSpec
from molmix_bench.training.losses import absolute_errors, binary_errors, class_errors, sum_present
from tests.strategies import losses_tables


def _masked(errors, outputs, targets):
    """Returns what a dense dataset's loss is: the sum over labels present, and their number."""
    targets = torch.as_tensor(targets)
    return sum_present(errors(torch.as_tensor(outputs), targets.nan_to_num()), targets.isnan())


@given(losses_tables())
def test_l1_is_the_sum_over_present_labels(table):
    """The sum and the count are those of a loop over the labels that are there."""
    outputs, targets = table
    total, count = _masked(absolute_errors, outputs, targets)
    errors = [abs(o - t) for o, t in zip(outputs.flat, targets.flat, strict=True) if not math.isnan(t)]
    assert count.item() == len(errors)
    assert total.item() == pytest.approx(sum(errors), rel=1e-5)


@given(losses_tables(binary=True))
def test_bce_is_scikit_learns(table):
    """The sum is scikit-learn's log loss of the present labels."""
    outputs, targets = table
    total, count = _masked(binary_errors, outputs, targets)
    present = ~np.isnan(targets)
    expected = 0.0
    if present.any():
        probabilities = 1 / (1 + np.exp(-outputs[present].astype(np.float64)))
        expected = log_loss(targets[present], probabilities, labels=[0, 1], normalize=False)
    assert count.item() == present.sum()
    assert total.item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("errors", [absolute_errors, binary_errors])
@given(table=losses_tables(binary=True), replacement=st.floats(-1e6, 1e6, width=32))
def test_missing_labels_have_no_influence(errors, table, replacement):
    """Whatever is predicted where a label is missing, the loss is the same and its gradient there is exactly 0."""
    outputs, targets = table
    missing = np.isnan(targets)
    results = []
    for values in (outputs, np.where(missing, np.float32(replacement), outputs)):
        leaf = torch.tensor(values, requires_grad=True)
        total, count = _masked(errors, leaf, targets)
        total.backward()
        assert not leaf.grad.numpy()[missing].any()
        results.append((total.item(), count.item(), leaf.grad.tolist()))
    assert results[0] == results[1]
    alone = _masked(errors, outputs[~missing], targets[~missing])
    assert alone[0].item() == pytest.approx(results[0][0], rel=1e-5)


def test_no_labels_at_all():
    """Without rows, or with nothing but missing labels, the loss is 0 over 0 labels, with a gradient of 0."""
    for shape in ((0, 3), (2, 3)):
        outputs = torch.zeros(shape, requires_grad=True)
        total, count = _masked(absolute_errors, outputs, torch.full(shape, torch.nan))
        total.backward()
        assert (total.item(), count.item()) == (0.0, 0)
        assert not outputs.grad.any()


def test_plain_cross_entropy_is_pytorchs():
    """With a share of 1, the loss of each class label is PyTorch's cross-entropy, whatever the other setting."""
    torch.manual_seed(0)
    logits, targets = torch.randn(7, 3, 5), torch.randint(5, (7, 3))
    expected = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").reshape(7, 3)
    for error in ("squared", "absolute"):
        found = class_errors(logits, targets.float(), ClassLossSpec(cross_entropy=1.0, error=error))
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("error", "distance"), [("squared", 0.36), ("absolute", 0.6)])
def test_hybrid_by_hand(error, distance):
    """Probabilities 0.2, 0.2, 0.6 have the expected class 1.4, 0.6 from class 2; a quarter of it is -ln 0.6."""
    logits = torch.tensor([[0.2, 0.2, 0.6]]).log() + 3  # a shift of all logits changes nothing
    found = class_errors(logits, torch.tensor([2.0]), ClassLossSpec(cross_entropy=0.25, error=error))
    assert found.item() == pytest.approx(0.25 * 0.5108256 + 0.75 * distance, rel=1e-5)


def test_hybrid_prefers_a_near_miss():
    """Of two predictions as unlikely to be right, the one nearer to the right class costs less; in plain CE none."""
    near, far = torch.tensor([[0.0, 5.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 0.0, 5.0]])
    target = torch.tensor([0.0])
    hybrid, plain = ClassLossSpec(), ClassLossSpec(cross_entropy=1.0)
    assert class_errors(near, target, hybrid) < 0.5 * class_errors(far, target, hybrid)
    torch.testing.assert_close(class_errors(near, target, plain), class_errors(far, target, plain))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_class_gradients_are_right_and_finite(share):
    """Gradients agree with finite differences in float64, and stay finite for logits of thousands."""
    torch.manual_seed(0)
    spec = ClassLossSpec(cross_entropy=share)
    logits = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([0.0, 1.0, 2.0, 1.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: class_errors(x, targets, spec), logits)
    extreme = torch.tensor([[5_000.0, 0.0, -5_000.0]], requires_grad=True)
    class_errors(extreme, torch.tensor([2.0]), spec).sum().backward()
    assert extreme.grad.isfinite().all()
