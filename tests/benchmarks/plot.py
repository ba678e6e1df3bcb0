"""The plot of throughput against the size of batches, as SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib as mpl

from molmix_bench.cards.palette import LIGHT
from molmix_bench.cards.theme import new_figure, themed
from tests.benchmarks.turns import Record

_HEIGHT = 4.0
_SIDES = {"ours": "molmix-bench", "peer": "PyG DataLoader"}
_STYLES = ("-", "--", ":", "-.")
"""Of features, in turn; colours are of sides."""


def draw_throughput(records: Sequence[Record]) -> bytes:
    """Returns the SVG of the records that `throughput` made; the same bytes for the same numbers.

    Args:
        records: others may be among them.

    Raises:
        ValueError: none is of throughput.
    """
    points = [record for record in records if "batch_size" in record]
    if not points:
        raise ValueError("no record has a batch_size: measure the part `throughput`")
    kinds = list(dict.fromkeys(str(point["features"]) for point in points))
    # Text as outlines needs no font where it is shown; ids are made of the salt, not at random.
    with themed(LIGHT), mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "throughput"}):
        figure = new_figure(_HEIGHT)
        axes = figure.subplots()
        for (side, title), colour in zip(_SIDES.items(), LIGHT.series, strict=False):
            for kind, style in zip(kinds, _STYLES, strict=False):
                own = sorted((point["batch_size"], point[side]) for point in points if point["features"] == kind)
                sizes, speeds = zip(*own, strict=True)
                axes.plot(sizes, speeds, style, color=colour, marker="o", markersize=4, label=f"{title}, {kind}")
        sizes = sorted({int(point["batch_size"]) for point in points})
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(color=LIGHT.line, linewidth=0.5)
        axes.set_xlabel("molecules per batch")
        axes.set_title("molecules per second, one process, shuffled, labels of three datasets")
        figure.legend(loc="outside lower center", ncols=2)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()
