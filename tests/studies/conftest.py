"""A small mix, a table of a task, and a cache for their stores."""

from __future__ import annotations

import pytest

from tests.training.small import build_chains
from tests.transfer.small import write_table


@pytest.fixture(scope="session")
def chains(tmp_path_factory):
    """The mix of `build_chains`."""
    return build_chains(tmp_path_factory.mktemp("chains"))


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """A CSV file of fifty molecules, with the columns `size` and `aromatic`."""
    return write_table(tmp_path_factory.mktemp("table") / "mine.csv")


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory):
    """The cache of these tests: a mix's store is built once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cache(cache_folder, monkeypatch):
    """No test writes into the user's cache."""
    monkeypatch.setenv("MOLMIX_CACHE", str(cache_folder))
