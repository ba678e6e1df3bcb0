"""A small mix and a run on it, made once, and a cache for its store."""

from __future__ import annotations

import pytest

from molmix_bench.training.run import run
from tests.training.small import build_chains, run_spec


@pytest.fixture(scope="session")
def chains(tmp_path_factory):
    """The mix of `build_chains`."""
    return build_chains(tmp_path_factory.mktemp("chains"))


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory):
    """The cache of these tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def pretrained(chains, cache_folder, tmp_path_factory):
    """A run of two seeds on the small mix."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLMIX_CACHE", str(cache_folder))
        spec = run_spec(training__epochs=2, training__seeds=[0, 1], name="chains")
        return run(spec, chains, tmp_path_factory.mktemp("run"))


@pytest.fixture(autouse=True)
def _cache(cache_folder, monkeypatch):
    """No test writes into the user's cache."""
    monkeypatch.setenv("MOLMIX_CACHE", str(cache_folder))
