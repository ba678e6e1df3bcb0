"""Tests of suites: what the catalog's are, and files that are none."""

from __future__ import annotations

import pytest

from molmix_bench.errors import SpecError, UsageError
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.catalog import load_source_spec
from molmix_bench.specs.suite import SuiteSpec, load_suite, suite_names, suite_tasks


def test_the_catalogs_suites():
    """All of them name sources of one dataset each, none twice; `downstream` is the other two."""
    tasks = {name: [task.source for task in suite_tasks(load_suite(name))] for name in suite_names()}
    assert tasks["downstream"] == [*tasks["moleculenet"], *tasks["tdc_admet"]]
    assert (len(tasks["moleculenet"]), len(tasks["tdc_admet"])) == (7, 22)
    for sources in tasks.values():
        assert len(set(sources)) == len(sources)
        assert all(len(load_source_spec(source).datasets) == 1 for source in sources)


def test_some_datasets_alone():
    """They come in the suite's order; one that it has not is refused with the nearest."""
    suite = load_suite("downstream")
    assert [task.source for task in suite_tasks(suite, ("bace", "esol"))] == ["esol", "bace"]
    with pytest.raises(UsageError, match=r"no dataset 'esoll' \(did you mean 'esol'\?\)"):
        suite_tasks(suite, ("esoll",))
    with pytest.raises(UsageError, match=r"no suite 'molecule_net' \(did you mean 'moleculenet'\?\)"):
        load_suite("molecule_net")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "datasets or includes"),
        ({"datasets": ["esol"]}, "folds goes with datasets"),
        ({"datasets": ["esol"], "folds": {}, "includes": ["moleculenet"]}, "datasets or includes"),
        ({"includes": ["moleculenet"], "folds": {}}, "folds goes with datasets"),
    ],
)
def test_files_that_are_no_suite(more, message):
    """A suite has datasets and how they are split, or other suites, and not both."""
    with pytest.raises(SpecError, match=message):
        validate_spec(SuiteSpec, {"name": "mine", "title": "mine", "description": "mine", **more}, where="test")
