"""Tests of source and mix specs: what contradicts itself is refused."""

from __future__ import annotations

import copy

import pytest

from molmix_bench.errors import SpecError
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.mix import MixSpec, SplitSpec
from molmix_bench.specs.source import SourceSpec
from molmix_bench.vocab import DType

SOURCE = {
    "name": "s",
    "title": "S",
    "description": "d",
    "licence": "CC0-1.0",
    "citation": "c",
    "files": [{"name": "a.csv"}],
    "reader": {"form": "table", "smiles": "smiles"},
    "datasets": {
        "d": {
            "description": "d",
            "level": "graph",
            "kind": "regression",
            "duplicates": "mean",
            "tasks": [{"name": "t", "description": "x"}],
        }
    },
}


def _changed(path, value):
    data = copy.deepcopy(SOURCE)
    *parents, last = path
    target = data
    for key in parents:
        target = target[key]
    target[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("datasets", "d", "num_classes"), 5, "num_classes goes with kind 'multiclass'"),
        (("datasets", "d", "kind"), "multiclass", "num_classes goes with kind 'multiclass'"),
        (("datasets", "d", "dtype"), "int8", "dtype 'int8' does not fit kind 'regression'"),
        (("datasets", "d", "duplicates"), "majority", "duplicates 'majority' does not fit kind 'regression'"),
        (("datasets", "d", "level"), "edge", "level 'edge' is reserved"),
        (("datasets", "d", "tasks"), [{"name": "t", "description": "x"}] * 2, "task names repeat: t"),
        (("datasets", "d", "tasks"), [{"name": "smiles", "description": "x"}], "reserved for columns: smiles"),
        (("datasets", "d", "tasks"), [{"name": "a/b", "description": "x"}], "datasets.d.tasks.0.name"),
        (("datasets",), {"mix": SOURCE["datasets"]["d"]}, "dataset names are reserved: mix"),
        (("datasets",), {"Bad-Name": SOURCE["datasets"]["d"]}, "datasets.Bad-Name"),
        (("files",), [], "needs at least one file"),
        (("files",), [{"name": "a.csv"}, {"name": "a.csv"}], "file names repeat"),
        (("files",), [{"name": "../a.csv"}], "files.0.name"),
        (("files",), [{"name": "a.csv", "urls": ["file:///etc/passwd"]}], "files.0.urls.0"),
        (("reader",), {"form": "generated", "num_molecules": 5}, "a generated source has no files"),
        (("reader",), {"form": "tables", "smiles": "s"}, "reader"),
    ],
)
def test_contradictions_are_refused(path, value, what):
    """Each contradiction is refused with a message that names it."""
    with pytest.raises(SpecError) as error:
        validate_spec(SourceSpec, _changed(path, value), where="s.yaml")
    assert what in str(error.value)


def test_dtypes():
    """Tasks inherit the dataset's dtype; a list column is as wide as its widest task."""
    tasks = [{"name": "a", "description": "x"}, {"name": "b", "description": "x", "dtype": "float64"}]
    dataset = validate_spec(SourceSpec, _changed(("datasets", "d", "tasks"), tasks), where="f").datasets["d"]
    assert [dataset.task_dtype(task) for task in dataset.tasks] == [DType.FLOAT32, DType.FLOAT64]
    assert dataset.list_dtype is DType.FLOAT64


def test_split_fractions_leave_a_train_split():
    """Validation and test may not take everything."""
    with pytest.raises(ValueError, match="must be below 1"):
        SplitSpec(validation=0.5, test=0.5)


def _mix(sources, split):
    texts = dict.fromkeys(("title", "description", "citation"), "x")
    return {"name": "m", "version": "1.0.0", **texts, "sources": sources, "split": split}


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ({"sources": ["s"], "within": "qm8"}, "m.yaml: split.test_seen names qm8, of the sources s, qm9"),
        ({"sources": ["s"], "within": "s"}, "takes s from within itself"),
    ],
)
def test_seen_rule_names_sources_of_the_mix(rule, what):
    """A misspelt source in the rule is refused, instead of being taken for one that the build leaves out."""
    with pytest.raises(SpecError) as error:
        validate_spec(MixSpec, _mix([SOURCE, "qm9"], {"test_seen": rule}), where="m.yaml")
    assert what in str(error.value)
    good = _mix([SOURCE, "qm9"], {"test_seen": {"sources": ["s"], "within": "qm9"}})
    assert validate_spec(MixSpec, good, where="m.yaml").split.test_seen is not None


def test_errors_speak_of_keys_only():
    """The known keys are those of the reader that the spec names, and no word of the checker's own is shown."""
    with pytest.raises(SpecError) as error:
        validate_spec(SourceSpec, _changed(("reader",), {"form": "table", "smile": "x"}), where="f")
    assert "(did you mean 'smiles'?); known here: form, lookup, missing, smiles;" in str(error.value)
    with pytest.raises(SpecError) as error:
        validate_spec(MixSpec, _mix([3], {}), where="f")
    assert "key 'sources.0': Input should be a valid string (got 3)" in str(error.value)
    assert "function" not in str(error.value)
