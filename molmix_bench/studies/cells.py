"""A cell of a study: one thing to train or measure, in a folder of its own that is named by what it is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from molmix_bench.metrics.cells import FloatArray
from molmix_bench.metrics.protocol import Aggregation
from molmix_bench.metrics.scores import Scores
from molmix_bench.specs.base import content_digest
from molmix_bench.studies.bench import Bench

Factor = str | int | float
Factors = Mapping[str, Factor]
"""What varies in a study, by column of its table: `{"num_datasets": 2, "num_molecules": 1000}`."""
_DIGEST = 16


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """One metric of a cell.

    Shapes:
        replicates: (R,), the same on resampled molecules; a standard error of the value is their standard deviation.
    """

    dataset: str
    metric: str
    direction: str
    primary: bool
    value: float
    replicates: FloatArray | None = None
    factors: dict[str, Factor] = field(default_factory=dict)
    """Beside those of the cell."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a cell has given."""

    scores: tuple[Score, ...]
    facts: dict[str, Factor] = field(default_factory=dict)
    """Further columns, such as `num_parameters`."""


class Cell(Protocol):
    """One thing to do; equal keys do the same."""

    @property
    def key(self) -> str:
        """The name of its folder: its kind and a digest of all that decides what it gives."""

    @property
    def label(self) -> str:
        """What is said of it while it runs."""

    @property
    def factors(self) -> Factors:
        """Its place in the study."""

    @property
    def seed(self) -> int:
        """Of the study."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the cells that it goes on from."""

    @property
    def work(self) -> float:
        """About how much there is to do: molecules that a network sees."""

    def measure(self, folder: Path, bench: Bench) -> Measured:
        """Does it, going on where it was interrupted.

        Raises:
            MolmixError: it cannot be done.
        """


def cell_key(kind: str, content: Mapping[str, Any]) -> str:
    """Returns the key of a cell of some kind, from all that decides what it gives.

    >>> cell_key("train", {"epochs": 3})
    'train-cc6325ab488e0c75'
    """
    return f"{kind}-{content_digest(content)[:_DIGEST]}"


def label_of(kind: str, factors: Factors, seed: int) -> str:
    """Returns what is said of a cell while it runs.

    >>> label_of("train", {"width": 96, "body": "qm9"}, 1)
    'train width=96 body=qm9 seed=1'
    """
    return " ".join([kind, *(f"{name}={value}" for name, value in factors.items()), f"seed={seed}"])


def macro_scores(scores: Scores, **factors: Factor) -> tuple[Score, ...]:
    """Returns the macros over scorable tasks, the primary ones with their replicates."""
    found = []
    for place, row in enumerate(scores.table.iter_rows(named=True)):
        if row["aggregation"] != str(Aggregation.MACRO) or row["value"] is None:
            continue
        replicates = None if scores.replicates is None or not row["primary"] else scores.replicates[place]
        found.append(
            Score(
                row["dataset"], row["metric"], row["direction"], row["primary"], row["value"], replicates, dict(factors)
            )
        )
    return tuple(found)
