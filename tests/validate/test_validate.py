"""Tests of validation: a good mix passes, and every kind of damage is found by the check that is for it."""

from __future__ import annotations

import json
import shutil

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from molmix_bench.mix import Mix
from molmix_bench.sources.download import file_sha256
from molmix_bench.validate.findings import Severity
from molmix_bench.validate.leakage import leakage_table
from molmix_bench.validate.run import validate
from tests.build.tiny import ALKANES, build_tiny, numbered, table_source

BINARY = "smiles,a,b\n" + "".join(f"{text},{i % 2},{'' if i % 3 else 1}\n" for i, text in enumerate(ALKANES))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Returns a mix split by hash, so that no molecule may be in two splits."""
    folder = tmp_path_factory.mktemp("validate")
    one = table_source("one", numbered([*ALKANES, ALKANES[0]], tasks=2), folder)
    two = table_source("two", BINARY, folder, kind="binary")
    return build_tiny(folder, one, two, method="hash", validation=0.2, test=0.3).path


@pytest.fixture
def mix(built, tmp_path):
    """Returns a copy of the mix to damage."""
    return shutil.copytree(built, tmp_path / "mix")


def _errors(path):
    return {(item.check, item.where): item for item in validate(path) if item.severity is Severity.ERROR}


def _rewrite(mix, name, change):
    """Changes a table and gives the manifest the new file's checksum and size, as a careful vandal would."""
    path = mix / name
    table = change(pl.read_parquet(path)).to_arrow()
    # Polars' own types are the large ones; the contract's are not.
    plain = [pa.field(field.name, _plain(field.type)) for field in table.schema]
    pq.write_table(table.cast(pa.schema(plain)), path)
    data = json.loads((mix / "manifest.json").read_text())
    for file in data["files"]:
        if file["path"] == name:
            file |= {"sha256": file_sha256(path), "num_bytes": path.stat().st_size}
    (mix / "manifest.json").write_text(json.dumps(data))


def _plain(dtype):
    if pa.types.is_large_list(dtype):
        return pa.list_(_plain(dtype.value_type))
    return pa.string() if pa.types.is_large_string(dtype) else dtype


TRAIN = "one/train-00000-of-00001.parquet"
BIN = "two/train-00000-of-00001.parquet"
MIX = "mix/train-00000-of-00001.parquet"


def test_good_mix(mix):
    """A mix as built has no errors; leaks of skeletons and scaffolds may be told."""
    assert _errors(mix) == {}


def test_changed_byte(mix):
    """One byte changed, at equal length, is found by its checksum."""
    data = bytearray((mix / TRAIN).read_bytes())
    data[len(data) // 2] ^= 1
    (mix / TRAIN).write_bytes(data)
    assert set(_errors(mix)) == {("files", TRAIN)}


def test_missing_and_foreign_files(mix):
    """A missing file keeps the mix from opening; a foreign one is a warning."""
    (mix / "stray.txt").write_text("x")
    warnings = [item.where for item in validate(mix) if item.severity is Severity.WARNING]
    assert "stray.txt" in warnings
    (mix / TRAIN).unlink()
    found = validate(mix)
    assert [(item.check, item.severity) for item in found] == [("open", Severity.ERROR)]
    assert "no such file" in found[0].message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop("t1"), "missing ['t1']"),
        (lambda frame: frame.select("smiles", "mol_id", "inchikey", "t0", "t1"), "in another order"),
        (lambda frame: frame.with_columns(pl.col("t0").cast(pl.Float64)), "column 't0' is double, expected float"),
        (lambda frame: frame.reverse(), "rows are not strictly sorted by mol_id"),
        (lambda frame: pl.concat([frame.head(1), frame]), "rows are not strictly sorted by mol_id"),
        (lambda frame: frame.with_columns(smiles=pl.lit(None, pl.String)), "column 'smiles' holds nulls"),
    ],
)
def test_schema_damage(mix, change, message):
    """Columns, types, order, duplicates and nulls against the contract are found."""
    _rewrite(mix, TRAIN, change)
    assert any(message in item.message for item in _errors(mix).values())


def test_null_list_in_the_mix_table(mix):
    """A null list, which breaks formats of `datasets`, is found."""
    _rewrite(mix, MIX, lambda frame: frame.with_columns(one=pl.when(pl.int_range(pl.len()) > 0).then("one")))
    assert any("column 'one' holds nulls" in item.message for item in _errors(mix).values())


def test_changed_label(mix):
    """A label changed with care shows in the content digest."""
    _rewrite(mix, TRAIN, lambda frame: frame.with_columns(pl.col("t0") + 1))
    assert any("content digest" in item.message for item in _errors(mix).values())


def test_missing_row_and_label(mix):
    """Rows and labels fewer than the manifest says are counted."""
    _rewrite(mix, TRAIN, lambda frame: frame.head(-1))
    messages = [item.message for item in validate(mix) if item.check == "counts"]
    assert any(message.startswith("rows: ") for message in messages)
    assert any(message.startswith("labels: ") for message in messages)
    assert any(message.startswith("labels against tasks.parquet: ") for message in messages)


def test_drops_that_do_not_add_up(mix):
    """Drops that the manifest does not know are found."""
    _rewrite(mix, "conflicts.parquet", lambda frame: frame.clear())
    assert any("rows in conflicts.parquet: 0, the manifest says" in item.message for item in _errors(mix).values())


@pytest.mark.parametrize(("column", "value", "expected"), [("a", 3, "classes 0 to 1"), ("a", -1, "classes 0 to 1")])
def test_impossible_labels(mix, column, value, expected):
    """A class that is none is found, and counted."""
    _rewrite(mix, BIN, lambda frame: frame.with_columns(pl.lit(value, pl.Int8).alias(column)))
    assert any(item.check == "labels" and expected in item.message for item in _errors(mix).values())


def test_infinite_label(mix):
    """An infinite label is found."""
    _rewrite(mix, TRAIN, lambda frame: frame.with_columns(pl.lit(float("inf"), pl.Float32).alias("t0")))
    assert any(item.check == "labels" and "finite" in item.message for item in _errors(mix).values())


def test_molecule_in_two_splits(mix):
    """Under a split that rules it out, a molecule in train and test is an error, within and across datasets."""
    stranger = pl.read_parquet(mix / TRAIN).head(1)
    name = "one/test-00000-of-00001.parquet"
    _rewrite(mix, name, lambda frame: pl.concat([frame, stranger]).sort("mol_id"))
    errors = _errors(mix)
    assert ("molecules", "one") in errors
    assert ("leakage", "one/test") in errors


def test_two_smiles_for_one_molecule(mix):
    """A molecule with another SMILES in another dataset is an error."""
    _rewrite(mix, BIN, lambda frame: frame.with_columns(pl.lit("CCO").alias("smiles")))
    assert ("molecules", "mix") in _errors(mix)


def test_paper_split_overlap_is_a_warning(tmp_path):
    """What the paper's rule implies is never an error."""
    smiles = [*ALKANES, *ALKANES]
    path = build_tiny(tmp_path, table_source("one", numbered(smiles), tmp_path), validation=0.2, test=0.2).path
    findings = validate(path)
    assert not [item for item in findings if item.severity is Severity.ERROR]
    assert {item.check for item in findings if item.severity is Severity.WARNING} >= {"molecules", "leakage"}


def test_leakage_table(tmp_path):
    """Counts by hand: a stereoisomer shares the skeleton, a homologue the scaffold."""
    train = ["C[C@H](O)CC", "Cc1ccccc1", "CCCC"]
    test = ["C[C@@H](O)CC", "CCc1ccccc1", "CCCCC"]
    rows = [(smiles, i) for i, smiles in enumerate(train + test)]
    text = "smiles,t0\n" + "".join(f"{smiles},{i}\n" for smiles, i in rows)
    mix = build_tiny(tmp_path, table_source("one", text, tmp_path), method="hash", validation=0.0, test=0.0)
    # Splits by hash cannot be chosen by hand, so the test split is moved into place.
    everything = mix.scan("one", "train").collect()

    class Moved(Mix):
        """The mix with three molecules called test."""

        def scan(self, _config, split):
            wanted = test if split == "test" else train
            return everything.lazy().filter(pl.col("t0").is_in([float(i) for s, i in rows if s in wanted]))

    moved = Moved(mix.path)
    moved.datasets["one"].splits["test"] = 3
    table = leakage_table(moved).select("identity", "molecules", "shared", "shared_any").rows()
    assert table == [("mol_id", 3, 0, 0), ("skeleton", 3, 1, 1), ("scaffold", 3, 2, 2)]


def test_not_a_mix(tmp_path):
    """A folder that is no mix is a finding, not a traceback."""
    assert [item.check for item in validate(tmp_path)] == ["open"]
    (tmp_path / "manifest.json").write_text("{")
    assert "no readable JSON" in validate(tmp_path)[0].message
    (tmp_path / "manifest.json").write_text('{"format": "molmix-9"}')
    assert "found format 'molmix-9'" in validate(tmp_path)[0].message
