"""What a suite is: datasets of the catalog that are learnt one by one, each by itself, and how each is split."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from molmix_bench.errors import UsageError
from molmix_bench.specs.base import Spec, nearest, read_yaml, validate_spec
from molmix_bench.specs.catalog import catalog_dir
from molmix_bench.specs.finetune import FoldsSpec
from molmix_bench.specs.source import Name


class SuiteSpec(Spec):
    """A file of `catalog/suites`."""

    name: Name
    title: str
    description: str
    citation: str | None = None
    """BibTeX."""
    datasets: tuple[Name, ...] = ()
    """Sources of the catalog, each with one dataset, of labels of molecules."""
    folds: FoldsSpec | None = None
    """How each of them is split."""
    includes: tuple[Name, ...] = ()
    """Other suites, in full."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if bool(self.datasets) == bool(self.includes):
            raise ValueError("a suite has datasets or includes other suites")
        if bool(self.datasets) != (self.folds is not None):
            raise ValueError("folds goes with datasets")
        return self


class SuiteTask(Spec):
    """One dataset of a suite."""

    source: Name
    folds: FoldsSpec


def suite_names() -> tuple[str, ...]:
    """Returns the names of the catalog's suites, sorted."""
    return tuple(sorted(path.stem for path in (catalog_dir() / "suites").glob("*.yaml")))


def load_suite(name: str) -> SuiteSpec:
    """Returns a suite of the catalog.

    Raises:
        UsageError: there is none of that name.
    """
    known = suite_names()
    if name not in known:
        found = f"no suite {name!r}{nearest(name, known)}"
        raise UsageError("catalog", found=found, expected=f"one of {', '.join(known)}")
    path = catalog_dir() / "suites" / f"{name}.yaml"
    return validate_spec(SuiteSpec, read_yaml(path), where=str(path))


def suite_tasks(suite: SuiteSpec, only: tuple[str, ...] | None = None) -> tuple[SuiteTask, ...]:
    """Returns the datasets of a suite, those of the suites that it includes among them.

    Args:
        suite: of the catalog.
        only: names of the datasets that are wanted; None for all.

    Raises:
        UsageError: the suite has no such dataset.
    """
    tasks = [SuiteTask(source=name, folds=suite.folds) for name in suite.datasets if suite.folds is not None]
    tasks += [task for name in suite.includes for task in suite_tasks(load_suite(name))]
    known = [task.source for task in tasks]
    for name in only or ():
        if name not in known:
            found = f"no dataset {name!r}{nearest(name, known)}"
            raise UsageError(f"suite {suite.name}", found=found, expected=f"some of {', '.join(known)}")
    return tuple(task for task in tasks if only is None or task.source in only)
