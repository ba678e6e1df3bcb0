"""What a mix's datasets ask of a network."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from molmix_bench.errors import UsageError
from molmix_bench.mix import Dataset, Mix
from molmix_bench.specs.base import nearest
from molmix_bench.specs.result import Target
from molmix_bench.vocab import Kind


def choose_datasets(mix: Mix, names: Sequence[str] | None, *, where: str) -> tuple[str, ...]:
    """Returns the datasets to train on, in the mix's order: those named, or all of them for null.

    Raises:
        UsageError: the mix has no such dataset.
    """
    if names is None:
        return tuple(mix.datasets)
    for name in names:
        if name not in mix.datasets:
            found = f"dataset {name!r}{nearest(name, mix.datasets)}"
            raise UsageError(where, found=found, expected=f"datasets of {mix.name}: {', '.join(mix.datasets)}")
    return tuple(name for name in mix.datasets if name in names)


def make_targets(mix: Mix, datasets: Sequence[str]) -> tuple[Target, ...]:
    """Returns what each dataset's head predicts, with the train statistics that `tasks.parquet` publishes."""
    return tuple(_make_target(mix.datasets[name], mix.tasks) for name in datasets)


def _make_target(dataset: Dataset, tasks: pl.DataFrame) -> Target:
    facts = tasks.filter(pl.col("dataset") == dataset.name).sort("index")
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    if dataset.kind is Kind.REGRESSION:
        # Without train labels there is nothing to learn and nothing to centre; labels that are all equal have no scale.
        mean = tuple(value or 0.0 for value in facts["train_mean"])
        std = tuple(value or 1.0 for value in facts["train_std"])
    return Target(
        dataset=dataset.name,
        level=dataset.level,
        kind=dataset.kind,
        num_classes=dataset.num_classes,
        dtype=dataset.spec.list_dtype,
        tasks=dataset.tasks,
        mean=mean,
        std=std,
    )
