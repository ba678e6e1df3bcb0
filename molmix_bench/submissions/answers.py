"""Whether the answers of a process that read a stranger's files can be those of an honest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.protocol import METRICS, PROTOCOL
from molmix_bench.metrics.scores import Scores
from molmix_bench.mix import Mix
from molmix_bench.submissions.confined import READER, Limits, printable, run_confined
from molmix_bench.vocab import Split

_KEY = ("protocol", "dataset", "split", "metric", "direction", "primary")
_ROWS_PER_ITEM = 10_000
"""Of a table, about 4 MB as JSON."""

Records = dict[str, list[Any]]
ItemFunction = Callable[..., Iterator[Any]]


def sliced(records: Records) -> Iterator[Records]:
    """Yields records by parts that are not too large to be one answer."""
    for name, rows in records.items():
        for first in range(0, len(rows), _ROWS_PER_ITEM):
            yield {name: rows[first : first + _ROWS_PER_ITEM]}


def read_items(function: ItemFunction, arguments: Mapping[str, Any], *, limits: Limits) -> Iterator[Any]:
    """Yields what a function yields that is run by `run_confined`, but for the text that it yields.

    That is the path of a file that it begins to read, for the error of a process that ends there.

    Raises:
        SubmissionError: as `run_confined`, and then it names the file.
    """
    file = ""
    try:
        for item in run_confined(function, arguments, limits=limits):
            if isinstance(item, str):
                file = printable(item[:1_000])
            else:
                yield item
    except SubmissionError as error:
        if not file or error.where != READER:
            raise
        raise SubmissionError(file, found=error.found, expected=error.expected, fix=error.fix) from None


def read_records(
    function: ItemFunction, arguments: Mapping[str, Any], names: Sequence[str], *, limits: Limits
) -> Records:
    """Returns the records of these names that a function yields as `sliced` does; run and refused like `read_items`."""
    found: Records = {name: [] for name in names}
    for item in read_items(function, arguments, limits=limits):
        try:
            for name, rows in item.items():
                found[name] += rows
        except (AttributeError, KeyError, TypeError) as error:
            raise no_answer(READER, error) from None
    return found


def no_answer(where: str, error: Exception) -> SubmissionError:
    """Returns the refusal of what no honest process writes: a file has taken it over."""
    return SubmissionError(where, found=f"answers that are none ({error!r:.200})", expected="scores")


def scores_of(records: Mapping[str, Any], mix: Mix, splits: Sequence[Split] = tuple(Split)) -> Scores:
    """Returns the scores that records hold, if the mix and the protocol have such scores.

    Raises:
        UsageError, TypeError, ValueError: they are of something else.
    """
    scores = Scores.from_records(records)
    check_known(scores.table, mix, splits)
    tasks = {(name, task) for name, dataset in mix.datasets.items() for task in dataset.tasks}
    if not set(scores.excluded.select("dataset", "task").iter_rows()) <= tasks:
        raise ValueError("scores of tasks that the mix does not have")
    places = {f"{name}/{split}" for name, dataset in mix.datasets.items() for split in dataset.splits}
    return replace(scores, not_submitted=tuple(name for name in scores.not_submitted if name in places))


def check_known(table: pl.DataFrame, mix: Mix, splits: Sequence[Split] = tuple(Split)) -> None:
    """Refuses a table of scores, ranks or differences that are of something else than the mix and the protocol have.

    Raises:
        ValueError: they are.
    """
    known = {
        (PROTOCOL, name, str(split), metric.name, metric.direction, metric.primary)
        for name, dataset in mix.datasets.items()
        for split in splits
        for metric in METRICS[dataset.kind]
    }
    tasks = {(name, task) for name, dataset in mix.datasets.items() for task in (None, *dataset.tasks)}
    if not set(table.select(_KEY).iter_rows()) <= known:
        raise ValueError("scores that the protocol does not have")
    if "task" in table.columns and not set(table.select("dataset", "task").iter_rows()) <= tasks:
        raise ValueError("scores of tasks that the mix does not have")
