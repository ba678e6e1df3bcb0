"""How figures look: two themes, one size of type, and text from data that stays text."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from PIL import Image

from molmix_bench.cards.document import one_line
from molmix_bench.cards.palette import Theme

WIDTH = 8.0
"""Inches; at 100 dots an inch the 800 pixels at which a card shows a figure."""
DPI = 150
MAX_LABEL = 24
"""Signs of a label that comes from data."""
_FONT = "DejaVu Sans"
"""Comes with matplotlib, so that figures are the same everywhere."""
_NUM_COLOURS = 128
_ABSENT = "-"
_LINEAR_BELOW = 0.04045
"""Of sRGB's curve."""


@contextmanager
def themed(theme: Theme) -> Iterator[None]:
    """Sets matplotlib's defaults for the figures made inside, whatever the user's own settings are."""
    settings: dict[Any, Any] = {
        "font.family": _FONT,
        "font.size": 10,
        "axes.edgecolor": theme.line,
        "axes.labelcolor": theme.text,
        "axes.titlecolor": theme.text,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.facecolor": theme.page,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.formatter.use_mathtext": False,
        "figure.facecolor": theme.page,
        "text.color": theme.text,
        "text.parse_math": False,
        "xtick.color": theme.soft,
        "ytick.color": theme.soft,
        "xtick.labelcolor": theme.text,
        "ytick.labelcolor": theme.text,
        "legend.frameon": False,
    }
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(settings)
        yield


def new_figure(height: float, *, width: float = WIDTH) -> Figure:
    """Returns an empty figure, as wide as a card where not told otherwise, laid out without overlaps."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: Figure) -> bytes:
    """Returns a figure as PNG of a few colours, without a date or the name of a program in it."""
    raw, small = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", metadata={"Software": None})
    with Image.open(raw) as image:
        image.convert("RGB").quantize(_NUM_COLOURS).save(small, format="PNG", optimize=True)
    return small.getvalue()


def label(text: str) -> str:
    r"""Returns text from data as a label: one line, not too long, only signs that the font has.

    >>> label("a" * 40), label("logP\n$x$"), label("\U0001f4a9")
    ('aaaaaaaaaaaaaaaaaaaaaaa…', 'logP $x$', '?')
    """
    line = one_line(text)
    if len(line) > MAX_LABEL:
        line = line[: MAX_LABEL - 1] + "…"
    known = get_font(findfont(FontProperties(family=_FONT))).get_charmap()
    return "".join(sign if ord(sign) in known else "?" for sign in line)


def heat_map(theme: Theme) -> LinearSegmentedColormap:
    """Returns the colours of shares from 0 to 1."""
    return LinearSegmentedColormap.from_list("share", theme.heat)


def draw_shares(
    axes: Axes,
    shares: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    theme: Theme,
    *,
    write: Callable[[float], str],
) -> None:
    """Draws a matrix of shares, each cell with its number; NaN is a cell that does not exist.

    Shapes:
        shares: (rows, columns), from 0 to 1.
    """
    colours = heat_map(theme)
    axes.imshow(shares, cmap=colours, vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        absent = bool(np.isnan(share))
        colour = theme.soft if absent else _readable_on(colours(float(share))[:3])
        axes.text(column, row, _ABSENT if absent else write(float(share)), ha="center", va="center", color=colour)
    axes.set_xticks(np.arange(shares.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(shares.shape[0] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=theme.page, linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def _readable_on(background: tuple[float, ...]) -> str:
    """Returns black or white, whichever stands out more, by the WCAG's relative luminance."""
    linear = [value / 12.92 if value <= _LINEAR_BELOW else ((value + 0.055) / 1.055) ** 2.4 for value in background]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#ffffff"
