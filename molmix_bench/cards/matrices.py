"""Figures of shares: label density, molecules in common, leakage."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from molmix_bench.cards.document import percent
from molmix_bench.cards.facts import Facts
from molmix_bench.cards.palette import Theme
from molmix_bench.cards.theme import draw_shares, label, new_figure
from molmix_bench.mix import Mix
from molmix_bench.validate.leakage import IDENTITIES
from molmix_bench.vocab import SPLITS

_MAX_LEVEL_NAMES = 4
"""Names that fit beside each other under a matrix."""
_ROW, _LOW_ROW, _EDGE = 0.36, 0.24, 0.9
"""Inches of a matrix's row, of one where there are many, and of what stands around a matrix."""


def draw_density(mix: Mix, facts: Facts, theme: Theme) -> Figure:
    """Returns the share of labelled cells, dataset by split."""
    splits = [split for split in SPLITS if split in mix.splits]
    shares = np.array([[facts.density[name].get(split, np.nan) for split in splits] for name in mix.datasets])
    figure = new_figure(_EDGE + _ROW * len(shares))
    axes = figure.subplots()
    draw_shares(axes, shares, theme, write=percent)
    axes.set_xticks(range(len(splits)), [str(split) for split in splits])
    axes.set_yticks(range(len(shares)), [label(name) for name in mix.datasets])
    axes.set_title("% of cells that hold a label")
    return figure


def draw_overlap(mix: Mix, facts: Facts, theme: Theme) -> Figure:
    """Returns which share of each dataset's molecules is in each other dataset."""
    shares = facts.shared / np.maximum(np.diag(facts.shared), 1)[:, None]
    np.fill_diagonal(shares, np.nan)
    figure = new_figure(_EDGE + 0.3 + _ROW * len(shares))
    axes = figure.subplots()
    draw_shares(axes, shares, theme, write=percent)
    names = [label(name) for name in mix.datasets]
    turned = len(names) > _MAX_LEVEL_NAMES
    axes.set_xticks(range(len(names)), names, rotation=30 * turned, ha="right" if turned else "center")
    axes.set_yticks(range(len(names)), names)
    axes.set_title("% of the row's molecules that are in the column's dataset too")
    return figure


def draw_leakage(_mix: Mix, facts: Facts, theme: Theme) -> Figure:
    """Returns, for each identity, the share of each held-out split that each dataset's train split knows."""
    held_out = list(facts.leakage.select("dataset", "split").unique(maintain_order=True).iter_rows())
    trains = list(facts.leakage["train_dataset"].unique(maintain_order=True))
    if beside := len(trains) <= _MAX_LEVEL_NAMES:
        figure = new_figure(_EDGE + 0.9 + _ROW * len(held_out))
        panels = figure.subplots(1, len(IDENTITIES), sharey=True)
    else:
        figure = new_figure(len(IDENTITIES) * (0.4 + _LOW_ROW * len(held_out)) + 1.5)
        panels = figure.subplots(len(IDENTITIES), 1, sharex=True)
    for axes, identity in zip(panels, IDENTITIES, strict=True):
        rows = facts.leakage.filter(pl.col("identity") == identity)
        share = {
            (row["dataset"], row["split"], row["train_dataset"]): row["shared"] / row["molecules"]
            for row in rows.iter_rows(named=True)
        }
        shares = np.array([[share[name, split, train] for train in trains] for name, split in held_out])
        draw_shares(axes, shares, theme, write=percent)
        axes.set_xticks(range(len(trains)), [label(name) for name in trains], rotation=45, ha="right")
        axes.set_title(f"same {identity}")
        if axes is panels[0] or not beside:
            axes.set_yticks(range(len(held_out)), [f"{label(name)}, {split}" for name, split in held_out])
    figure.supxlabel("% known from the train split of", color=theme.text, fontsize=10)
    return figure
