"""A small mix, built once, and a cache for its stores."""

from __future__ import annotations

import pytest

from tests.training.small import build_chains


@pytest.fixture(scope="session")
def chains(tmp_path_factory):
    """The mix of `build_chains`."""
    return build_chains(tmp_path_factory.mktemp("chains"))


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory):
    """The cache of these tests: a mix's store is built once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cache(cache_folder, monkeypatch):
    """No test writes into the user's cache."""
    monkeypatch.setenv("MOLMIX_CACHE", str(cache_folder))
