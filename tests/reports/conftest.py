"""Finished runs to report on: a network of two seeds and the trivial predictor, on the mix of every level and kind."""

from __future__ import annotations

import pytest

from molmix_bench.cards.palette import LIGHT
from molmix_bench.cards.theme import themed, to_png
from molmix_bench.reports.diagnose import diagnose
from molmix_bench.reports.read import read_run
from molmix_bench.training.run import run
from molmix_bench.vocab import Split
from tests.training.small import build_chains, fitted_spec, run_spec


@pytest.fixture(scope="session")
def chains(tmp_path_factory):
    """The mix of `build_chains`."""
    return build_chains(tmp_path_factory.mktemp("chains"))


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    """No test writes into the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLMIX_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def trained(chains, tmp_path_factory):
    """The directory of a run of two seeds and three epochs."""
    spec = run_spec(training__epochs=3, training__seeds=[0, 4])
    return run(spec, chains, tmp_path_factory.mktemp("trained") / "run").path


@pytest.fixture(scope="session")
def fitted(chains, tmp_path_factory):
    """The directory of a run that has no epochs."""
    return run(fitted_spec("trivial"), chains, tmp_path_factory.mktemp("fitted") / "run").path


@pytest.fixture(scope="session")
def diagnoses(chains, trained):
    """The diagnosis of the test split of each dataset of the trained run, by dataset."""
    ran = read_run(trained)
    return {
        name: diagnose(chains, name, Split.TEST, predictions=ran.folder.predictions, seeds=ran.seeds)
        for name in ran.splits()
    }


class Drawn:
    """Stands for `panels.Figures`: keeps the light figures as matplotlib has them, and writes each once."""

    def __init__(self):
        self.figures = []

    def add(self, draw, description):
        """Draws once."""
        with themed(LIGHT):
            self.figures.append(draw(LIGHT))
            assert to_png(self.figures[-1])
        return description


@pytest.fixture
def drawn():
    """Returns an empty `Drawn`."""
    return Drawn()
