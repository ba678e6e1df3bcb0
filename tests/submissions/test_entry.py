"""Tests of scoring a submission for a board."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from molmix_bench.errors import SubmissionError
from molmix_bench.submissions import entry
from molmix_bench.submissions.entry import declared_mix, entry_items, score_submission
from molmix_bench.submissions.score import means_steps, result_of
from tests.submissions.honest import build_mix, write_facts, write_submission


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    """The mix that is predicted."""
    return build_mix(tmp_path_factory.mktemp("mix"))


@pytest.fixture(scope="module")
def folder(mix, tmp_path_factory):
    """A submission of two seeds, for validation and test."""
    return write_submission(tmp_path_factory.mktemp("submission"), mix)


@pytest.fixture(scope="module")
def items(folder, mix):
    """What an honest process writes."""
    items = entry_items(str(folder), str(mix.path), ["test"], 50)
    return [item for item in items if not isinstance(item, str)]


def test_scores_are_those_of_the_test_split(folder, mix):
    """To the last bit, replicates too, as in this process; validation is left out; files by their hashes."""
    found = score_submission(folder, mix, replicates=50)
    seeds, means = result_of(means_steps(folder / "predictions", mix, replicates=50))
    is_macro = (means.table["aggregation"] == "macro") & (means.table["split"] == "test")
    assert found.macros.table.equals(means.table.filter(is_macro), null_equal=True)
    assert np.array_equal(found.macros.replicates, means.replicates[is_macro.to_numpy()], equal_nan=True)
    assert set(found.table.table["split"]) == {"test"}
    several = seeds.table.filter(seeds.table["task"].is_null(), split="test")
    assert found.table.table.height == several.height + (means.table["split"] == "test").sum()
    assert found.spec.model == "mean"
    expected = [f"predictions/{name}/test/seed={seed}.parquet" for name in ("size", "assay") for seed in (0, 1)]
    assert [file.path for file in found.files] == expected
    for file in found.files:
        data = (folder / file.path).read_bytes()
        assert (file.sha256, file.num_bytes) == (hashlib.sha256(data).hexdigest(), len(data))


def _lie(part):
    """Returns a change of the answers that an honest process would not make."""

    def change(items):
        scores = [item for item in items if "scores" in item]
        row = scores[0]["scores"]["scores"][0]
        if part == "none":
            items.clear()
        elif part == "spec":
            items[0]["spec"]["parameters"] = "<script>"
        elif part == "file":
            items[1]["file"]["more"] = 1
        elif part == "replicates":
            scores[0]["replicates"][0].pop()
        elif part == "numbers":
            scores[0]["replicates"][0][0] = "1e400x"
        elif part == "excluded":
            scores[0]["scores"]["excluded"] = [{"dataset": "size", "task": "t9"}]
        elif part == "number":
            items.append(1)
        else:
            row[part] = {"dataset": "other", "metric": "fame", "direction": "sideways", "task": "t9"}[part]
        return items

    return change


@pytest.mark.parametrize(
    "part",
    ["none", "spec", "file", "replicates", "numbers", "excluded", "number", "dataset", "metric", "direction", "task"],
)
def test_answers_that_no_honest_process_gives_are_refused(items, folder, mix, monkeypatch, part):
    """A file that takes the process over may lie about its own scores, and do no more."""
    monkeypatch.setattr(entry, "read_items", lambda *_, **__: iter(_lie(part)(json.loads(json.dumps(items)))))
    with pytest.raises(SubmissionError, match="answers that are none"):
        score_submission(folder, mix, replicates=50)


def test_the_declared_mix_is_read_where_the_rest_is_wrong(folder, tmp_path):
    """By its name alone; nothing where there is none."""
    assert declared_mix(folder) == "tiny"
    write_facts(tmp_path, {"predicts": {"name": "toymix"}, "seeds": "x"})
    assert declared_mix(tmp_path) == "toymix"
    write_facts(tmp_path, {"predicts": {"name": [1]}})
    assert declared_mix(tmp_path) is None
    (tmp_path / "submission.yaml").write_bytes(b"\xff&a [*a]")
    assert declared_mix(tmp_path) is None


def test_a_file_that_changes_meanwhile_is_refused(mix, tmp_path):
    """Its hash would be of something that was not scored."""
    folder = write_submission(tmp_path, mix)
    path = folder / "predictions" / "size" / "test" / "seed=0.parquet"
    items = entry_items(str(folder), str(mix.path), ["test"], 10)
    next(item for item in items if "scores" in item)
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)
    with pytest.raises(SubmissionError, match="changed meanwhile"):
        list(items)
