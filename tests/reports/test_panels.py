"""Tests of what all panels share."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy.stats import binomtest

from molmix_bench.cards.palette import LIGHT
from molmix_bench.cards.theme import themed
from molmix_bench.reports.panels import PANEL_PIXELS, Figures, panel, panel_with_counts, share_interval, write_plainly


def test_figures_are_drawn_for_both_themes():
    """Two different pictures, half again as many pixels as they are shown with, under names that differ."""
    figures = Figures()
    first = figures.add(lambda _: panel("a")[0], "one")
    second = figures.add(lambda _: panel_with_counts("b")[0], "two")
    assert (first.description, first.width, second.description) == ("one", PANEL_PIXELS, "two")
    assert len({first.name, second.name}) == len(figures.drawn) == 2
    light, dark = figures.drawn[first.name]
    assert light != dark
    with Image.open(io.BytesIO(light)) as image:
        assert image.width == PANEL_PIXELS * 1.5


def test_intervals_are_wilsons():
    """As SciPy's, among them shares of 0 and 1."""
    hits, counts = np.array([0.0, 3, 10, 45]), np.array([7.0, 10, 10, 100])
    low, high = share_interval(hits / counts, counts)
    for at, (some, of) in enumerate(zip(hits, counts, strict=True)):
        expected = binomtest(int(some), int(of)).proportion_ci(method="wilson")
        assert np.allclose((low[at], high[at]), (expected.low, expected.high), atol=1e-12)


def test_logarithms_are_written_plainly():
    """Figures set no mathematics, so that names of data stay text; powers of ten must not need it."""
    with themed(LIGHT):
        figure, axes = panel("x")
        axes.plot([1, 2], [1, 1000])
        axes.set_yscale("log")
        write_plainly(axes.yaxis)
        figure.canvas.draw()
        texts = {text.get_text() for text in axes.get_yticklabels()}
    assert {"1", "10", "1000"} <= texts
    assert not any("$" in text for text in texts)
