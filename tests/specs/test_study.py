"""Tests of the YAML files of studies."""

from __future__ import annotations

import pytest

from molmix_bench.errors import SpecError, UsageError
from molmix_bench.specs.baselines import baseline_names, find_baseline
from molmix_bench.specs.study import EfficiencySpec, find_study, load_study, parse_study, study_names
from molmix_bench.specs.suite import load_suite, suite_tasks
from tests.studies.small import study

KINDS = ("diversity", "scale", "efficiency", "representation", "transfer")


@pytest.mark.parametrize("name", study_names())
def test_studies_that_come_with_the_package(name):
    """Each can be read, is short, says which it is by its name, has three seeds at least, and names what there is."""
    spec = load_study(name)
    assert name.rpartition("/")[2] == spec.study
    assert len(find_study(name).read_text(encoding="utf-8").splitlines()) <= 60
    assert len(spec.seeds) >= 3
    known = {task.source for task in suite_tasks(load_suite("downstream"))}
    assert {task.source for task in getattr(spec, "tasks", ())} <= known
    if isinstance(spec, EfficiencySpec):
        assert all(find_baseline(item).is_file() for item in spec.baselines)


def test_every_study_is_there_twice():
    """Small and at full size, of the same schema; none of them is a baseline."""
    assert set(study_names()) == {*KINDS, *(f"full/{kind}" for kind in KINDS)}
    assert not any("diversity" in name for name in baseline_names())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": [0]}, r"key 'seed' is unknown \(did you mean 'seeds'\?\)"),
        ({"seeds": []}, "key 'seeds'"),
        ({"seeds": [1, 1]}, "seeds repeat"),
        ({"fractions": [0.5, 1.5]}, r"key 'fractions\.1'.*less than or equal to 1"),
        ({"widths": [0]}, r"key 'widths\.0'"),
        ({"train": {"model": {"architecture": "gine"}, "training": {"epochs": 1}}}, "training lacks batch_size"),
        (
            {"train": {"model": {"architecture": "gine"}, "training": {"epochs": 1, "batch_size": 1, "seeds": [3]}}},
            "the seeds are those of the study",
        ),
        ({"train": {"model": {"architecture": "trees"}, "training": {}}}, r"key 'train\.model'.*trees"),
    ],
)
def test_specs_that_are_none(changes, message):
    """Every error names the key and what is wrong with it."""
    with pytest.raises(SpecError, match=message):
        study("scale", **changes)


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([{}], "a task has a source or a file"),
        ([{"source": "esol", "file": "x.csv"}], "a task has a source or a file"),
        ([{"source": "esol", "smiles": "x"}], "they go with a file"),
        ([{"file": "x.csv", "folds": {"limit": 16}}], "the study says how many labels"),
        ([], "key 'tasks'"),
    ],
)
def test_tasks_that_are_none(tasks, message):
    """A task is a dataset of the catalog or a file, and the study has its number of labels."""
    with pytest.raises(SpecError, match=message):
        study("transfer", tasks=tasks)


def test_bodies_have_names_of_their_own():
    """Neither twice the same, nor that of a reference."""
    for names in (("a", "a"), ("a", "scratch")):
        bodies = [{"name": name, "mix": f"mix{place}"} for place, name in enumerate(names)]
        with pytest.raises(SpecError, match="names of bodies repeat"):
            study("transfer", tasks=[{"source": "esol"}], bodies=bodies)


def test_which_study_it_is(tmp_path):
    """A file without `study`, or with another word, and a name that there is not are told with the nearest."""
    with pytest.raises(SpecError, match=r"found study 'scales' \(did you mean 'scale'\?\); expected study: one of"):
        parse_study({"study": "scales"}, where="x.yaml")
    with pytest.raises(SpecError, match="found no key 'study'"):
        parse_study({"name": "a"}, where="x.yaml")
    with pytest.raises(UsageError, match=r"no study of that name \(did you mean 'diversity'\?\)"):
        load_study("diversty")
    with pytest.raises(UsageError, match=r"with --set widthes=\[3\]: key 'widthes' is unknown"):
        load_study("scale", ["widthes=[3]"])
    path = tmp_path / "mine.yaml"
    path.write_text(find_study("scale").read_text(encoding="utf-8"), encoding="utf-8")
    assert load_study(path, ["widths=[8]"]).widths == (8,)


@pytest.mark.parametrize("name", study_names())
def test_what_is_written_down_is_read_again(name):
    """A spec in full, with all defaults, is the same study."""
    spec = load_study(name)
    assert parse_study(spec.model_dump(mode="json"), where="spec.yaml") == spec
