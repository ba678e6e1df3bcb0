"""Tests of entries: which mix a submission is scored against, and what ends in a refusal."""

from __future__ import annotations

import pytest

from leaderboard import entries
from leaderboard.entries import Entry, Refused, read_entry
from leaderboard.mixes import Mixes
from molmix_bench.errors import MixError, SubmissionError, UsageError


def test_a_mix_that_is_not_there_is_a_refusal(submissions, mix):
    """Of a name that the catalog does not have, or that was not given; a path is never followed."""
    found = read_entry("constant", submissions / "constant", Mixes.given(()), replicates=10)
    assert isinstance(found, Refused)
    assert found.problems[0].found == "mix 'tiny'"
    assert "toymix" in found.problems[0].expected
    assert Mixes.given(()).get(str(mix.path)) is None
    illegible = read_entry("none", submissions / "none", Mixes.given(()), replicates=10)
    assert illegible.problems[0].found == "no mix that is legible"


def test_of_several_mixes_the_declared_one_is_meant(submissions, mix):
    """By the name in `submission.yaml`."""
    mixes = Mixes({"tiny": mix, "other": mix}, is_closed=True)
    found = read_entry("constant", submissions / "constant", mixes, replicates=10)
    assert isinstance(found, Entry)
    assert found.mix is mix
    assert found.submission.macros.replicates.shape == (8, 10)


def test_two_mixes_of_one_name_are_an_error_of_usage(mix):
    """A submission names its mix by name alone."""
    with pytest.raises(UsageError, match="two mixes tiny"):
        Mixes.given([str(mix.path), str(mix.path)])


@pytest.mark.parametrize("error", [SubmissionError, MixError])
def test_what_a_taken_over_process_says_ends_nothing(submissions, mix, monkeypatch, error):
    """Any error that comes out of reading a submission refuses it, without the places of this machine."""

    def fail(folder, mix, **_):
        raise error(str(mix.path / "x"), found=f"trouble in {folder}")

    monkeypatch.setattr(entries, "score_submission", fail)
    found = read_entry("constant", submissions / "constant", Mixes.given([str(mix.path)]), replicates=10)
    assert isinstance(found, Refused)
    assert (found.problems[0].where, found.problems[0].found) == ("tiny/x", "trouble in constant")
