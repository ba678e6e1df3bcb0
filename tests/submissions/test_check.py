"""Tests of checking a whole submission."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from molmix_bench.errors import SubmissionError, UsageError
from molmix_bench.metrics.predictions import write_predictions
from molmix_bench.submissions import check
from molmix_bench.submissions.check import check_submission, limits_for
from molmix_bench.submissions.folder import MAX_ENTRIES, find_predictions
from molmix_bench.submissions.steps import check_steps
from tests.submissions.honest import bomb, build_mix, facts, write_facts, write_submission


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    """The mix that is predicted."""
    return build_mix(tmp_path_factory.mktemp("mix"))


@pytest.fixture(scope="module")
def written(mix, tmp_path_factory):
    """A submission without a fault."""
    return write_submission(tmp_path_factory.mktemp("honest"), mix)


@pytest.fixture
def folder(written, tmp_path):
    """A copy of it, to be spoilt."""
    return shutil.copytree(written, tmp_path / "submission")


def _problems(folder, mix):
    """Returns the problems that the steps yield in this process, as (where, found)."""
    items = [item for item in check_steps(str(folder), str(mix.path), []) if "step" not in item]
    assert all(item["fix"] and item["expected"] for item in items)
    return [(item["where"], item["found"]) for item in items]


def test_a_submission_without_a_fault_has_no_problem(written, mix):
    """In a process of its own."""
    assert check_submission(written, mix) == ()


def test_everything_is_said_at_once(folder, mix):
    """Facts, files in the wrong place, files that cannot be read, molecules and values, each with what to do."""
    write_facts(folder, facts(mix) | {"contact": "FILL IN: who", "vresion": 1, "seeds": [0, 1, 2]})
    (folder / "notes.txt").write_text("hello", encoding="utf-8")
    predictions = folder / "predictions"
    (predictions / "sise").mkdir()
    shutil.rmtree(predictions / "assay" / "validation")
    (predictions / "size" / "test" / "seed=0.parquet").write_bytes(b"none")
    path = predictions / "size" / "test" / "seed=1.parquet"
    path.unlink()
    write_predictions(path, ["a", "b"], np.ones((2, 2)))
    path = predictions / "assay" / "test" / "seed=1.parquet"
    ids = mix.scan("assay", "test").collect()["mol_id"]
    write_predictions(path, ids, np.full((len(ids), 1), np.nan))
    found = check_submission(folder, mix)
    assert all(problem.fix and problem.expected for problem in found)
    text = [f"{problem.where}: {problem.found}" for problem in found]
    for expected in (
        "'notes.txt'",
        "submission.yaml vresion: key 'vresion' is unknown (did you mean 'version'?)",
        "submission.yaml contact: key 'contact': still to be filled in",
        "'sise' is no dataset (did you mean 'size'?)",
        "predictions/assay/validation: no file",
        "predictions/assay/test: no seed 2",
        "predictions/size/test/seed=0.parquet: no parquet footer",
        "predictions/size/test/seed=1.parquet: molecules missing",
        "predictions/assay/test/seed=1.parquet: impossible predictions for labelled cells",
    ):
        assert any(expected in line for line in text), (expected, text)


@pytest.mark.parametrize(
    ("change", "where", "found"),
    [
        ({"version": "2.0.0"}, "submission.yaml predicts.version", "2.0.0"),
        ({"build_key": "0" * 64}, "submission.yaml predicts.build_key", "0" * 64),
        ({"name": "other"}, "submission.yaml predicts.name", "other"),
        ({"datasets": ["size"]}, "predictions/assay/test", "files that are not declared"),
        ({"splits": ["test"]}, "predictions/size/validation", "files that are not declared"),
        ({"datasets": ["size", "assay", "asay"]}, "submission.yaml predicts.datasets", "no dataset of tiny: 'asay'"),
    ],
)
def test_facts_are_compared_with_files_and_mix(folder, mix, change, where, found):
    """What `predicts` says has to be so."""
    given = facts(mix)
    write_facts(folder, given | {"predicts": given["predicts"] | change})
    assert any(place == where and text.startswith(found) for place, text in _problems(folder, mix))


def test_seeds_that_are_not_listed_are_named(folder, mix):
    """In every dataset and split."""
    write_facts(folder, facts(mix) | {"seeds": [1, 5]})
    found = dict(_problems(folder, mix))
    assert len(found) == 4
    assert set(found.values()) == {"no seed 5 and seed 0 besides"}


@pytest.mark.parametrize(
    "text",
    ["a: &x [1]\nb: *x", "[]", "\x00", "a: 1\na: 2", "!!python/object/apply:os.system ['true']", "x" * (70 << 10)],
)
def test_yaml_that_is_not_plain_is_refused(folder, mix, text):
    """Anchors, tags, repeated keys, and texts too long to be one."""
    (folder / "submission.yaml").write_text(text, encoding="utf-8")
    assert [place for place, _ in _problems(folder, mix)] == ["submission.yaml"]


@pytest.mark.parametrize("name", ["submission.yaml", "run.yaml", "predictions", "predictions/size/test/seed=0.parquet"])
def test_links_are_refused(folder, mix, name):
    """Wherever they stand."""
    path = folder / name
    if path.exists():
        path.rename(folder.parent / "elsewhere")
    path.symlink_to(folder.parent / "elsewhere")
    assert any("link" in text for _, text in _problems(folder, mix))


def test_a_pipe_in_place_of_a_file_is_refused(folder, mix):
    """Opening one would wait for ever."""
    path = folder / "predictions" / "size" / "test" / "seed=0.parquet"
    path.unlink()
    os.mkfifo(path)
    assert ("predictions/size/test/seed=0.parquet", "no regular file") in _problems(folder, mix)


def test_seeds_are_capped(folder, mix):
    """At twenty, by name and before any is read."""
    split = folder / "predictions" / "size" / "test"
    for seed in range(2, 22):
        shutil.copy(split / "seed=0.parquet", split / f"seed={seed}.parquet")
    with pytest.raises(SubmissionError, match="size/test holds 22 files, more than 20 seeds"):
        find_predictions(folder / "predictions", mix)
    assert MAX_ENTRIES > 22


def test_a_bomb_is_refused_and_the_rest_is_read(folder, mix):
    """A file of 737 bytes that takes 2 GB without a limit; with one, a problem of its own beside the next file's."""
    (folder / "predictions" / "size" / "test" / "seed=0.parquet").write_bytes(bomb())
    (folder / "predictions" / "size" / "test" / "seed=1.parquet").write_bytes(b"none")
    limits = replace(limits_for(mix), memory_bytes=400 << 20)
    first, second = check_submission(folder, mix, limits=limits)
    assert first.where == "predictions/size/test/seed=0.parquet"
    assert first.found == "data that take more memory than they may"
    assert (second.where, second.found) == ("predictions/size/test/seed=1.parquet", "no parquet footer")


@pytest.mark.parametrize(
    "text",
    ["seeds: [" + "x," * 32_000 + "]", "".join(f"{key:x}z: 1\n" for key in range(5_800))],
    ids=["list", "keys"],
)
def test_thousands_of_wrong_values_take_no_long_time(folder, mix, text):
    """Of 64 kB that hold nothing right, some hundreds are told, well within the limit on time."""
    (folder / "submission.yaml").write_text(text, encoding="utf-8")
    found = check_submission(folder, mix, limits=replace(limits_for(mix), cpu_seconds=10))
    assert len(found) == 500
    assert not [item for item in found if "takes more than" in item.found]


def dying_steps(folder, mix, skip, part, num_parts):
    """Stands for the real steps: each ends the process."""
    for step in ("one", "two", "three", "four"):
        if step not in skip:
            yield {"step": step}
            os.abort()


def test_files_that_end_the_process_are_problems(folder, mix, monkeypatch):
    """Each is named, the next process goes on behind it, and after three of them nothing more is read."""
    monkeypatch.setattr(check, "check_steps", dying_steps)
    found = check_submission(folder, mix)
    assert [problem.where for problem in found] == ["one", "two", "three", "."]
    assert {problem.found.partition(",")[0] for problem in found[:3]} == {"reading it ends in SIGABRT"}
    assert found[-1].found.startswith("3 files that ended the process")


def test_parts_side_by_side_say_the_same(folder, mix, monkeypatch):
    """In the same order, whichever process finds what."""
    for dataset in ("size", "assay"):
        (folder / "predictions" / dataset / "test" / "seed=1.parquet").write_bytes(b"none")
    (folder / "notes.txt").write_text("hello", encoding="utf-8")
    alone = check_submission(folder, mix)
    monkeypatch.setattr(check, "_WORTH_PARTS", 0)
    monkeypatch.setattr(check.os, "cpu_count", lambda: 2)
    assert check_submission(folder, mix) == alone
    assert [problem.where.split("/")[1:2] for problem in alone] == [[], ["size"], ["assay"]]
    wanted = {item["step"] for item in check_steps(str(folder), str(mix.path), []) if "step" in item}
    steps = [
        [item["step"] for item in check_steps(str(folder), str(mix.path), [], part, 2) if "step" in item]
        for part in (0, 1)
    ]
    assert len(steps[0]) + len(steps[1]) == len(wanted) == len({*steps[0], *steps[1]})
    assert any("parquet" in step for step in steps[0])
    assert any("parquet" in step for step in steps[1])


def test_a_folder_has_to_be_there(tmp_path, mix):
    """Else it is a matter of usage."""
    with pytest.raises(UsageError, match="no such folder"):
        check_submission(tmp_path / "none", mix)
