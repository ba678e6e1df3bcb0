"""Tests of errors against size and label density."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from molmix_bench.reports.trends import MAX_BINS, bin_edges, binned, trend_figures


def test_bins_by_hand():
    """Means, standard errors of them, and counts; of a bin of one molecule there is no standard error."""
    values = np.array([1, 1, 1, 5])
    middle, mean, spread, count = binned(values, np.array([1.0, 2.0, 3.0, 7.0]))
    assert middle.tolist() == [1, 5]
    assert mean.tolist() == [2, 7]
    assert spread[0] == pytest.approx(1 / np.sqrt(3))
    assert np.isnan(spread[1])
    assert count.tolist() == [3, 1]


@pytest.mark.parametrize("top", [5, 40, 10_000])
def test_bins_hold_every_molecule(top):
    """Whatever the values: at most twelve bins, none empty, the mean over bins that over molecules."""
    rng = np.random.default_rng(top)
    values = rng.integers(1, top + 1, size=3000) ** 2
    errors = rng.uniform(size=3000)
    _, mean, _, count = binned(values, errors)
    assert len(bin_edges(values)) == len(count) <= MAX_BINS
    assert count.min() > 0
    assert count.sum() == 3000
    assert (mean * count).sum() == pytest.approx(errors.sum())


def test_panels(diagnoses, drawn):
    """Both for sparse labels, from the molecules that have any; one alone where all have as many labels."""
    found = diagnoses["panel"]
    assert len(trend_figures(found, drawn, colour=0)) == 2
    sizes = drawn.figures[0].axes[0].get_lines()[0].get_xdata()
    labelled = found.num_atoms[found.num_labels > 0]
    assert (sizes[0], sizes[-1]) == (labelled.min(), labelled.max())
    assert sum(bar.get_height() for bar in drawn.figures[0].axes[1].patches) == len(labelled)
    dense = replace(found, rows=np.arange(5), errors=np.ones(5), labels=np.ones(5), tasks=np.zeros(5, np.int64))
    assert len(trend_figures(dense, drawn, colour=0)) == 1
