"""Tests of scores and ranks computed in another process, and of what its answers may be."""

from __future__ import annotations

import os
import shutil
from functools import partial

import pytest

from molmix_bench.errors import SubmissionError, UsageError
from molmix_bench.metrics.protocol import REPLICATES
from molmix_bench.submissions import answers, apart
from molmix_bench.submissions.apart import compare_apart, score_apart, scoring_limits
from molmix_bench.submissions.confined import Limits
from molmix_bench.submissions.score import compare, score
from tests.submissions.honest import bomb, build_mix, write_submission

SMALL = Limits(memory_bytes=400 << 20, cpu_seconds=20, wall_seconds=60)


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    """The mix that is predicted."""
    return build_mix(tmp_path_factory.mktemp("mix"))


@pytest.fixture
def folders(mix, tmp_path):
    """Two folders of the same predictions."""
    mine = write_submission(tmp_path / "mine", mix) / "predictions"
    return [mine, shutil.copytree(mine, tmp_path / "other")]


def test_scores_are_those_of_this_process(folders, mix, monkeypatch):
    """Through JSON, to the last bit, in one part or in many; differences too."""
    mine, other = folders
    expected = score(mine, mix, replicates=10, against=other)
    found = score_apart(mine, mix, replicates=10, against=other)
    assert found.to_records() == expected.to_records()
    assert found.differences.schema == expected.differences.schema
    assert score_apart(mine, mix, replicates=0).to_records() == score(mine, mix, replicates=0).to_records()
    monkeypatch.setattr(answers, "_ROWS_PER_ITEM", 3)
    parts = list(answers.sliced({"scores": list(range(7)), "excluded": []}))
    assert parts == [{"scores": [0, 1, 2]}, {"scores": [3, 4, 5]}, {"scores": [6]}]


def test_ranks_are_those_of_this_process(folders, mix):
    """And both are first, as they are the same."""
    found = compare_apart(folders, mix, replicates=10)
    assert found.to_records() == compare(folders, mix, replicates=10).to_records()
    assert set(found.ranks["rank"]) == {1}
    assert found.ranks["tied"].all()


def test_errors_come_back_as_they_are(folders, mix):
    """Of a file, and of usage."""
    with pytest.raises(UsageError, match="two or more different folders"):
        compare_apart(folders[:1], mix)
    (folders[0] / "size" / "test" / "seed=0.parquet").write_bytes(b"none")
    with pytest.raises(SubmissionError, match=r"seed=0\.parquet: found no parquet footer"):
        score_apart(folders[0], mix, replicates=0)


@pytest.mark.parametrize("verb", ["score", "against", "compare"])
def test_a_bomb_is_a_refusal_that_names_it(folders, mix, verb):
    """It may ask for gigabytes; the limit on memory holds in scoring too."""
    mine, other = folders
    bad = other / "size" / "test" / "seed=0.parquet"
    bad.write_bytes(bomb())
    call = {
        "score": partial(score_apart, other),
        "against": partial(score_apart, mine, against=other),
        "compare": partial(compare_apart, folders),
    }[verb]
    with pytest.raises(SubmissionError, match="more memory than they may") as caught:
        call(mix=mix, replicates=10, limits=SMALL)
    assert caught.value.where == str(bad)


def end_at_second(predictions, mix, replicates, against):
    """Stands for scoring: the second file ends the process."""
    yield "first.parquet"
    yield "second\x1b.parquet"
    os.abort()


def test_a_file_that_ends_the_process_is_named(folders, mix, monkeypatch):
    """The last one that was begun, without what a terminal obeys."""
    monkeypatch.setattr(apart, "score_items", end_at_second)
    with pytest.raises(SubmissionError, match="SIGABRT") as caught:
        score_apart(folders[0], mix)
    assert caught.value.where == "second?.parquet"


def _lies(mine, other, mix):
    """Yields the honest answers of scoring and comparing with one thing changed."""
    scores = score(mine, mix, replicates=10, against=other).to_records()
    for table, column, value in (
        ("scores", "task", "t9"),
        ("scores", "metric", "fame"),
        ("excluded", "task", "\x1b[2J"),
        ("differences", "better", "\x1b[2J"),
        ("differences", "dataset", "other"),
        ("differences", "value", "much"),
    ):
        changed = {name: [dict(row) if isinstance(row, dict) else row for row in rows] for name, rows in scores.items()}
        changed[table] = changed[table] or [{"dataset": "size"}]
        changed[table][0][column] = value
        yield changed
    yield {"scores": 5}
    yield {"fame": []}
    yield 5


def test_answers_that_no_honest_process_gives_are_refused(folders, mix, monkeypatch):
    """Of tasks, metrics and models that there are not, or of another form."""
    for lie in _lies(*folders, mix):
        monkeypatch.setattr(answers, "run_confined", lambda *_, lie=lie, **__: iter([lie]))
        with pytest.raises(SubmissionError, match="answers that are none"):
            score_apart(folders[0], mix, replicates=10, against=folders[1])


def test_ranks_of_models_that_were_not_asked_for_are_refused(folders, mix, monkeypatch):
    """A process that was taken over names no model of its own."""
    records = compare(folders, mix, replicates=10).to_records()
    records["ranks"][0]["model"] = "best of all"
    monkeypatch.setattr(answers, "run_confined", lambda *_, **__: iter([records]))
    with pytest.raises(SubmissionError, match="answers that are none"):
        compare_apart(folders, mix, replicates=10)


def test_limits_grow_with_replicates_and_files(folders, mix):
    """More replicates take more of everything; more files, more time in all, and no more for any one."""
    one = scoring_limits(mix, folders[:1], replicates=REPLICATES)
    two = scoring_limits(mix, folders, replicates=REPLICATES)
    more = scoring_limits(mix, folders, replicates=3 * REPLICATES)
    assert two.total_seconds == 2 * one.total_seconds
    assert (two.cpu_seconds, two.memory_bytes) == (one.cpu_seconds, one.memory_bytes)
    assert more.cpu_seconds == 3 * two.cpu_seconds
    assert more.memory_bytes > two.memory_bytes
