"""How rows stood before and after something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leaderboard.site.records import Move
from molmix_bench.metrics.rank import rank
from molmix_bench.metrics.scores import Scores

_Place = tuple[str, str, str, str]
"""Model, dataset, split, metric."""


def moves_between(before: Mapping[str, Scores], after: Mapping[str, Scores], models: Mapping[str, str]) -> list[Move]:
    """Returns how the rows of one mix moved; those that stand as they did are left out.

    Args:
        before: of each row's name, its macros with their replicates.
        after: the same.
        models: of each row's name, the model's.
    """
    old, new = _standing(before), _standing(after)
    moves = []
    for place in sorted(old.keys() | new.keys()):
        name, dataset, split, metric = place
        was, now = old.get(place, (None, None)), new.get(place, (None, None))
        if was != now:
            move = Move(
                entry=name,
                model=models[name],
                dataset=dataset,
                split=split,
                metric=metric,
                before=was[0],
                after=now[0],
                rank_before=was[1],
                rank_after=now[1],
            )
            moves.append(move)
    return moves


def _standing(macros: Mapping[str, Scores]) -> dict[_Place, tuple[float | None, int | None]]:
    """Returns value and rank of each row in each table."""
    rows: list[dict[str, Any]] = rank(macros).to_dicts()
    return {(row["model"], row["dataset"], row["split"], row["metric"]): (row["mean"], row["rank"]) for row in rows}
