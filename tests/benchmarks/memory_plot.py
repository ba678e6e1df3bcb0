"""The plot of peak memory against the number of molecules, as SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl

from molmix_bench.cards.palette import LIGHT
from molmix_bench.cards.theme import new_figure, themed

BUDGET_MIB = 4_096
_HEIGHT = 4.0
_LINES = {"largest_process_rss_mib": ("-", "largest process, RSS"), "all_processes_pss_mib": ("--", "all, PSS")}


def draw_memory(results: Sequence[dict[str, Any]]) -> bytes:
    """Returns the SVG of what `memory` measured; the same bytes for the same numbers.

    Raises:
        ValueError: nothing was measured.
    """
    if not results:
        raise ValueError("nothing was measured")
    stages = {(item["stage"], item["shuffle"]): None for item in results}
    with themed(LIGHT), mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "memory"}):
        figure = new_figure(_HEIGHT)
        axes = figure.subplots()
        for (stage, shuffle), colour in zip(stages, LIGHT.series, strict=False):
            own = sorted((item for item in results if item["stage"] == stage and item["shuffle"] == shuffle), key=_size)
            name = stage if shuffle is None else f"{stage}, shuffle: {shuffle}"
            for key, (style, title) in _LINES.items():
                gib = [item[key] / 1_024 for item in own]
                axes.plot([_size(item) for item in own], gib, style, color=colour, marker="o", label=f"{name}: {title}")
        axes.axhline(BUDGET_MIB / 1_024, color=LIGHT.soft, linestyle=":", label="budget")
        sizes = sorted({_size(item) for item in results})
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.set_ylim(bottom=0)
        axes.grid(color=LIGHT.line, linewidth=0.5)
        axes.set_xlabel("molecules")
        axes.set_title("peak memory in GiB, data of LargeMix's shape, 2 workers")
        figure.legend(loc="outside lower center", ncols=2)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _size(item: dict[str, Any]) -> int:
    return item["molecules"]
