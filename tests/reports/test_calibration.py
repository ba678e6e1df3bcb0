"""Tests of reliability and of the table of mistakes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from molmix_bench.reports.calibration import calibration_figures, reliability


def test_reliability_is_scikit_learns():
    """Mean probability and share of each filled bin; counts add up to the labels."""
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=500) ** 2
    labels = (rng.uniform(size=500) < probability).astype(float)
    mean, share, count = reliability(probability[None], labels)
    expected_share, expected_mean = calibration_curve(labels, probability, n_bins=10)
    assert np.allclose(mean[count > 0], expected_mean)
    assert np.allclose(share[count > 0], expected_share)
    assert count.sum() == 500


def test_seeds_count_alike():
    """Counts are means over seeds; probabilities of 0 and 1 are in the first and the last bin."""
    mean, share, count = reliability(np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([0.0, 1.0]))
    assert count[[0, 9]].tolist() == [1.5, 0.5]
    assert share[[0, 9]].tolist() == pytest.approx([1 / 3, 1.0])
    assert mean[[0, 9]].tolist() == [0.0, 1.0]


def test_binary_panel(diagnoses, drawn):
    """The calibration error in the title is that of the bins, and the bars hold all labels."""
    found = diagnoses["panel"]
    calibration_figures(found, drawn, colour=0)
    (figure,) = drawn.figures
    mean, share, count = reliability(found.predictions, found.labels)
    error = np.nansum(count * np.abs(share - mean)) / count.sum()
    assert f"calibration error {error:.3f}" in figure.axes[0].get_title(loc="left")
    assert sum(bar.get_height() for bar in figure.axes[1].patches) == pytest.approx(len(found.labels))


def test_mistakes_by_hand(diagnoses, drawn):
    """Rows are labels, columns what is likeliest; a class without labels has no shares."""
    found = diagnoses["grades"]
    predictions = np.zeros((1, 4, 4))
    predictions[0, [0, 1, 2, 3], [0, 1, 1, 3]] = 1
    calibration_figures(replace(found, labels=np.array([0.0, 0, 1, 3]), predictions=predictions), drawn, colour=0)
    texts = [text.get_text() for text in drawn.figures[1].axes[0].texts]
    assert texts == ["50", "50", "0", "0", "0", "100", "0", "0", "-", "-", "-", "-", "0", "0", "0", "100"]
    names = [text.get_text() for text in drawn.figures[1].axes[0].get_yticklabels()]
    assert names == ["0 (2)", "1 (1)", "2 (0)", "3 (1)"]
