"""Tests of whole builds of hand-sized mixes."""

from __future__ import annotations

import json
import shutil
from itertools import product

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molmix_bench.build.plan import Layout
from molmix_bench.build.run import build
from molmix_bench.build.split import split_rows
from molmix_bench.errors import BuildError, SourceError, UsageError
from molmix_bench.mix import Mix
from molmix_bench.specs.mix import SplitSpec
from molmix_bench.vocab import SPLITS
from tests.build.tiny import ALKANES, SMALL_PIECES, build_tiny, mix_spec, numbered, table_source


def _files(mix):
    return {path.relative_to(mix.path).as_posix(): path.read_bytes() for path in mix.path.rglob("*") if path.is_file()}


def _rows(mix, config):
    """Returns all rows of a config with their split, sorted by mol_id and split."""
    splits = mix.splits if config == "mix" else mix.datasets[config].splits
    tables = [mix.scan(config, split).with_columns(split=pl.lit(str(split))) for split in splits]
    return pl.concat(tables).sort("mol_id", "split").collect()


def test_paper_split_of_a_mix(tmp_path):
    """Every row lands in the split of its row number, with its labels; the mix table holds both datasets."""
    one = table_source("one", numbered(ALKANES, tasks=2), tmp_path)
    two = table_source("two", numbered(ALKANES[10:30]), tmp_path)
    mix = build_tiny(tmp_path, one, two)
    for name, smiles in (("one", ALKANES), ("two", ALKANES[10:30])):
        codes = split_rows(len(smiles), SplitSpec())
        rows = _rows(mix, name)
        found = {row["t0"]: (row["smiles"], row["split"]) for row in rows.iter_rows(named=True)}
        assert found == {float(i): (text, str(SPLITS[codes[i]])) for i, text in enumerate(smiles)}
    assert _rows(mix, "one")["t1"].to_list() == [value + 0.5 for value in _rows(mix, "one")["t0"]]
    for row in _rows(mix, "mix").iter_rows(named=True):
        assert row["one"] or row["two"]
        number = len(row["smiles"]) - 1
        assert row["one"] in ([], [number, number + 0.5])
        assert row["two"] in ([], [number - 10])
    assert (_rows(mix, "mix")["one"].list.len() > 0).sum() == 40


def test_accounting_and_drops(tmp_path):
    """Bad rows are drops with their reason and row; duplicates merge; everything adds up."""
    text = "smiles,t0,t1\nCCO,1,\nC1CC,2,2\n,3,3\nOCC,3,4\nCCC,,\nCCCC,5,NaN\nCCCCC,6,1\n"
    source = table_source("one", text, tmp_path)
    mix = build_tiny(tmp_path, source, validation=0.0, test=0.0)
    entry = mix.manifest.datasets["one"]
    assert entry.rows.model_dump(mode="json") == {
        "read": 7,
        "kept": 3,
        "merged": 1,
        "dropped": {"empty_smiles": 1, "unparsable": 1, "no_labels": 1},
    }
    # Labels: CCO has 1, OCC 2 (one of them merges), the bad rows 2 each, CCCC 1, CCCCC 2.
    assert entry.labels.model_dump(mode="json") == {
        "read": 10,
        "kept": 5,
        "merged": 1,
        "dropped": {"empty_smiles": 2, "unparsable": 2},
    }
    drops = pl.read_parquet(mix.path / "drops.parquet")
    drops = drops.select("file", "row", "dataset", "smiles", "reason", "detail", "labels")
    assert drops.rows() == [
        ("one.csv", 1, "one", "C1CC", "unparsable", "unclosed ring for input: 'C1CC'", 2),
        ("one.csv", 2, "one", "", "empty_smiles", "the SMILES is empty", 2),
        ("one.csv", 4, "one", "CCC", "no_labels", "no label in any task of the dataset", 0),
    ]
    conflicts = pl.read_parquet(mix.path / "conflicts.parquet")
    assert conflicts.select("dataset", "split", "task", "files", "rows", "values", "policy", "merged").rows() == [
        ("one", "train", "t0", ["one.csv", "one.csv"], [0, 3], [1.0, 3.0], "mean", 2.0)
    ]
    rows = {row["smiles"]: (row["t0"], row["t1"]) for row in _rows(mix, "one").iter_rows(named=True)}
    assert rows == {"CCO": (2.0, 4.0), "CCCC": (5.0, None), "CCCCC": (6.0, 1.0)}


def test_ties_are_drops(tmp_path):
    """A binary label on which duplicates tie is dropped with both rows; a row left without labels goes with it."""
    text = "smiles,a,b\nCC,1,1\nCC,0,1\nCO,1,\nOC,0,\nN,1,0\nNN,0,1\n"
    mix = build_tiny(tmp_path, table_source("bin", text, tmp_path, kind="binary"), validation=0.0, test=0.0)
    assert {row["smiles"]: (row["a"], row["b"]) for row in _rows(mix, "bin").iter_rows(named=True)} == {
        "CC": (None, 1),
        "N": (1, 0),
        "NN": (0, 1),
    }
    entry = mix.manifest.datasets["bin"]
    assert entry.rows.dropped == {"conflict": 2}
    assert (entry.rows.kept, entry.rows.merged) == (3, 1)
    assert entry.labels.dropped == {"conflict": 4}
    drops = pl.read_parquet(mix.path / "drops.parquet").filter(pl.col("task").is_not_null())
    assert sorted(drops.select("row", "task", "value").rows()) == [
        (0, "a", "1"),
        (1, "a", "0"),
        (2, "a", "1"),
        (3, "a", "0"),
    ]


def test_duplicates_merge_within_a_split_only(tmp_path):
    """Under the paper's rule a molecule with rows in two splits stays in both, with each split's labels."""
    smiles = ["CCO"] * 20
    mix = build_tiny(tmp_path, table_source("one", numbered(smiles + list(ALKANES[4:24])), tmp_path))
    codes = split_rows(40, SplitSpec())
    rows = _rows(mix, "one").filter(smiles="CCO")
    for row in rows.iter_rows(named=True):
        labels = [i for i in range(20) if SPLITS[codes[i]] == row["split"]]
        assert row["t0"] == pytest.approx(sum(labels) / len(labels))
    assert set(rows["split"]) == {str(SPLITS[codes[i]]) for i in range(20)}


@pytest.mark.parametrize("method", ["paper", "hash", "scaffold"])
def test_strict(tmp_path, method):
    """Strictly split, a molecule is in one split, whatever the method and however many datasets hold it."""
    one = table_source("one", numbered([*ALKANES, *ALKANES[::2]]), tmp_path)
    two = table_source("two", numbered(ALKANES[::-1]), tmp_path)
    mix = build_tiny(tmp_path, one, two, method=method, strict=True, validation=0.3, test=0.3)
    assert not _rows(mix, "mix")["mol_id"].is_duplicated().any()
    assert sum(mix.manifest.datasets["one"].rows.model_dump()[key] for key in ("kept", "merged")) == 60


def test_scaffold_split_keeps_scaffolds_together(tmp_path):
    """Molecules of one scaffold share their split; those without rings are spread."""
    rings = [f"{'C' * n}c1ccccc1" for n in range(1, 9)] + [f"{'C' * n}C1CCNCC1" for n in range(1, 9)]
    mix = build_tiny(tmp_path, table_source("one", numbered([*rings, *ALKANES]), tmp_path), method="scaffold", test=0.3)
    rows = _rows(mix, "one")
    for ring in ("c1ccccc1", "C1CCNCC1"):
        assert rows.filter(pl.col("smiles").str.contains(ring, literal=True))["split"].n_unique() == 1
    assert rows.filter(~pl.col("smiles").str.contains("1"))["split"].n_unique() > 1


def test_one_smiles_per_molecule(tmp_path):
    """Forms that canonicalise apart are one molecule with one SMILES, the shorter, in every dataset."""
    forms = ["CN1C=CC(=O)C=C1", "C[n+]1ccc([O-])cc1"]
    one = table_source("one", numbered([forms[0], *ALKANES[3:9]]), tmp_path)
    two = table_source("two", numbered([forms[1], *ALKANES[3:9]]), tmp_path)
    mix = build_tiny(tmp_path, one, two)
    smiles = {name: set(_rows(mix, name)["smiles"]) - set(ALKANES) for name in ("one", "two")}
    assert smiles["one"] == smiles["two"]
    assert len(smiles["one"]) == 1


def test_bytes_do_not_depend_on_pieces_or_workers(tmp_path):
    """Chunks, buckets, partitions and processes leave no trace in any file."""
    one = table_source("one", numbered([*ALKANES, "C1CC", *ALKANES[:5]], tasks=3), tmp_path)
    two = table_source(
        "two", "smiles,a\n" + "".join(f"{text},{i % 2}\n" for i, text in enumerate(ALKANES)), tmp_path, kind="binary"
    )
    spec = mix_spec(one, two)
    results = []
    for number, (layout, workers) in enumerate(
        [
            (SMALL_PIECES, 1),
            (SMALL_PIECES, 2),
            (Layout(), 1),
            (Layout(11, 5, 17), 2),
            (Layout(labels_per_partition=9), 1),
        ]
    ):
        results.append(_files(build(spec, tmp_path / str(number), raw=[tmp_path], layout=layout, workers=workers)))
    assert all(result == results[0] for result in results[1:])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(30)))
def test_blind_to_row_order(tmp_path, order):
    """Split by hash, the rows' order leaves no trace in the tables."""
    rows = [f"{ALKANES[i % 25]},{i * 0.1}" for i in range(30)]
    tables = []
    for name, lines in (("plain", rows), ("shuffled", [rows[i] for i in order])):
        folder = tmp_path / name
        shutil.rmtree(folder, ignore_errors=True)
        source = table_source("one", "\n".join(["smiles,t0", *lines, ""]), folder)
        mix = build_tiny(folder, source, method="hash", validation=0.2, test=0.2)
        tables.append({name: entry.splits for name, entry in mix.manifest.datasets.items()} | {"mix": mix.manifest.mix})
    assert tables[0] == tables[1]


def test_resume_after_a_failure(tmp_path, monkeypatch):
    """A build that fails in the middle goes on from there and gives the same bytes as one that never failed."""
    source = table_source("one", numbered(ALKANES), tmp_path)
    whole = _files(build(mix_spec(source), tmp_path / "whole", raw=[tmp_path], layout=SMALL_PIECES))
    from molmix_bench.build import standardize

    original, calls = standardize.standardize_apart, []

    def _fails_at_twenty(smiles, **options):
        before = len(calls)
        calls.extend(smiles)
        if before < 20 <= len(calls):
            raise OSError(28, "No space left on device")
        return original(smiles, **options)

    monkeypatch.setattr(standardize, "standardize_apart", _fails_at_twenty)
    with pytest.raises(BuildError, match="No space left on device; mend that; the same command continues from here"):
        build(mix_spec(source), tmp_path / "cut", raw=[tmp_path], layout=SMALL_PIECES)
    assert not (tmp_path / "cut").exists()
    resumed = _files(build(mix_spec(source), tmp_path / "cut", raw=[tmp_path], layout=SMALL_PIECES))
    assert resumed == whole
    # What was finished before the failure was not done again: a bucket at most is repeated.
    assert len(calls) < 40 + 20
    assert not (tmp_path / "cut.building").exists()


def test_another_plan_starts_afresh(tmp_path, capsys):
    """An unfinished build of another spec is not continued."""
    source = table_source("one", numbered(ALKANES), tmp_path)
    work = tmp_path / "mix.building"
    work.mkdir()
    (work / "plan.json").write_text(json.dumps({"key": "other", "layout": []}))
    (work / "ingest").mkdir()
    build_tiny(tmp_path, source)
    assert "starting afresh" in capsys.readouterr().err


def test_finished_builds(tmp_path, capsys):
    """The same build again is not done again; another one does not overwrite it, nor anything else."""
    source = table_source("one", numbered(ALKANES), tmp_path)
    mix = build_tiny(tmp_path, source)
    before = (mix.path / "manifest.json").stat().st_mtime_ns
    assert build_tiny(tmp_path, source).path == mix.path
    assert (mix.path / "manifest.json").stat().st_mtime_ns == before
    assert "is built already" in capsys.readouterr().err
    with pytest.raises(BuildError, match="another build of tiny"):
        build_tiny(tmp_path, source, seed=1)
    (tmp_path / "other").mkdir()
    with pytest.raises(BuildError, match="something that is no finished mix"):
        build(mix_spec(source), tmp_path / "other", raw=[tmp_path])


def test_foreign_working_folder_is_left_alone(tmp_path):
    """Files that no build left in the working folder are not deleted."""
    source = table_source("one", numbered(ALKANES), tmp_path)
    (tmp_path / "mix.building").mkdir()
    (tmp_path / "mix.building" / "thesis.txt").write_text("dear")
    with pytest.raises(BuildError, match="files that no build left there"):
        build_tiny(tmp_path, source)
    assert (tmp_path / "mix.building" / "thesis.txt").read_text() == "dear"


def test_nothing_left_and_nothing_to_score(tmp_path):
    """A source in which nothing is left, or nothing can be scored, is refused with its counts."""
    bad = table_source("bad", "smiles,t0\nC1CC,1\nXX,2\n", tmp_path)
    with pytest.raises(BuildError, match=r"no task that can be scored in any split \(no labels at all\)") as refused:
        build_tiny(tmp_path, bad)
    assert "2 rows were read and 2 unparsable dropped" in str(refused.value)
    (drops,) = tmp_path.rglob("drops.parquet")
    assert str(drops) in str(refused.value)
    assert pl.read_parquet(drops)["detail"].str.contains("unclosed ring|XX").all()
    same = table_source("same", "smiles,t0\nC,1\nCC,1\nCCC,1\n", tmp_path / "same", kind="binary")
    with pytest.raises(BuildError, match="train: labels: 0 of class 0, 3 of class 1"):
        build_tiny(tmp_path / "same", same)


def test_one_unscorable_split_is_a_note(tmp_path):
    """A split in which nothing can be scored is allowed, and noted."""
    mix = build_tiny(tmp_path, table_source("one", numbered(ALKANES[:12]), tmp_path))
    assert mix.manifest.notes == (
        "one: no task can be scored in validation (labels: 1)",
        "one: no task can be scored in test (labels: 1)",
    )


def test_raw_folder_that_does_not_exist(tmp_path):
    """A --raw folder that is not there is a usage error."""
    source = table_source("one", numbered(ALKANES), tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        build(mix_spec(source), tmp_path / "mix", raw=[tmp_path / "none"])


def test_upstream_checksum(tmp_path):
    """A file that differs from upstream's is used, with a warning and a note in the manifest."""
    source = table_source("one", numbered(ALKANES), tmp_path)
    source["files"] = [{"name": "one.csv", "sha256": "0" * 64}]
    with pytest.warns(UserWarning, match="is not upstream's 0000"):
        mix = build_tiny(tmp_path, source)
    assert mix.manifest.raw[0].matches_upstream is False
    assert "one: one.csv differs from upstream's file of that name" in mix.manifest.notes


def test_bad_label_stops_the_build(tmp_path):
    """A label that is no number stops the build before any chemistry, naming file, column and row."""
    source = table_source("one", "smiles,t0\nC,1\nCC,>10\n", tmp_path)
    with pytest.raises(SourceError, match=r"one.csv, column 't0': found '>10' in row 1; expected a finite number"):
        build_tiny(tmp_path, source)


@pytest.mark.parametrize(("config", "split"), [*product(["one", "mix"], ["train", "validation", "test"])])
def test_float64_where_the_spec_asks(tmp_path, config, split):
    """A total energy keeps its digits in the dataset and in the mix table."""
    value = -40.478927654321
    text = "smiles,t0,t1\n" + "".join(f"{text},{value + i!r},{i}\n" for i, text in enumerate(ALKANES))
    tasks = [{"name": "t0", "description": "x", "dtype": "float64"}, {"name": "t1", "description": "x"}]
    mix = build_tiny(tmp_path, table_source("one", text, tmp_path, tasks=tasks))
    frame = mix.scan(config, split).collect()
    labels = frame["t0"] if config == "one" else frame["one"].list.first()
    assert labels.dtype == pl.Float64
    assert labels.to_list() == [value + (len(smiles) - 1) for smiles in frame["smiles"]]


def test_reading_back(tmp_path):
    """A finished mix opens by its path and lists what was built."""
    mix = Mix(build_tiny(tmp_path, table_source("one", numbered(ALKANES, tasks=2), tmp_path)).path)
    assert list(mix.datasets) == ["one"]
    assert mix.datasets["one"].tasks == ("t0", "t1")
    assert mix.datasets["one"].num_molecules == 40
    assert mix.datasets["one"].splits == {"train": 32, "validation": 4, "test": 4}
    assert mix.tasks["train_n_labels"].to_list() == [32, 32]
