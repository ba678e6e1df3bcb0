"""Scores and ranks of predictions that strangers sent, computed where limits hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.mix import Mix
from molmix_bench.submissions.check import limits_for
from molmix_bench.submissions.confined import Limits, run_confined
from molmix_bench.submissions.score import compare, score

_REPLICATE_BYTES = 2 << 30
"""For the bootstrap, which has 1.5 GB at the size of PCBA."""


def score_apart(
    predictions: str | Path, mix: Mix, *, replicates: int = REPLICATES, limits: Limits | None = None
) -> dict[str, Any]:
    """Returns what `score` gives, as records, computed in another process with limits on memory and time.

    Raises:
        SubmissionError: as `score`; or a limit was reached, or that process crashed.
    """
    arguments = {"predictions": str(predictions), "mix": str(mix.path), "replicates": replicates}
    return _only(run_confined(score_items, arguments, limits=limits or scoring_limits(mix)))


def compare_apart(
    folders: Sequence[str | Path], mix: Mix, *, replicates: int = REPLICATES, limits: Limits | None = None
) -> dict[str, Any]:
    """Returns what `compare` gives, as records, computed in another process with limits on memory and time.

    Raises:
        SubmissionError: as `compare`; or a limit was reached, or that process crashed.
        UsageError: as `compare`.
    """
    arguments = {"folders": [str(folder) for folder in folders], "mix": str(mix.path), "replicates": replicates}
    return _only(run_confined(compare_items, arguments, limits=limits or scoring_limits(mix, folders=len(folders))))


def scoring_limits(mix: Mix, *, folders: int = 1) -> Limits:
    """Returns limits for scoring folders of predictions with replicates."""
    limits = limits_for(mix)
    seconds = 600 * folders
    memory = limits.memory_bytes + _REPLICATE_BYTES
    return replace(
        limits, memory_bytes=memory, cpu_seconds=seconds, wall_seconds=2.0 * seconds, total_seconds=2.0 * seconds
    )


def score_items(predictions: str, mix: str, replicates: int) -> Iterator[dict[str, Any]]:
    """Yields the records of `score`, once."""
    yield score(predictions, Mix(mix), replicates=replicates).to_records()


def compare_items(folders: list[str], mix: str, replicates: int) -> Iterator[dict[str, Any]]:
    """Yields the records of `compare`, once."""
    yield compare(folders, Mix(mix), replicates=replicates).to_records()


def _only(items: Iterator[Any]) -> dict[str, Any]:
    found = list(items)
    if len(found) != 1 or not isinstance(found[0], dict):
        raise SubmissionError("scoring apart", found="an answer that is none", expected="scores")
    answer: dict[str, Any] = found[0]
    return answer
