"""Scores: the table that scoring gives, and what stands beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from molmix_bench.errors import UsageError
from molmix_bench.metrics.protocol import Aggregation

TABLE_SCHEMA: dict[str, type[pl.DataType]] = {
    "protocol": pl.String,
    "dataset": pl.String,
    "split": pl.String,
    "seed": pl.Int64,  # null: mean over seeds
    "aggregation": pl.String,
    "task": pl.String,  # null: over several tasks
    "metric": pl.String,
    "value": pl.Float64,  # null: no task to average over
    "std": pl.Float64,  # over seeds, ddof=1; null with one
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "n_seeds": pl.Int64,
    "n_tasks": pl.Int64,
    "n_labels": pl.Int64,
    "direction": pl.String,
    "primary": pl.Boolean,
}
EXCLUDED_SCHEMA: dict[str, type[pl.DataType]] = {
    "protocol": pl.String,
    "dataset": pl.String,
    "split": pl.String,
    "task": pl.String,
    "reason": pl.String,
}
_SCORE_KEY = ("protocol", "dataset", "split", "aggregation", "task", "metric")


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores in long form, one value a row, and what was left out of them."""

    table: pl.DataFrame
    """Columns as in `TABLE_SCHEMA`."""
    excluded: pl.DataFrame
    """Tasks that could not be scored, with the reason; columns as in `EXCLUDED_SCHEMA`."""
    not_submitted: tuple[str, ...] = ()
    """`<dataset>/<split>` of the mix for which there are no predictions though there are for others of the split."""

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, Any]], excluded: Sequence[Mapping[str, Any]]) -> Scores:
        """Returns scores from one mapping per value and one per excluded task; absent columns are null."""
        return cls(pl.DataFrame(rows, schema=TABLE_SCHEMA), pl.DataFrame(excluded, schema=EXCLUDED_SCHEMA))

    @classmethod
    def concat(cls, scores: Iterable[Scores]) -> Scores:
        """Returns several scores in one, in their order; of none, an empty table.

        Raises:
            UsageError: they were made under different protocols, or hold the same score twice.
        """
        parts = [cls.from_rows([], []), *scores]
        table = pl.concat([part.table for part in parts])
        excluded = pl.concat([part.excluded for part in parts]).unique(maintain_order=True)
        if len(protocols := table["protocol"].unique()) > 1:
            found = f"protocols {', '.join(sorted(protocols))}"
            raise UsageError(
                "scores", found=found, expected="one", fix="score the predictions again under one protocol"
            )
        key = table.select("seed", *_SCORE_KEY)
        if key.is_duplicated().any():
            row = key.row(key.is_duplicated().arg_true()[0], named=True)
            raise UsageError(
                "scores", found=f"{row['dataset']}/{row['split']}, seed {row['seed']} twice", expected="once"
            )
        not_submitted = dict.fromkeys(name for part in parts for name in part.not_submitted)
        return cls(table, excluded, tuple(not_submitted))

    def over_seeds(self) -> Scores:
        """Returns the mean and standard deviation (ddof=1, null for one seed) of each score over its seeds.

        Raises:
            UsageError: the scores hold such means already.
        """
        if self.table["seed"].has_nulls():
            raise UsageError("scores", found="means over seeds", expected="one row per seed")
        means = self.table.group_by(_SCORE_KEY, maintain_order=True).agg(
            pl.lit(None, pl.Int64).alias("seed"),
            pl.col("value").mean(),
            pl.col("value").std(ddof=1).alias("std"),
            pl.lit(None, pl.Float64).alias("ci_low"),
            pl.lit(None, pl.Float64).alias("ci_high"),
            pl.len().cast(pl.Int64).alias("n_seeds"),
            pl.col("n_tasks", "n_labels", "direction", "primary").first(),
        )
        return replace(self, table=means.select(*TABLE_SCHEMA))

    def summary(self) -> pl.DataFrame:
        """Returns the primary metric of each dataset and split: the table to print.

        Means over seeds where the scores hold them, else one row per seed. `macro` is over all scorable tasks
        (`n_tasks`), `macro_reliable` over those with labels enough (`n_reliable`), `std` that of `macro` over seeds.
        """
        key = ["dataset", "split", "seed", "metric", "direction"]
        rows = self.table.filter("primary")
        if rows["seed"].has_nulls():
            rows = rows.filter(pl.col("seed").is_null())
        macro = rows.filter(aggregation=str(Aggregation.MACRO))
        reliable = rows.filter(aggregation=str(Aggregation.MACRO_RELIABLE))
        return macro.select(*key, "n_seeds", pl.col("value").alias("macro"), "std", "n_tasks").join(
            reliable.select(*key, pl.col("value").alias("macro_reliable"), pl.col("n_tasks").alias("n_reliable")),
            on=key,
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )

    def to_records(self) -> dict[str, Any]:
        """Returns everything as plain lists and mappings, ready for JSON; equal scores give equal records."""
        return {
            "scores": self.table.to_dicts(),
            "excluded": self.excluded.to_dicts(),
            "not_submitted": list(self.not_submitted),
        }

    def to_json(self) -> str:
        """Returns `to_records` as JSON text, one line; numbers are written so that reading gives them back exactly."""
        return json.dumps(self.to_records(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_records(cls, records: Mapping[str, Any]) -> Scores:
        """Returns the scores that `to_records` gave.

        Raises:
            UsageError: these are no such records.
        """
        try:
            scores = cls.from_rows(records["scores"], records["excluded"])
            return replace(scores, not_submitted=tuple(records["not_submitted"]))
        except (KeyError, TypeError, pl.exceptions.PolarsError) as error:
            raise UsageError("scores", found=f"records that are no scores ({error})") from None

    @classmethod
    def from_json(cls, text: str) -> Scores:
        """Returns the scores that `to_json` wrote; raises like `from_records`."""
        try:
            records = json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError("scores", found=f"no JSON ({error})") from None
        return cls.from_records(records)
