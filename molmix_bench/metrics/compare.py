"""Models compared: paired differences of their scores, and ranks by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl

from molmix_bench.metrics.intervals import intervals
from molmix_bench.metrics.protocol import Aggregation
from molmix_bench.metrics.scores import SCORE_KEY, Scores

DIFFERENCE_SCHEMA: dict[str, type[pl.DataType]] = {
    "protocol": pl.String,
    "dataset": pl.String,
    "split": pl.String,
    "aggregation": pl.String,
    "task": pl.String,  # null: over several tasks
    "metric": pl.String,
    "direction": pl.String,
    "primary": pl.Boolean,
    "model": pl.String,
    "other": pl.String,
    "value": pl.Float64,
    "other_value": pl.Float64,
    "difference": pl.Float64,  # value - other_value
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "better": pl.String,  # `model` or `other`; null: neither, significantly
}
RANK_SCHEMA: dict[str, type[pl.DataType]] = {
    "protocol": pl.String,
    "dataset": pl.String,
    "split": pl.String,
    "metric": pl.String,
    "direction": pl.String,
    "primary": pl.Boolean,
    "model": pl.String,
    "n_seeds": pl.Int64,
    "mean": pl.Float64,  # over seeds, of the macro over scorable tasks
    "std": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "rank": pl.Int64,  # null: no value
    "tied": pl.Boolean,
}
_PLACE = ("dataset", "split", "metric")
ROUNDING = 1e-12
"""A difference that is not larger than this share of the values is none: sums of equal numbers may round apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Several models side by side."""

    ranks: pl.DataFrame
    """A row for each model, dataset, split and metric, the best first; columns as in `RANK_SCHEMA`."""
    differences: pl.DataFrame
    """A row for each ordered pair of models, likewise; columns as in `DIFFERENCE_SCHEMA`."""

    def to_records(self) -> dict[str, Any]:
        """Returns everything as plain lists and mappings, ready for JSON."""
        return {"ranks": self.ranks.to_dicts(), "differences": self.differences.to_dicts()}


def differences(mine: Scores, others: Scores, *, names: tuple[str, str]) -> pl.DataFrame:
    """Returns the differences of two models' means over seeds with their intervals; columns as in `DIFFERENCE_SCHEMA`.

    Args:
        mine: with replicates, as are
        others: of another model, scored with the same number of replicates; only what both have is compared.
        names: of both models.
    """
    pairs = _with_rows(mine).join(_with_rows(others), on=SCORE_KEY, suffix="_other", nulls_equal=True, how="inner")
    pairs = pairs.sort("row")
    value, other = (pairs[name].fill_null(np.nan).to_numpy() for name in ("value", "value_other"))
    rows, other_rows = pairs["row"].to_numpy(), pairs["row_other"].to_numpy()
    low, high = np.full(len(value), np.nan), np.full(len(value), np.nan)
    if mine.replicates is not None and others.replicates is not None:
        low, high = intervals(value - other, mine.replicates[rows] - others.replicates[other_rows])
    sign = np.where(pairs["direction"] == "higher", 1, -1)
    scale = ROUNDING * np.maximum(np.abs(value), np.abs(other))
    verdict = np.where(low > scale, sign, np.where(high < -scale, -sign, 0))
    better = np.select([verdict == 1, verdict == -1], [names[0], names[1]], "").tolist()
    numbers = {"value": value, "other_value": other, "difference": value - other, "ci_low": low, "ci_high": high}
    table = pairs.select(
        *SCORE_KEY,
        "direction",
        "primary",
        pl.lit(names[0]).alias("model"),
        pl.lit(names[1]).alias("other"),
        pl.Series("better", [name or None for name in better], dtype=pl.String),
    ).with_columns(pl.Series(name, column).fill_nan(None) for name, column in numbers.items())
    return table.select(*DIFFERENCE_SCHEMA).cast(pl.Schema(DIFFERENCE_SCHEMA))


def compare(models: Mapping[str, Scores]) -> Comparison:
    """Returns the ranks of some models, by the macro over scorable tasks of each dataset, split and metric.

    A rank is 1 + the number of models that are significantly better. A model without predictions for a split has none.

    Args:
        models: by name, means over seeds with their replicates.
    """
    macros = {name: only_macro(scores) for name, scores in models.items()}
    pairs = [differences(macros[one], macros[other], names=(one, other)) for one, other in permutations(macros, 2)]
    found = pl.concat([pl.DataFrame(schema=DIFFERENCE_SCHEMA), *pairs])
    beaten = found.filter(pl.col("better") == pl.col("other")).group_by(*_PLACE, "model").len("num_better")
    return Comparison(ranks_of(macros, beaten), found)


def ranks_of(macros: Mapping[str, Scores], beaten: pl.DataFrame | None) -> pl.DataFrame:
    """Returns the ranks of some models, columns as in `RANK_SCHEMA`, from how many are significantly better.

    Args:
        macros: by name, of `only_macro`.
        beaten: by dataset, split, metric and model, `num_better`; absent rows and none at all count as 0.
    """
    if not macros:
        return pl.DataFrame(schema=RANK_SCHEMA)
    tables = pl.concat(scores.table.with_columns(pl.lit(name).alias("model")) for name, scores in macros.items())
    if beaten is None:
        counted = tables.with_columns(pl.lit(0).alias("num_better"))
    else:
        counted = tables.join(beaten, on=[*_PLACE, "model"], how="left", maintain_order="left")
    ranks = counted.with_columns(
        pl.when(pl.col("value").is_not_null()).then(1 + pl.col("num_better").fill_null(0).cast(pl.Int64)).alias("rank"),
        pl.col("value").alias("mean"),
    ).with_columns((pl.len().over(*_PLACE, "rank") > 1).alias("tied") & pl.col("rank").is_not_null())
    return _sorted(ranks, _PLACE).select(*RANK_SCHEMA).cast(pl.Schema(RANK_SCHEMA))


def _sorted(ranks: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Returns datasets, splits and metrics in the order in which they come, and in each the best models first."""
    cost = pl.when(pl.col("direction") == "higher").then(-pl.col("value")).otherwise(pl.col("value"))
    order = ranks.with_row_index("row").with_columns(cost.alias("cost"), pl.col("row").min().over(*key).alias("first"))
    return order.sort("first", "rank", "cost", "row", nulls_last=True)


def _with_rows(scores: Scores) -> pl.DataFrame:
    return scores.table.with_row_index("row").select("row", *SCORE_KEY, "value", "direction", "primary")


def only_macro(scores: Scores) -> Scores:
    """Returns the macros over scorable tasks alone, all that models are ranked by, with their replicates."""
    chosen = scores.table["aggregation"] == str(Aggregation.MACRO)
    replicates = None if scores.replicates is None else scores.replicates[chosen.to_numpy()]
    return replace(scores, table=scores.table.filter(chosen), replicates=replicates)
