"""Tests of the curves of a training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from molmix_bench.reports.curves import training_figures
from molmix_bench.reports.read import read_run


def _lines(figure):
    return [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) > 1]


def test_each_seed_has_its_line(trained, drawn):
    """Losses of five datasets, a metric for each, the rule of choice, the rate: what the journals hold."""
    ran = read_run(trained)
    assert len(training_figures(ran, drawn)) == 1 + 5 + 1 + 1
    losses = _lines(drawn.figures[0])
    assert len(losses) == 5 * 2
    assert losses[1].get_ydata().tolist() == [record.losses["energies"] for record in ran.records[4]]
    validation = _lines(drawn.figures[1])
    expected = [record.validation["energies"]["mae_standardised"] for record in ran.records[0]]
    assert validation[0].get_ydata().tolist() == expected
    assert len(_lines(drawn.figures[-1])) == 1


def test_many_datasets_are_told_apart(trained, drawn):
    """Eight datasets have eight looks, the same in each panel, and the legend lies below the axes."""
    ran = read_run(trained)
    names = [f"a-dataset-of-a-long-name-{number}" for number in range(8)]
    first = ran.origin.targets[0]
    targets = tuple(first.model_copy(update={"dataset": name}) for name in names)
    record = ran.records[0][0]
    found = record.validation[first.dataset]
    many = record.model_copy(update={"losses": dict.fromkeys(names, 1.0), "validation": dict.fromkeys(names, found)})
    records = (many, many.model_copy(update={"epoch": 2}))
    origin = ran.origin.model_copy(update={"targets": targets})
    training_figures(replace(ran, origin=origin, records={0: records}), drawn)
    looks = [(line.get_color(), line.get_linestyle()) for line in _lines(drawn.figures[0])]
    assert len(set(looks)) == 8
    assert looks == [(line.get_color(), line.get_linestyle()) for one in drawn.figures[1:9] for line in _lines(one)]
    (legend,) = drawn.figures[0].legends
    box = legend.get_window_extent()
    assert not box.overlaps(drawn.figures[0].axes[0].get_tightbbox())
    assert box.x0 >= 0
    assert box.x1 <= drawn.figures[0].bbox.x1


def test_the_epoch_that_predicts_is_ringed(trained, drawn):
    """Once for each seed, at the epoch that the result names."""
    ran = read_run(trained)
    training_figures(ran, drawn)
    rings = [line for line in drawn.figures[-2].axes[0].get_lines() if line.get_markerfacecolor() == "none"]
    assert [line.get_xdata().tolist() for line in rings] == [[item.epoch] for item in ran.result.seeds]


def test_a_fitted_model_has_none(fitted, drawn):
    """There is nothing to draw."""
    assert training_figures(read_run(fitted), drawn) == []


def test_absent_values_leave_gaps(trained, drawn):
    """A dataset without a validation score has no panel; one epoch alone draws; large ranges get a logarithmic axis."""
    ran = read_run(trained)
    record = ran.records[0][0]
    validation = {name: dict.fromkeys(found) for name, found in record.validation.items()}
    one = record.model_copy(update={"validation": validation, "selection": None})
    ran = replace(ran, records={0: (one,), 4: ()})
    assert len(training_figures(ran, drawn)) == 2
    steep = [one.model_copy(update={"epoch": epoch, "losses": {"energies": 10.0**-epoch}}) for epoch in (1, 2, 3)]
    training_figures(replace(ran, records={0: tuple(steep)}), drawn)
    axes = drawn.figures[2].axes[0]
    assert axes.get_yscale() == "log"
    assert np.allclose(axes.get_lines()[0].get_ydata(), [0.1, 0.01, 0.001])
