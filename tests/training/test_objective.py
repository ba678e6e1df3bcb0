"""Tests of what heads are trained for."""

from __future__ import annotations

import pytest
import torch

from molmix_bench.training.objective import Objective
from tests.models.small import ASSAYS, PROPS

CPU = torch.device("cpu")


def test_regression_is_learnt_standardised_and_predicted_in_units():
    """With mean 1, std 2 and mean -40, std 0.5: |0.5 - 1| + |-2 - (-1)| by hand; predictions are float64."""
    objective = Objective.of(PROPS, device=CPU)
    outputs = torch.tensor([[0.5, -2.0], [9.0, 9.0]])
    values = torch.tensor([[3.0, -40.5], [torch.nan, torch.nan]], dtype=torch.float64)
    total, count = objective.loss(outputs, values)
    assert (total.item(), count.item()) == (1.5, 2)
    predictions = objective.predictions(outputs)
    assert predictions.tolist() == [[2.0, -41.0], [19.0, -35.5]]
    assert predictions.dtype is torch.float64


def test_float32_labels_are_predicted_in_float32():
    """Where labels are float32, more digits would only be noise."""
    objective = Objective.of(PROPS.model_copy(update={"dtype": "float32"}), device=CPU)
    assert objective.predictions(torch.zeros(1, 2)).dtype is torch.float32


def test_binary_is_learnt_from_logits_and_predicted_as_probability():
    """A logit of 0 costs ln 2 either way and is a probability of 1/2."""
    objective = Objective.of(ASSAYS, device=CPU)
    total, count = objective.loss(torch.zeros(1, 3), torch.tensor([[0.0, 1.0, torch.nan]]))
    assert total.item() == pytest.approx(2 * 0.6931472)
    assert count.item() == 2
    assert objective.predictions(torch.zeros(1, 3)).tolist() == [[0.5, 0.5, 0.5]]
