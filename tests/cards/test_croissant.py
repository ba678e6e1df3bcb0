"""Tests of Croissant, by its own library: valid without a word, and every record comes out as it is in the tables."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import shutil

import pytest

from molmix_bench.cards.croissant import describe_croissant

mlcroissant = pytest.importorskip("mlcroissant")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def croissant(carded):
    """Returns the mix's Croissant, opened by mlcroissant."""
    return mlcroissant.Dataset(str(carded.path / "croissant.json"))


def _plain(value):
    """Returns a record's value as the tables have it: text is bytes in Croissant, and null may be NaN."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key.rpartition("/")[2]: _plain(item) for key, item in value.items()}
    number = value.item() if hasattr(value, "item") else value
    return None if isinstance(number, float) and math.isnan(number) else number


def _compare(opened, mix, config):
    """Compares a config's records with its rows, splits included."""
    found = [{key.partition("/")[2]: _plain(value) for key, value in row.items()} for row in opened.records(config)]
    splits = mix.splits if config == "mix" else mix.datasets[config].splits
    expected = [
        {"split": str(split), **row} for split in splits for row in mix.scan(config, split).collect().to_dicts()
    ]
    assert sorted(found, key=_key) == sorted(expected, key=_key)


@pytest.mark.parametrize("config", ["mix", "one", "bin", "many", "classes"])
def test_records_are_the_rows(croissant, carded, config):
    """Every record of a config is its row, with its split."""
    _compare(croissant, carded, config)


@pytest.mark.parametrize("config", ["mix", "atoms"])
def test_labels_of_atoms(atoms, config):
    """Lists, and lists of lists, come out with what is missing in them."""
    file = atoms.path / "croissant.json"
    file.write_text(json.dumps(describe_croissant(atoms, url="https://example.org")))
    _compare(mlcroissant.Dataset(str(file)), atoms, config)


def _key(row):
    return row["split"], row["mol_id"]


def test_one_split(croissant, carded):
    """Asking for one split reads that split."""
    found = list(croissant.records("one", filters={"one/split": "test"}))
    assert len(found) == carded.datasets["one"].splits["test"] > 0


def test_tasks(croissant, carded):
    """The tasks are a record set of their own."""
    found = [row["tasks/task"].decode() for row in croissant.records("tasks")]
    assert found == carded.tasks["task"].to_list()


def test_checksums_are_checked(carded, tmp_path):
    """FileObjects have the files' checksums, by which mlcroissant refuses a changed file."""
    copy = shutil.copytree(carded.path, tmp_path / "mix")
    data = json.loads((copy / "croissant.json").read_text())
    files = [item for item in data["distribution"] if item["@type"] == "cr:FileObject"]
    assert {item["contentUrl"] for item in files} == {p.relative_to(copy).as_posix() for p in copy.rglob("*.parquet")}
    for item in files:
        assert hashlib.sha256((copy / item["contentUrl"]).read_bytes()).hexdigest() == item["sha256"]
    with (copy / "tasks.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(Exception, match=r"Download\(tasks.parquet\)"):
        list(mlcroissant.Dataset(str(copy / "croissant.json")).records("tasks"))


def test_valid_without_warnings(carded, tmp_path, caplog):
    """With a day of publication mlcroissant has nothing to say; the version is 1.1."""
    data = describe_croissant(carded, url="https://example.org", published="2024-05-01")
    file = carded.path / "croissant.json"
    assert data["conformsTo"] == json.loads(file.read_text())["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    (tmp_path / "croissant.json").write_text(json.dumps(data))
    for item in data["distribution"]:
        if item["@type"] == "cr:FileObject":
            target = tmp_path / item["contentUrl"]
            target.parent.mkdir(exist_ok=True)
            target.write_bytes((carded.path / item["contentUrl"]).read_bytes())
    with caplog.at_level(logging.WARNING):
        opened = mlcroissant.Dataset(str(tmp_path / "croissant.json"))
    assert not caplog.records
    assert not opened.metadata.ctx.issues.errors
    assert not opened.metadata.ctx.issues.warnings


def test_names_that_are_no_addresses(nasty):
    """A task whose name is markup is a field with that name, and its records come out."""
    opened = mlcroissant.Dataset(str(nasty.path / "croissant.json"))
    rows = list(opened.records("one"))
    assert len(rows) == sum(nasty.datasets["one"].splits.values())
    assert len(rows[0]) == 6
