"""Tests of figures: drawn for both themes, the same every time, with any text from data, and legible."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from molmix_bench.cards.document import percent
from molmix_bench.cards.facts import gather
from molmix_bench.cards.matrices import draw_density
from molmix_bench.cards.palette import DARK, LIGHT
from molmix_bench.cards.theme import draw_shares, label, new_figure, themed, to_png
from tests.cards.conftest import figures_of


@pytest.fixture(scope="module")
def figures(carded):
    """Returns the figures of the mix of four datasets."""
    return figures_of(carded)


def test_both_themes(figures):
    """Every figure is as wide as a card at one and a half dots a pixel, on the theme's own background."""
    assert list(figures) == ["density", "overlap", "leakage", "labels", "sizes", "space"]
    for pair in figures.values():
        for data, theme in zip(pair, (LIGHT, DARK), strict=True):
            with Image.open(io.BytesIO(data)) as image:
                assert image.width == 1200
                colours = image.convert("RGB").getcolors(1 << 20)
                corner = np.array(image.convert("RGB").getpixel((1199, 0)))
            page = tuple(int(theme.page[at : at + 2], 16) for at in (1, 3, 5))
            assert np.abs(corner - page).max() <= 2
            assert len(colours) > 10
            assert b"Software" not in data


def test_the_users_settings_do_not_matter(carded, figures):
    """Another font size and style in the user's matplotlib change nothing, and stay as they were."""
    with mpl.rc_context({"font.size": 30, "figure.facecolor": "red", "axes.grid": True}):
        with themed(LIGHT):
            again = to_png(draw_density(carded, gather(carded), LIGHT))
        assert mpl.rcParams["font.size"] == 30
    assert again == figures["density"][0]


def test_text_from_data_is_text():
    """Dollars, signs without a glyph and very long names draw without a warning, which would be an error here."""
    with themed(LIGHT):
        figure = new_figure(2)
        figure.subplots().set_title(label("$\\frac{$ \u4e2d\U0001f4a9\n" + "x" * 500))
        assert to_png(figure)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_numbers_stand_out(theme):
    """On every share's colour the number has a contrast of at least 4.5, as the WCAG ask."""
    shares = np.linspace(0, 1, 101)[None, :]
    with themed(theme):
        axes = new_figure(2).subplots()
        draw_shares(axes, shares, theme, write=percent)
        colours = axes.images[0].cmap(shares[0])[:, :3]
        ratios = [
            _contrast(cell, mpl.colors.to_rgb(text.get_color())) for cell, text in zip(colours, axes.texts, strict=True)
        ]
    assert min(ratios) >= 4.5


def _contrast(one, other):
    """Returns the WCAG's contrast ratio of two colours."""
    light = []
    for colour in (one, other):
        linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in colour]
        light.append(np.dot(linear, [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(light) / min(light)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_labels_stand_out(theme):
    """Text has a contrast of at least 4.5 with the page, and series one of 3, as the WCAG ask of drawings."""
    page = mpl.colors.to_rgb(theme.page)
    assert all(_contrast(mpl.colors.to_rgb(colour), page) >= 4.5 for colour in (theme.text, theme.soft))
    weak = [colour for colour in theme.series if _contrast(mpl.colors.to_rgb(colour), page) < 3]
    assert weak == []
