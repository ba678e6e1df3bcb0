"""The figures of a card, each for light and for dark pages."""

from __future__ import annotations

from molmix_bench.cards.facts import Facts
from molmix_bench.cards.matrices import draw_density, draw_leakage, draw_overlap
from molmix_bench.cards.palette import DARK, LIGHT
from molmix_bench.cards.plots import draw_labels, draw_sizes, draw_space
from molmix_bench.cards.theme import themed, to_png
from molmix_bench.mix import Mix

_DRAW = {
    "density": draw_density,
    "overlap": draw_overlap,
    "leakage": draw_leakage,
    "labels": draw_labels,
    "sizes": draw_sizes,
    "space": draw_space,
}


def draw_figures(mix: Mix, facts: Facts) -> dict[str, tuple[bytes, bytes]]:
    """Returns the PNG of each figure, for light and for dark pages; without those that would show nothing."""
    empty = {"overlap": len(mix.datasets) == 1, "leakage": facts.leakage.is_empty()}
    drawn = {}
    for name, draw in _DRAW.items():
        if not empty.get(name):
            pair = []
            for theme in (LIGHT, DARK):
                with themed(theme):
                    pair.append(to_png(draw(mix, facts, theme)))
            drawn[name] = (pair[0], pair[1])
    return drawn
