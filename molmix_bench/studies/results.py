"""The scores of all cells of a study: as one tidy table, and as samples over seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from molmix_bench.metrics.cells import FloatArray
from molmix_bench.studies.cells import Factor, Score
from molmix_bench.studies.engine import Done


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One primary score of one cell."""

    factors: dict[str, Factor]
    seed: int
    score: Score
    facts: dict[str, Factor]
    """Further facts of the cell, and its costs as far as they are known."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One level of a study on one dataset: what its seeds gave.

    Shapes:
        values: (n,), by seed.
        replicates: (R,), of their mean; None where nothing was resampled.
    """

    name: str
    seeds: tuple[int, ...]
    values: FloatArray
    replicates: FloatArray | None
    direction: str
    metric: str

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(self.values.mean())

    @property
    def std(self) -> float | None:
        """Over seeds, ddof=1; None for one."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else None


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Some scores of a study."""

    records: tuple[Record, ...]

    @classmethod
    def of(cls, done: Iterable[Done]) -> Results:
        """Returns the primary scores of finished cells."""
        return cls(
            tuple(
                Record({**item.cell.factors, **score.factors}, item.cell.seed, score, _facts(item))
                for item in done
                for score in item.found.scores
                if score.primary
            )
        )

    def where(self, **factors: Factor) -> Results:
        """Returns those at some place: of a dataset, by `dataset`, and of factors."""
        return Results(tuple(item for item in self.records if _is_at(item, factors)))

    def levels(self, factor: str) -> tuple[Any, ...]:
        """Returns the values of a factor, in the order in which they first come."""
        return tuple(dict.fromkeys(item.factors[factor] for item in self.records if factor in item.factors))

    @property
    def datasets(self) -> tuple[str, ...]:
        """What there are scores of, in the order in which they first come."""
        return tuple(dict.fromkeys(item.score.dataset for item in self.records))

    def sample(self, name: str) -> Sample | None:
        """Returns what the seeds of these scores gave, all of one dataset and place; None where there is none.

        Args:
            name: by which sentences call it.
        """
        by_seed = {item.seed: item.score for item in self.records}
        if not by_seed:
            return None
        if len(by_seed) < len(self.records):
            raise ValueError(f"{name}: {len(self.records)} scores of {len(by_seed)} seeds")
        seeds = tuple(sorted(by_seed))
        scores = [by_seed[seed] for seed in seeds]
        replicates = [score.replicates for score in scores if score.replicates is not None]
        return Sample(
            name,
            seeds,
            np.array([score.value for score in scores]),
            np.mean(replicates, axis=0) if len(replicates) == len(scores) else None,
            scores[0].direction,
            scores[0].metric,
        )


def results_table(study: str, done: Iterable[Done]) -> pl.DataFrame:
    """Returns a row for each score of each cell, with its place, and what the cell cost."""
    rows = []
    for item in done:
        cost = {
            "cpu_seconds": item.cost.cpu_seconds,
            "wall_seconds": item.cost.wall_seconds,
            "energy_joules": item.cost.energy_joules,
            "energy_source": item.cost.energy_source,
        }
        head = {"study": study, "cell": item.cell.key, **item.cell.factors, "seed": item.cell.seed}
        for score in item.found.scores:
            own = {name: getattr(score, name) for name in ("dataset", "metric", "direction", "primary", "value")}
            spread = None if score.replicates is None else float(np.nanstd(score.replicates))
            rows.append({**head, **score.factors, **own, "se_molecules": spread, **item.found.facts, **cost})
        if not item.found.scores:
            rows.append({**head, **item.found.facts, **cost})
    return pl.DataFrame(rows, infer_schema_length=None)


def _facts(item: Done) -> dict[str, Factor]:
    costs = {name: getattr(item.cost, name) for name in ("cpu_seconds", "wall_seconds", "energy_joules")}
    return {**item.found.facts, **{name: value for name, value in costs.items() if value is not None}}


def _is_at(item: Record, factors: dict[str, Factor]) -> bool:
    own = {**item.factors, "dataset": item.score.dataset}
    return all(own.get(name) == value for name, value in factors.items())
