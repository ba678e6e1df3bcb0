"""Tests of drafted mixes: whatever the file is called and holds, the draft is valid and builds."""

from __future__ import annotations

import polars as pl
import pytest

from molmix_bench.build.draft import draft_mix
from molmix_bench.build.run import build
from molmix_bench.errors import UsageError
from molmix_bench.sources.inspect import inspect_table
from molmix_bench.specs.catalog import load_mix_file
from molmix_bench.vocab import Kind
from tests.build.tiny import ALKANES


def _draft(folder, columns, name="t.csv"):
    frame = pl.DataFrame({"smiles": list(ALKANES), **{key: list(values) for key, values in columns.items()}})
    frame.write_csv(folder / name)
    return draft_mix(inspect_table(folder / name))


def _build(folder, draft):
    (folder / "mix.yaml").write_text(draft.text, encoding="utf-8")
    spec = load_mix_file(folder / "mix.yaml")
    assert spec == draft.spec
    return build(spec, folder / "built", raw=[folder])


def test_a_dataset_per_kind(tmp_path):
    """Columns of one kind make a dataset; classes are told apart by their number."""
    columns = {
        "value": [row / 3 for row in range(40)],
        "active": [row % 2 for row in range(40)],
        "three": [row % 3 for row in range(40)],
        "four": [row % 4 for row in range(40)],
        "other": [row / 7 for row in range(40)],
    }
    mix = _build(tmp_path, _draft(tmp_path, columns))
    found = {name: (item.kind, item.num_classes, item.tasks) for name, item in mix.datasets.items()}
    assert found == {
        "t_regression": (Kind.REGRESSION, None, ("value", "other")),
        "t_binary": (Kind.BINARY, None, ("active",)),
        "t_multiclass3": (Kind.MULTICLASS, 3, ("three",)),
        "t_multiclass4": (Kind.MULTICLASS, 4, ("four",)),
    }
    assert mix.manifest.datasets["t_binary"].labels.kept == 40


@pytest.mark.parametrize(
    "name",
    [
        "label",
        "mol_id",
        "a/b",
        "a\\b",
        'say "so"',
        "it's: {x} # y",
        "naïve 😀\u2028",
        " spaced ",
        "- dash",
        "x" * 200,
        "1e3",
    ],
)
def test_names_of_columns(tmp_path, name):
    """Any name of a column can stand in the YAML; the task is called so where it may be."""
    draft = _draft(tmp_path, {name: [row / 3 for row in range(40)], "y": [row / 7 for row in range(40)]})
    mix = _build(tmp_path, draft)
    (task, other) = mix.datasets["t"].spec.tasks
    assert (task.column or task.name) == name
    assert other.name == "y"
    assert mix.manifest.datasets["t"].labels.kept == 80


def test_names_that_become_equal(tmp_path):
    """Two columns that would make one name of a task get two."""
    columns = {"a/b": [row / 3 for row in range(40)], "a\\b": [row / 7 for row in range(40)]}
    mix = _build(tmp_path, _draft(tmp_path, columns))
    assert mix.datasets["t"].tasks == ("a_b", "a_b_2")


def test_a_star_is_no_pattern(tmp_path):
    """A column whose name has a `*` is left out, since a task of that name would stand for several columns."""
    draft = _draft(tmp_path, {"p*": [row / 3 for row in range(40)], "y": [row / 7 for row in range(40)]})
    assert draft.left_out == {"p*": "its name has a *"}
    assert _build(tmp_path, draft).datasets["t"].tasks == ("y",)


@pytest.mark.parametrize("name", ["Mix.csv", "all.csv", "2024-11_Assay.csv", "____.csv", "x" * 90 + ".csv"])
def test_names_of_files(tmp_path, name):
    """The names of mix, source and dataset follow from the file's, and are allowed."""
    mix = _build(tmp_path, _draft(tmp_path, {"y": [row / 7 for row in range(40)]}, name))
    assert list(mix.datasets) == [mix.name]


def test_a_file_with_a_name_that_no_spec_can_hold(tmp_path):
    """A space in the file's name is told before anything is written."""
    with pytest.raises(UsageError, match="rename the file"):
        _draft(tmp_path, {"y": [row / 7 for row in range(40)]}, "my assay.csv")


def test_missing_texts_reach_the_reader(tmp_path):
    """A text that means no label is listed under `missing`, and its cells are no labels in the build."""
    values = ["-" if row % 4 == 0 else f"{row}.5" for row in range(40)]
    mix = _build(tmp_path, _draft(tmp_path, {"y": values}))
    assert mix.manifest.datasets["t"].labels.read == 30


def test_nothing_to_learn(tmp_path):
    """A table without labels is refused, and says why of each column."""
    with pytest.raises(UsageError, match=r"no column with labels \(name: 40 of its cells are no numbers"):
        _draft(tmp_path, {"name": [f"compound {row}" for row in range(40)]})


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "tasks"),
    [
        ("BBBP.csv.gz", {"bbbp": 1}),
        ("Lipophilicity.csv.gz", {"lipophilicity": 1}),
        ("SAMPL.csv.gz", {"sampl": 2}),
        ("bace.csv.gz", {"bace_binary": 1, "bace_regression": 1}),
        ("clintox.csv.gz", {"clintox": 2}),
        ("cyp2d6_veith.tab.gz", {"cyp2d6_veith": 1}),
        ("esol.csv.gz", {"esol_regression": 6, "esol_multiclass3": 1, "esol_multiclass9": 1}),
        ("sider.csv.gz", {"sider": 27}),
    ],
)
def test_downstream_files_build_unchanged(raw_data, tmp_path, name, tasks):
    """The drafts of all downstream files build as they are, and every row of the file is read."""
    table = inspect_table(raw_data / "downstream" / name)
    assert table.rivals == ()
    draft = draft_mix(table)
    (tmp_path / "mix.yaml").write_text(draft.text, encoding="utf-8")
    mix = build(load_mix_file(tmp_path / "mix.yaml"), tmp_path / "built", raw=[raw_data / "downstream"])
    assert {key: len(item.tasks) for key, item in mix.datasets.items()} == tasks
    for entry in mix.manifest.datasets.values():
        assert entry.rows.read == table.num_rows
        assert entry.rows.kept > 0.95 * table.num_rows
    assert set(mix.splits) == {"train", "validation", "test"}
