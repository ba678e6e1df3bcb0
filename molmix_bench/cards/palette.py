"""Colours, for figures and pages alike: two themes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a figure.

    Attributes:
        series: for datasets, in turn: near Okabe and Ito's palette, which the colour-blind tell apart too, each with a
            contrast of 3 to the page.
        heat: from no share to all.
    """

    page: str
    text: str
    soft: str
    line: str
    series: tuple[str, ...]
    heat: tuple[str, str, str]


LIGHT = Theme(
    page="#ffffff",
    text="#1f2328",
    soft="#59636e",
    line="#d1d9e0",
    series=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#3590c9"),
    heat=("#f3f6fa", "#5b9bd1", "#08306b"),
)
DARK = Theme(
    page="#0d1117",
    text="#e6edf3",
    soft="#9198a1",
    line="#3d444d",
    series=("#58a6ff", "#ff8f40", "#2ecc9b", "#e79bc8", "#e3c341", "#9fd8f7"),
    heat=("#161d27", "#2f6fb0", "#b9dcff"),
)
