"""Tables of the levels of a study: mean, spread over seeds and interval of each."""

from __future__ import annotations

from collections.abc import Sequence

from molmix_bench.cards.document import Table
from molmix_bench.reports.numbers import interval, number
from molmix_bench.studies.judge import spread
from molmix_bench.studies.results import Sample

_NUMBERS = ("mean", "std over seeds", "95 % interval", "seeds")


def level_table(heads: Sequence[str], rows: Sequence[tuple[Sequence[str], Sample]]) -> Table:
    """Returns a table of levels.

    Args:
        heads: titles of the columns that say which level a row is.
        rows: their cells, and what the level gave.
    """
    cells = []
    for names, sample in rows:
        ends = spread(sample).interval() or (None, None)
        numbers = (number(sample.mean), number(sample.std), interval(*ends), str(len(sample.seeds)))
        cells.append([*names, *numbers])
    return Table([*heads, *_NUMBERS], cells, frozenset(_NUMBERS))
