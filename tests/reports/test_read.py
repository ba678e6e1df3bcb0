"""Tests of reading a run for its report, and of what is refused."""

from __future__ import annotations

import shutil

import pytest

from molmix_bench.errors import RunError, UsageError
from molmix_bench.mix import Mix
from molmix_bench.reports.read import check_mix, read_run
from molmix_bench.vocab import Split
from tests.training.small import DATASETS, build_chains


@pytest.fixture
def copy(trained, tmp_path):
    """A copy of the trained run, to be broken."""
    return shutil.copytree(trained, tmp_path / "run")


def test_reads_a_run(trained):
    """Every seed with its epochs, means over both, and test as the split to show."""
    ran = read_run(trained)
    assert {seed: len(found) for seed, found in ran.records.items()} == {0: 3, 4: 3}
    assert set(ran.means()["n_seeds"]) == {2}
    assert ran.splits() == dict.fromkeys(DATASETS, Split.TEST)
    assert ran.versions["threads"]


def test_shows_validation_where_there_is_no_test(trained):
    """A dataset that was scored in validation alone is shown by that, and one that was not at all is left out."""
    ran = read_run(trained)
    keep = ran.scores.table.filter(
        (ran.scores.table["split"] == "validation") & (ran.scores.table["dataset"] != "panel")
    )
    object.__setattr__(ran.scores, "table", keep)
    assert ran.splits() == {name: Split.VALIDATION for name in DATASETS if name != "panel"}


def test_a_fitted_run_has_no_epochs(fitted):
    """No journal is no error."""
    assert read_run(fitted).records == {0: ()}


def test_refuses_what_is_no_finished_run(copy, tmp_path):
    """No run at all is the caller's mistake; an unfinished one is named as such."""
    with pytest.raises(UsageError, match=r"run\.yaml: no such file"):
        read_run(tmp_path / "nothing")
    (copy / "result.json").unlink()
    with pytest.raises(RunError, match="a run that is not finished; give the command that began it again"):
        read_run(copy)


@pytest.mark.parametrize("text", ["{", "[]", '{"scores": 1}'])
def test_refuses_damaged_scores(copy, text):
    """The file is named, and how to get it back."""
    (copy / "scores.json").write_text(text)
    with pytest.raises(RunError, match=r"scores\.json: found .*; expected the scores of the run; delete result\.json"):
        read_run(copy)


def test_refuses_missing_scores_and_damaged_versions(copy):
    """Both are named; without versions there are none to show."""
    (copy / "versions.json").unlink()
    assert read_run(copy).versions == {}
    for text in ("{", "[1]"):
        (copy / "versions.json").write_text(text)
        with pytest.raises(RunError, match=r"versions\.json: .*delete it"):
            read_run(copy)
    (copy / "scores.json").unlink()
    with pytest.raises(RunError, match=r"scores\.json: found no such file"):
        read_run(copy)


def test_refuses_another_build_of_the_mix(chains, trained, tmp_path):
    """The run's own mix is taken; one of the same name and version, but other labels, is not."""
    ran = read_run(trained)
    check_mix(ran, Mix(chains.path))
    other = build_chains(tmp_path, step=-38.0)
    with pytest.raises(RunError, match=r"mix tiny 1\.0\.0, build .* expected that of the run, tiny 1\.0\.0, build"):
        check_mix(ran, other)
