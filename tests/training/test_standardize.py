"""Tests of label standardisation."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler

from molmix_bench.training.standardize import Standardizer

CPU = torch.device("cpu")


def test_equals_scikit_learn():
    """With the statistics of the labels at hand, the result is that of scikit-learn's StandardScaler, NaN included."""
    labels = np.random.default_rng(0).normal([3, -1_000, 0.1], [1, 300, 1e-4], size=(50, 3))
    labels[::7, 1] = np.nan
    scaler = StandardScaler().fit(labels)
    standardizer = Standardizer.of(scaler.mean_, scaler.scale_, device=CPU)
    expected = scaler.transform(labels).astype(np.float32)
    np.testing.assert_array_equal(standardizer.standardize(torch.tensor(labels)).numpy(), expected)


def test_keeps_the_digits_of_total_energies():
    """Energies that differ in the sixth decimal are told apart, where float32 gives one number for both."""
    energies = torch.tensor([[-411.000001], [-411.000002]], dtype=torch.float64)
    assert energies.float()[0] == energies.float()[1]
    outputs = Standardizer.of([-411.0], [1e-6], device=CPU).standardize(energies)
    torch.testing.assert_close(outputs, torch.tensor([[-1.0], [-2.0]]), atol=1e-4, rtol=0)


def test_restore_is_the_inverse():
    """Standardised labels come back as they were, to float32's precision of the standardised value."""
    labels = torch.tensor([[-411.25, 7.0], [-380.5, 9.0]], dtype=torch.float64)
    standardizer = Standardizer.of([-400.0, 8.0], [10.0, 0.5], device=CPU)
    back = standardizer.restore(standardizer.standardize(labels))
    assert back.dtype is torch.float64
    torch.testing.assert_close(back, labels, atol=1e-5, rtol=0)
