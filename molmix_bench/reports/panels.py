"""Figures of a report: half as wide as the page, so that two stand beside each other and one fills a telephone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from molmix_bench.cards.document import Image
from molmix_bench.cards.palette import DARK, LIGHT, Theme
from molmix_bench.cards.theme import new_figure, themed, to_png
from molmix_bench.metrics.cells import FloatArray

PANEL_INCHES = 4.24
PANEL_PIXELS = 424
"""At which a panel is shown: 100 to an inch."""
HEIGHT = 3.1
Z = 1.959963984540054
"""Standard deviations of a normal distribution that hold 95 % of it."""

Draw = Callable[[Theme], Figure]


class Figures:
    """The figures of a page, drawn as they are added, each for light and for dark."""

    def __init__(self) -> None:
        self.drawn: dict[str, tuple[bytes, bytes]] = {}

    def add(self, draw: Draw, description: str) -> Image:
        """Draws a figure for both themes, and returns the block that shows it."""
        pair = []
        for theme in (LIGHT, DARK):
            with themed(theme):
                pair.append(to_png(draw(theme)))
        return self.keep((pair[0], pair[1]), description, width=PANEL_PIXELS)

    def keep(self, pair: tuple[bytes, bytes], description: str, *, width: int) -> Image:
        """Takes a figure that is drawn, PNG or SVG for light and for dark, and returns the block that shows it."""
        name = str(len(self.drawn))
        self.drawn[name] = pair
        return Image(name, description, width)


def panel(title: str, *, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """Returns a figure of one set of axes."""
    figure = new_figure(height, width=PANEL_INCHES)
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


def panel_with_counts(title: str, *, height: float = HEIGHT) -> tuple[Figure, Axes, Axes]:
    """Returns a figure of two sets of axes that share their x: the upper for values, the lower for counts."""
    figure = new_figure(height, width=PANEL_INCHES)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.set_title(title)
    return figure, upper, lower


def write_plainly(axis: Axis) -> None:
    """Makes a logarithmic axis write 100 and 0.01: powers of ten are mathematics, which figures do not set."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def share_interval(share: FloatArray, count: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Returns the ends of Wilson's 95 % intervals of shares observed in so many independent trials.

    J. Am. Stat. Assoc. 1927, 22, 209.

    >>> low, high = share_interval(np.array([0.5]), np.array([100.0]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.404], [0.596])
    """
    middle = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z / (1 + Z**2 / count) * np.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    return middle - half, middle + half
