"""Scores that others published: numbers only, each with its source."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from molmix_bench.specs.base import Spec, read_yaml, validate_spec
from molmix_bench.specs.catalog import catalog_dir
from molmix_bench.specs.source import Name, Url

Figure = Annotated[str, StringConstraints(pattern=r"^-?\d+\.\d+( ± \d+\.\d+)?$")]
"""As printed, digits and all: a mean, and what the source gives as its spread."""


class ReportedSource(Spec):
    """Where the numbers stand."""

    title: str
    url: Url
    """Of the publication."""
    tables: Url
    """Of the very tables they were copied from."""


class Setting(Spec):
    """How the models of a table were trained."""

    short: str
    long: str


class ReportedTable(Spec):
    """Models of one setting on one dataset's test split."""

    dataset: Name
    setting: Name
    metrics: Annotated[tuple[Name, ...], Field(min_length=1)]
    """By the protocol's names, of those that mean the same."""
    rows: Annotated[dict[str, tuple[Figure, ...]], Field(min_length=1)]
    """By model, a figure for each metric."""

    @model_validator(mode="after")
    def _is_a_rectangle(self) -> Self:
        if wrong := [model for model, figures in self.rows.items() if len(figures) != len(self.metrics)]:
            raise ValueError(f"{len(self.metrics)} metrics, and not as many figures for {', '.join(wrong)}")
        return self


class Reported(Spec):
    """What is published on one mix."""

    mix: Name
    source: ReportedSource
    note: str
    """What keeps the numbers from being compared with ours as they stand."""
    settings: dict[Name, Setting]
    tables: Annotated[tuple[ReportedTable, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _knows_its_settings(self) -> Self:
        if strange := sorted({table.setting for table in self.tables} - set(self.settings)):
            raise ValueError(f"settings has no {', '.join(strange)}")
        return self

    def of(self, dataset: str) -> tuple[ReportedTable, ...]:
        """Returns the tables of a dataset."""
        return tuple(table for table in self.tables if table.dataset == dataset)


def reported_names() -> tuple[str, ...]:
    """Returns the names of the mixes that something is published on, sorted."""
    return tuple(sorted(path.stem for path in (catalog_dir() / "reported").glob("*.yaml")))


@cache
def load_reported(mix: str) -> Reported | None:
    """Returns what is published on a mix, or nothing where nothing is."""
    if mix not in reported_names():
        return None
    path = catalog_dir() / "reported" / f"{mix}.yaml"
    return validate_spec(Reported, read_yaml(path), where=str(path))
