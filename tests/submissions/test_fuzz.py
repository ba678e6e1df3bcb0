"""Anything at all in place of a submission's files: every outcome is scores or a refusal."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.predictions import prediction_path
from molmix_bench.metrics.reference import read_reference
from molmix_bench.submissions.confined import Limits, run_confined
from molmix_bench.submissions.format import read_predictions
from molmix_bench.submissions.lists import PredictionShape
from molmix_bench.submissions.steps import check_steps
from molmix_bench.vocab import Level
from tests.submissions.honest import build_mix, facts, write_facts, write_submission
from tests.submissions.mutations import mutate, outcomes

ONE_FOLDER = (HealthCheck.function_scoped_fixture,)
"""Each example writes its file anew."""
LARGEST = float(np.finfo(np.float32).max)
VALUES = st.sampled_from([0.0, -1.5, 1e300, np.nan, np.inf, -np.inf]) | st.floats(width=32) | st.none()


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    """The mix that is predicted."""
    return build_mix(tmp_path_factory.mktemp("mix"))


@pytest.fixture(scope="module")
def submission(mix, tmp_path_factory):
    """A submission without a fault."""
    return write_submission(tmp_path_factory.mktemp("submission"), mix)


@pytest.fixture(scope="module")
def reference(mix):
    """The labels of one test split."""
    return read_reference(mix, "size", "test")


@settings(max_examples=4, deadline=None, suppress_health_check=ONE_FOLDER)
@given(st.integers(0, 2**32))
def test_spoilt_files_give_scores_or_a_refusal(mix, submission, tmp_path, seed):
    """Truncated, flipped, repeated and overwritten bytes, and large numbers in footers; fifty files each time."""
    chance = random.Random(seed)
    data = prediction_path(submission / "predictions", "size", split="test", seed=0).read_bytes()
    paths = [str(tmp_path / f"{number}.parquet") for number in range(50)]
    for number in range(len(paths)):
        (tmp_path / f"{number}.parquet").write_bytes(mutate(data, chance) if number else data)
    arguments = {"paths": paths, "mix": str(mix.path), "dataset": "size", "split": "test"}
    found, refusal = [], ""
    try:
        found += run_confined(outcomes, arguments, limits=Limits(memory_bytes=1 << 30, cpu_seconds=20))
    except SubmissionError as error:
        refusal = error.found
    # A limit, or a crash inside Arrow, may end the process; but no exception that the code did not foresee.
    assert "reading it fails" not in refusal
    if not refusal:
        assert found[1] == [paths[0], "scores"]
        assert len(found) == 100


@st.composite
def tables(draw, ids):
    """Returns rows of ids, right and wrong, with lists, right and wrong, in any order."""
    strange = st.text(max_size=70) | st.sampled_from(
        [f"{ids[0]} ", ids[0].lower(), f"\u200b{ids[0]}", f"{ids[0]}\u0301"]
    )
    names = draw(st.permutations(ids) | st.lists(st.sampled_from(ids) | strange | st.none(), max_size=15))
    row = st.lists(VALUES, min_size=2, max_size=2)
    rows = draw(st.lists(row, min_size=len(names), max_size=len(names)))
    if draw(st.booleans()) and rows:
        rows[-1] = draw(st.none() | st.lists(VALUES, max_size=4))
    return names, rows


@settings(max_examples=80, deadline=None, suppress_health_check=ONE_FOLDER)
@given(st.data())
def test_strange_tables_give_scores_or_a_refusal(tmp_path, reference, data):
    """Scores exactly where each molecule is there once with two finite numbers within float32."""
    ids = reference.mol_id.to_list()
    names, rows = data.draw(tables(ids))
    path = tmp_path / "seed=0.parquet"
    columns = {"mol_id": pa.array(names, pa.string()), "prediction": pa.array(rows, pa.list_(pa.float64()))}
    pq.write_table(pa.table(columns), path, row_group_size=data.draw(st.integers(1, 20)))
    right = sorted(map(str, names)) == sorted(ids) and all(
        row is not None and len(row) == 2 and all(x is not None and abs(x) <= LARGEST for x in row) for row in rows
    )
    scored = True
    try:
        found = read_predictions(path, PredictionShape(Level.GRAPH, 2))
        evaluate_reference(reference, mol_id=found.mol_id, prediction=found.values, seed=0, where=str(path))
    except SubmissionError:
        scored = False
    assert scored is right


_TEXT = st.text(max_size=30) | st.sampled_from(["FILL IN", "\u202egro.elpmaxe", "&a [*a]", "!!python/none", "\x00"])
_LEAF = _TEXT | st.none() | st.booleans() | st.integers() | st.floats()
_TREE = st.recursive(
    _LEAF, lambda item: st.lists(item, max_size=3) | st.dictionaries(_TEXT, item, max_size=3), max_leaves=6
)
_KEYS = ("model", "version", "authors", "contact", "licence", "code", "predicts", "training_data", "seeds", "hours")


@settings(max_examples=40, deadline=None, suppress_health_check=ONE_FOLDER)
@given(key=st.sampled_from(_KEYS), value=_TREE)
def test_strange_values_in_the_yaml_are_named(mix, submission, key, value):
    """Each is a problem that names the key, or a value that the key may have."""
    write_facts(submission, facts(mix) | {key: value})
    items = [item for item in check_steps(str(submission), str(mix.path), []) if "step" not in item]
    assert all(set(item) == {"where", "found", "expected", "fix"} for item in items)
    allowed = key in ("model", "version", "hours", "contact", "seeds")
    assert allowed or any("submission.yaml" in item["where"] for item in items)


@settings(max_examples=60, deadline=None, suppress_health_check=ONE_FOLDER)
@given(st.binary(max_size=200) | st.text("&*!{}[]:-#>|?%@`'\" \n\tab1", max_size=60).map(str.encode))
def test_any_bytes_in_place_of_the_yaml_are_refused(mix, submission, data):
    """No exception, and always a problem of `submission.yaml`."""
    (submission / "submission.yaml").write_bytes(data)
    items = [item for item in check_steps(str(submission), str(mix.path), []) if "step" not in item]
    assert any(item["where"].startswith("submission.yaml") for item in items)
