"""Tests of predictions against labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from molmix_bench.reports.bars import task_scores
from molmix_bench.reports.parity import parity_figures
from molmix_bench.reports.read import read_run


def test_a_panel_for_each_of_few_tasks(diagnoses, trained, drawn):
    """Every label of the task with every seed's prediction, in the task's unit."""
    found = diagnoses["energies"]
    scores = task_scores(read_run(trained).means(), dataset="energies", split="test")
    assert len(parity_figures(found, scores, drawn, colour=0)) == 2
    place = found.dataset.tasks.index(scores["task"][0])
    at = found.tasks == place
    points = drawn.figures[0].axes[0].collections[0].get_offsets()
    assert len(points) == 2 * at.sum()
    assert np.allclose(points[:, 0], np.tile(found.labels[at], 2))
    assert np.allclose(points[:, 1], found.predictions[:, at].ravel())


@pytest.fixture
def many(diagnoses):
    """A diagnosis of six tasks of a thousand labels each, one prediction far off, and its scores."""
    import polars as pl

    found = diagnoses["energies"]
    rng = np.random.default_rng(0)
    names = tuple("abcdef")
    labels = rng.normal(size=6000)
    predictions = np.stack([labels, labels])
    predictions[0, 17] = 1e6
    dataset = replace(found.dataset, tasks=names)
    units = (None,) * 6
    reference = replace(found.reference, tasks=names, units=units, train_mean=np.zeros(6), train_std=np.ones(6))
    many = replace(
        found,
        dataset=dataset,
        reference=reference,
        tasks=np.repeat(np.arange(6), 1000),
        labels=labels,
        predictions=predictions,
    )
    return many, pl.DataFrame({"task": names, "value": np.arange(6.0), "metric": "mae_standardised"})


def test_many_tasks_are_pooled(many, drawn):
    """All in standard deviations, then the best, the median and the worst."""
    words = parity_figures(*many, drawn, colour=1)
    assert words[0] == "Predictions against labels, all 6 scorable tasks"
    titles = [figure.axes[0].get_title(loc="left").partition("\n")[0] for figure in drawn.figures[1:]]
    assert titles == ["a, the best", "d, the median", "f, the worst"]


def test_what_is_far_off_is_counted(many, drawn):
    """Points beyond the window are drawn at its edge, and the axis says how many; no point is lost from the counts."""
    parity_figures(*many, drawn, colour=1)
    axes = drawn.figures[0].axes[0]
    low, high = axes.get_xlim()
    labels, predictions = many[0].labels, many[0].predictions
    beyond = sum(((labels < low) | (labels > high) | (row < low) | (row > high)).sum() for row in predictions)
    assert f"{beyond:,} of 12,000 beyond" in axes.get_xlabel()
    assert 0 < beyond < 100
    assert axes.images[0].get_array().sum() == 12_000


def test_constant_labels_and_predictions_draw(many, drawn):
    """An axis of no width is widened."""
    found, scores = many
    flat = replace(found, labels=np.zeros(6000), predictions=np.zeros((1, 6000)))
    parity_figures(flat, scores, drawn, colour=0)
    assert drawn.figures[0].axes[0].get_xlim() == (-1.0, 1.0)
