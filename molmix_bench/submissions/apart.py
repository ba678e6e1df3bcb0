"""Scores and ranks of predictions that strangers sent, computed where limits hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from molmix_bench.errors import UsageError
from molmix_bench.metrics.compare import DIFFERENCE_SCHEMA, RANK_SCHEMA, Comparison
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.submissions.answers import Records, check_known, no_answer, read_records, scores_of, sliced
from molmix_bench.submissions.check import limits_for
from molmix_bench.submissions.confined import READER, Limits
from molmix_bench.submissions.folder import list_predictions
from molmix_bench.submissions.score import compare_steps, score_steps

_REPLICATE_BYTES = 2 << 30
"""For the bootstrap, which has 1.5 GB at the size of PCBA with as many replicates as are usual."""
_SECONDS = 600
"""Of the processor, for a file with as many replicates as are usual."""
_WALL = 4.0
"""By the clock, for each second of the processor, which others may need as well."""


def score_apart(
    predictions: str | Path,
    mix: Mix,
    *,
    replicates: int = REPLICATES,
    against: str | Path | None = None,
    limits: Limits | None = None,
) -> Scores:
    """Returns what `score.score` returns, computed in another process with limits on memory and time.

    Raises:
        SubmissionError: as `score`; or a limit was reached, or that process crashed.
        UsageError: as `score`.
    """
    other = None if against is None else str(against)
    arguments = {"predictions": str(predictions), "mix": str(mix.path), "replicates": replicates, "against": other}
    folders = [Path(folder) for folder in (predictions, against) if folder is not None]
    limits = limits or scoring_limits(mix, folders, replicates=replicates)
    records = read_records(
        score_items, arguments, ("scores", "excluded", "not_submitted", "differences"), limits=limits
    )
    try:
        scores = scores_of(records, mix)
        if against is None:
            return scores
        found = _table(records["differences"], DIFFERENCE_SCHEMA, mix, [str(predictions), str(against)])
    except (TypeError, ValueError, UsageError, pl.exceptions.PolarsError) as error:
        raise no_answer(READER, error) from None
    return replace(scores, differences=found)


def compare_apart(
    folders: Sequence[str | Path], mix: Mix, *, replicates: int = REPLICATES, limits: Limits | None = None
) -> Comparison:
    """Returns what `score.compare` returns, computed in another process with limits on memory and time.

    Raises:
        SubmissionError: as `compare`; or a limit was reached, or that process crashed.
        UsageError: as `compare`.
    """
    names = [str(folder) for folder in folders]
    arguments = {"folders": names, "mix": str(mix.path), "replicates": replicates}
    limits = limits or scoring_limits(mix, [Path(name) for name in names], replicates=replicates)
    records = read_records(compare_items, arguments, ("ranks", "differences"), limits=limits)
    try:
        tables = [
            _table(records[name], schema, mix, names)
            for name, schema in (("ranks", RANK_SCHEMA), ("differences", DIFFERENCE_SCHEMA))
        ]
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise no_answer(READER, error) from None
    return Comparison(*tables)


def scoring_limits(mix: Mix, folders: Sequence[Path], *, replicates: int) -> Limits:
    """Returns limits for scoring folders of predictions: on memory, on the time for each file, and for all that are."""
    limits = limits_for(mix)
    times = max(1, -(-replicates // REPLICATES))
    # Names alone; they are no danger, and those that are not in place are refused before a file is read.
    num_files = sum(len(list_predictions(folder, mix)[0]) for folder in folders)
    seconds = _SECONDS * times
    return replace(
        limits,
        memory_bytes=limits.memory_bytes + _REPLICATE_BYTES * times,
        cpu_seconds=seconds,
        wall_seconds=_WALL * seconds,
        total_seconds=_WALL * seconds * max(1, num_files),
    )


def score_items(predictions: str, mix: str, replicates: int, against: str | None) -> Iterator[str | Records]:
    """Yields the records of `score` by parts, and each file before it is read; meant to run where limits hold."""
    scores = yield from score_steps(predictions, Mix(mix), replicates=replicates, against=against)
    yield from sliced(scores.to_records())


def compare_items(folders: list[str], mix: str, replicates: int) -> Iterator[str | Records]:
    """Yields the records of `compare` likewise."""
    comparison = yield from compare_steps(folders, Mix(mix), replicates=replicates)
    yield from sliced(comparison.to_records())


def _table(rows: list[object], schema: dict[str, type[pl.DataType]], mix: Mix, names: Sequence[str]) -> pl.DataFrame:
    """Returns the table of some records, if its models are those that were asked for.

    Raises:
        TypeError, ValueError, PolarsError: they are not, or it is of something that the mix does not have.
    """
    table = pl.DataFrame(rows, schema=schema)
    check_known(table, mix)
    models = {name for column in ("model", "other", "better") if column in schema for name in table[column].unique()}
    if not models <= {None, *names}:
        raise ValueError("models that were not asked for")
    return table
