"""What the code of each kind of study gives: cells to do, and from their scores claims, figures and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from molmix_bench.cards.document import Image, Table
from molmix_bench.studies.cells import Cell
from molmix_bench.studies.judge import Claim


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The cells of a study.

    Attributes:
        cells: each after those that it needs.
        notes: what is left out, and why.
    """

    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A part of the report.

    Attributes:
        title: what is asked.
        claims: what can be said.
        images: figures.
        tables: numbers, by caption.
    """

    title: str
    claims: Sequence[Claim] = ()
    images: Sequence[Image] = ()
    tables: Sequence[tuple[str, Table]] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a study has come to."""

    question: str
    how: str
    sections: Sequence[Section]
    caveats: Sequence[str] = field(default=())

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Of all sections."""
        return tuple(claim for section in self.sections for claim in section.claims)
