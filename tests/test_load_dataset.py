"""Tests of built mixes as the `datasets` library sees them."""

from __future__ import annotations

import math

import datasets
import pytest

from molmix_bench.build.run import build
from molmix_bench.specs.catalog import load_mix_spec
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source
from tests.build.upstream import write_largemix

datasets.disable_progress_bars()


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    """Returns a mix of a regression and a sparse binary dataset, paper split."""
    folder = tmp_path_factory.mktemp("hf")
    binary = "smiles,x-1,x-2\n" + "".join(
        f"{text},{i % 2},{'' if i % 3 else 1}\n" for i, text in enumerate(ALKANES[5:])
    )
    tasks = [{"name": "t0", "description": "x", "dtype": "float64"}, {"name": "t1", "description": "x"}]
    one = table_source("one", numbered(ALKANES[:30], tasks=2), folder, tasks=tasks)
    return build_tiny(folder, one, table_source("bin", binary, folder, kind="binary"))


@pytest.fixture
def load(mix, tmp_path):
    """Returns `load_dataset` on the mix, with a cache of its own."""

    def _load(*args, **options):
        return datasets.load_dataset(str(mix.path), *args, cache_dir=str(tmp_path / "cache"), **options)

    return _load


def test_default_config_is_the_mix(mix, load):
    """Without a name, one row per molecule with a list per dataset; lists are never null."""
    loaded = load()
    assert {split: len(rows) for split, rows in loaded.items()} == {str(k): v for k, v in mix.splits.items()}
    features = loaded["train"].features
    assert features["one"] == datasets.List(datasets.Value("float64"))
    assert features["bin"] == datasets.List(datasets.Value("int8"))
    assert all(row["one"] is not None and row["bin"] is not None for row in loaded["train"])
    assert any(row["bin"] == [] for row in loaded["train"])
    assert any(None in row["bin"] for row in loaded["train"])


def test_dataset_configs(mix, load):
    """Each dataset is a config with one nullable column per task, in its dtype."""
    for name in mix.datasets:
        assert {k: len(v) for k, v in load(name).items()} == {str(k): v for k, v in mix.datasets[name].splits.items()}
    features = load("one")["train"].features
    assert {key: value.dtype for key, value in features.items()} == {
        "mol_id": "string",
        "smiles": "string",
        "inchikey": "string",
        "t0": "float64",
        "t1": "float32",
    }
    assert load("bin")["train"].features["x-1"].dtype == "int8"
    rows = load("bin")["train"].to_dict()
    built = mix.scan("bin", "train").collect().to_dict(as_series=False)
    assert rows == built
    assert None in rows["x-2"]


def test_streaming(mix, load):
    """Streaming gives the same rows."""
    streamed = list(load("bin", streaming=True)["test"])
    assert streamed == load("bin")["test"].to_list()


def test_tasks_config(mix, load):
    """The tasks are a config of one split, `full`."""
    tasks = load("tasks")
    assert list(tasks) == ["full"]
    assert tasks["full"]["task"] == ["t0", "t1", "x-1", "x-2"]


@pytest.mark.parametrize("config", ["mix", "one", "bin", "tasks"])
@pytest.mark.parametrize("form", ["torch", "numpy", "pandas", "polars", "arrow"])
def test_every_format(load, config, form):
    """Rows, slices and columns come out in every format."""
    rows = next(iter(load(config).values())).with_format(form)
    assert rows[0] is not None
    assert len(rows[:3]) > 0


def test_nulls_in_numbers(load):
    """A missing label is NaN in numpy and torch, null elsewhere, never 0."""
    rows = load("bin")["train"]
    missing = [i for i, value in enumerate(rows["x-2"]) if value is None]
    assert missing
    assert all(math.isnan(rows.with_format("numpy")["x-2"][i]) for i in missing)
    assert all(math.isnan(rows.with_format("torch")["x-2"][i]) for i in missing)
    assert rows.with_format("polars")["x-2"].is_null().arg_true().to_list() == missing


LARGEMIX = ["mix", "l1000_vcap", "l1000_mcf7", "pcba_1328", "pcqm4m_g25", "pcqm4m_n4", "tasks"]


@pytest.fixture(scope="module")
def largemix(tmp_path_factory):
    """Returns the path of LargeMix, from generated files: sparse pairs, classes, labels of atoms, four splits."""
    folder = tmp_path_factory.mktemp("largemix")
    write_largemix(folder / "raw", 120)
    return build(load_mix_spec("largemix"), folder / "mix", raw=[folder / "raw"]).path


@pytest.mark.parametrize("config", LARGEMIX)
def test_every_level_and_kind(largemix, tmp_path, config):
    """Every config of LargeMix comes out whole in every format, and streams the same rows."""
    loaded = datasets.load_dataset(str(largemix), config, cache_dir=str(tmp_path))
    streamed = datasets.load_dataset(str(largemix), config, streaming=True)
    assert set(streamed) == set(loaded)
    for split, rows in loaded.items():
        for form in ("torch", "numpy", "pandas", "polars", "arrow"):
            shown = rows.with_format(form)
            assert shown[0] is not None
            assert sum(len(batch["mol_id" if config != "tasks" else "task"]) for batch in shown.iter(7)) == len(rows)
        assert list(streamed[split]) == rows.to_list()


def test_configs_are_the_datasets(largemix):
    """The configs are the mix, its datasets and the tasks, in this order."""
    assert datasets.get_dataset_config_names(str(largemix)) == LARGEMIX
