"""Scores: the table that scoring gives, and what stands beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from molmix_bench.errors import UsageError
from molmix_bench.metrics.cells import FloatArray
from molmix_bench.metrics.intervals import intervals
from molmix_bench.metrics.protocol import METRIC_BOUNDS, Aggregation

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
    "ci_low": pl.Float64,  # over resampled molecules; null where there is no interval
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
SCORE_KEY = ("protocol", "dataset", "split", "aggregation", "task", "metric")


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores in long form, one value a row, and what was left out of them."""

    table: pl.DataFrame
    """Columns as in `TABLE_SCHEMA`."""
    excluded: pl.DataFrame
    """Tasks that could not be scored, with the reason; columns as in `EXCLUDED_SCHEMA`."""
    not_submitted: tuple[str, ...] = ()
    """`<dataset>/<split>` of the mix for which there are no predictions though there are for others of the split."""
    replicates: FloatArray | None = None
    """(rows of `table`, R), each value of the table on resampled molecules, NaN where undefined; not written."""
    differences: pl.DataFrame | None = None
    """From another model's scores, where they were asked for; columns as in `compare.DIFFERENCE_SCHEMA`."""

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[Mapping[str, Any]],
        excluded: Sequence[Mapping[str, Any]],
        *,
        replicates: FloatArray | None = None,
    ) -> Scores:
        """Returns scores from one mapping per value and one per excluded task; absent columns are null.

        Replicates (rows, R) give the values their intervals.
        """
        table = pl.DataFrame(rows, schema=TABLE_SCHEMA)
        if replicates is not None:
            table = _with_intervals(table, replicates)
        return cls(table, pl.DataFrame(excluded, schema=EXCLUDED_SCHEMA), replicates=replicates)

    @classmethod
    def concat(cls, scores: Iterable[Scores]) -> Scores:
        """Returns several scores in one, in their order; of none, an empty table.

        Raises:
            UsageError: they were made under different protocols or with different numbers of replicates, or hold the
                same score twice.
        """
        parts = [cls.from_rows([], []), *scores]
        replicates = _joined([part.replicates for part in parts if part.table.height])
        table = pl.concat([part.table for part in parts])
        excluded = pl.concat([part.excluded for part in parts]).unique(maintain_order=True)
        if len(protocols := table["protocol"].unique()) > 1:
            found = f"protocols {', '.join(sorted(protocols))}"
            raise UsageError(
                "scores", found=found, expected="one", fix="score the predictions again under one protocol"
            )
        key = table.select("seed", *SCORE_KEY)
        if key.is_duplicated().any():
            row = key.row(key.is_duplicated().arg_true()[0], named=True)
            raise UsageError(
                "scores", found=f"{row['dataset']}/{row['split']}, seed {row['seed']} twice", expected="once"
            )
        not_submitted = dict.fromkeys(name for part in parts for name in part.not_submitted)
        return cls(table, excluded, tuple(not_submitted), replicates)

    def over_seeds(self) -> Scores:
        """Returns the mean and standard deviation (ddof=1, null for one seed) of each score over its seeds.

        The interval is that of the mean, taken inside each replicate.

        Raises:
            UsageError: the scores hold such means already.
        """
        if self.table["seed"].has_nulls():
            raise UsageError("scores", found="means over seeds", expected="one row per seed")
        means = self.table.group_by(SCORE_KEY, maintain_order=True).agg(
            pl.lit(None, pl.Int64).alias("seed"),
            pl.col("value").mean(),
            pl.col("value").std(ddof=1).alias("std"),
            pl.lit(None, pl.Float64).alias("ci_low"),
            pl.lit(None, pl.Float64).alias("ci_high"),
            pl.len().cast(pl.Int64).alias("n_seeds"),
            pl.col("n_tasks", "n_labels", "direction", "primary").first(),
        )
        table = means.select(*TABLE_SCHEMA)
        if self.replicates is None:
            return replace(self, table=table)
        rows = self.table.with_row_index("row").group_by(SCORE_KEY, maintain_order=True).agg("row")["row"]
        of_means = np.stack([self.replicates[some.to_numpy()].mean(axis=0) for some in rows])
        return replace(self, table=_with_intervals(table, of_means), replicates=of_means)

    def summary(self) -> pl.DataFrame:
        """Returns the primary metric of each dataset and split: the table to print.

        Means over seeds where the scores hold them, else one row per seed. `macro` is over all scorable tasks
        (`n_tasks`), `macro_reliable` over those with labels enough (`n_reliable`); `std` is that of `macro` over seeds,
        `ci_low` and `ci_high` the ends of its interval over molecules.
        """
        key = ["dataset", "split", "seed", "metric", "direction"]
        rows = self.table.filter("primary")
        if rows["seed"].has_nulls():
            rows = rows.filter(pl.col("seed").is_null())
        macro = rows.filter(aggregation=str(Aggregation.MACRO))
        reliable = rows.filter(aggregation=str(Aggregation.MACRO_RELIABLE))
        return macro.select(
            *key, "n_seeds", pl.col("value").alias("macro"), "std", "ci_low", "ci_high", "n_tasks"
        ).join(
            reliable.select(*key, pl.col("value").alias("macro_reliable"), pl.col("n_tasks").alias("n_reliable")),
            on=key,
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )

    def to_records(self) -> dict[str, Any]:
        """Returns everything as plain lists and mappings, ready for JSON; equal scores give equal records."""
        records = {
            "scores": self.table.to_dicts(),
            "excluded": self.excluded.to_dicts(),
            "not_submitted": list(self.not_submitted),
        }
        return records if self.differences is None else records | {"differences": self.differences.to_dicts()}

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


def _with_intervals(table: pl.DataFrame, replicates: FloatArray) -> pl.DataFrame:
    """Returns a table of scores with the intervals that follow from its replicates, (rows, R)."""
    if table.is_empty():
        return table
    values = table["value"].fill_null(np.nan).to_numpy()
    bounds = np.array([METRIC_BOUNDS[name] for name in table["metric"]])
    low, high = (end.clip(bounds[:, 0], bounds[:, 1]) for end in intervals(values, replicates))
    return table.with_columns(
        pl.Series("ci_low", low).fill_nan(None),
        pl.Series("ci_high", high).fill_nan(None),
    )


def _joined(parts: Sequence[FloatArray | None]) -> FloatArray | None:
    """Returns replicates of several tables in one; none if none of them has any."""
    found = sorted({0 if part is None else part.shape[1] for part in parts})
    if len(found) > 1:
        raise UsageError("scores", found=f"{found[0]:,} and {found[-1]:,} replicates", expected="equally many in all")
    arrays = [part for part in parts if part is not None]
    return np.concatenate(arrays) if arrays else None
