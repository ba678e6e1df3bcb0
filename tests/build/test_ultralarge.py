"""Tests of UltraLarge, built from generated shards of upstream's schema."""

from __future__ import annotations

import random

import polars as pl
import pyarrow.parquet as pq
import pytest

from molmix_bench.build.plan import Layout
from molmix_bench.build.run import build
from molmix_bench.specs.catalog import load_mix_spec, load_source_spec, resolve_sources
from molmix_bench.validate.findings import Severity
from molmix_bench.validate.run import validate
from tests.build.upstream import PM6_NODE_COLUMNS, labels_of_atoms, write_pm6

ROWS = (200, 150, 50)
ROW_GROUP = 60
LAYOUT = Layout(rows_per_chunk=35, num_smiles_buckets=4, rows_per_partition=90)
"""Chunks that are no multiple of a row group, nor the other way about."""


def _three_shards(name):
    """Returns a mix of the catalog with the first three of its source's ten shards."""
    spec = load_mix_spec(name)
    (source,) = resolve_sources(spec)
    return spec.model_copy(update={"sources": (source.model_copy(update={"files": source.files[:3]}),)})


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Returns the folder of the shards, and their molecules in the order of rows."""
    folder = tmp_path_factory.mktemp("pm6")
    return folder, write_pm6(folder, ROWS, row_group=ROW_GROUP)


@pytest.fixture(scope="module")
def mix(raw, tmp_path_factory):
    """Returns UltraLarge of three shards."""
    folder, _ = raw
    return build(
        _three_shards("ultralarge"), tmp_path_factory.mktemp("ultralarge") / "mix", raw=[folder], layout=LAYOUT
    )


def _rows(mix, name):
    splits = mix.datasets[name].splits
    return pl.concat([mix.scan(name, split).with_columns(split=pl.lit(str(split))) for split in splits]).collect()


def test_shards_hold_several_row_groups(raw):
    """The shards are cut as upstream's are: a shard is many row groups."""
    folder, _ = raw
    files = sorted(folder.glob("pm6_86M_*.parquet"))
    assert [pq.ParquetFile(path).num_row_groups for path in files] == [4, 3, 1]


def test_every_row_and_label_of_the_graph(raw, mix):
    """62 tasks; every label of every row is the raw one in float32, and the SMILES column is no task."""
    folder, smiles = raw
    table = pl.concat([pl.read_parquet(folder / f"pm6_86M_{shard}.parquet") for shard in range(3)])
    dataset = mix.datasets["pm6_83m_g62"]
    assert len(dataset.tasks) == 62
    assert "ordered_smiles" not in dataset.tasks
    built = _rows(mix, "pm6_83m_g62").sort("S0_energy_total")
    assert built["S0_energy_total"].to_list() == list(range(sum(ROWS)))
    assert built["smiles"].to_list() == smiles
    for task in dataset.tasks:
        assert built[task].equals(table[f"graph_{task}"].cast(pl.Float32), check_names=False), task


def test_every_label_of_the_atoms(mix):
    """Seven tasks by the pattern; each label is that of its atom of the stored SMILES, exactly."""
    dataset = mix.datasets["pm6_83m_n7"]
    assert [f"node_{task}" for task in dataset.tasks] == list(PM6_NODE_COLUMNS)
    rows = _rows(mix, "pm6_83m_n7")
    assert len(rows) == sum(ROWS)
    for row in rows.iter_rows(named=True):
        for salt, task in enumerate(dataset.tasks):
            assert row[task] == labels_of_atoms(row["smiles"], salt)


def test_splits_count_rows_over_all_shards(mix):
    """The paper's rule in plain Python, over the rows of the shards one after the other."""
    num_rows = sum(ROWS)
    order = list(range(num_rows))
    random.seed(42)
    random.shuffle(order)
    held_out = int(num_rows * 0.01)
    split = dict.fromkeys(order[: num_rows - 2 * held_out], "train")
    split |= dict.fromkeys(order[num_rows - 2 * held_out : num_rows - held_out], "validation")
    split |= dict.fromkeys(order[num_rows - held_out :], "test")
    found = {int(row["S0_energy_total"]): row["split"] for row in _rows(mix, "pm6_83m_g62").iter_rows(named=True)}
    assert found == split


def test_accounting(mix):
    """Nothing is lost, and `validate` finds no error."""
    for name in ("pm6_83m_g62", "pm6_83m_n7"):
        entry = mix.manifest.datasets[name]
        assert (entry.rows.read, entry.rows.kept) == (400, 400)
        assert entry.labels.read == entry.labels.kept
    assert not [item for item in validate(mix.path) if item.severity is Severity.ERROR]


def test_twentieth(raw, tmp_path):
    """The 5 % mix keeps some rows of the whole, each in the split it has there, and counts the rest."""
    folder, _ = raw
    spec = _three_shards("ultralarge_5pct")
    assert spec.sample == 0.05
    whole = build(_three_shards("ultralarge"), tmp_path / "whole", raw=[folder])
    part = build(spec, tmp_path / "part", raw=[folder], layout=LAYOUT)
    everything, kept = _rows(whole, "pm6_83m_g62"), _rows(part, "pm6_83m_g62")
    assert 5 < len(kept) < 45
    assert set(kept.iter_rows()) < set(everything.iter_rows())
    entry = part.manifest.datasets["pm6_83m_g62"]
    assert entry.rows.dropped == {"not_sampled": 400 - len(kept)}


def test_ten_shards_in_order():
    """The rows of UltraLarge are those of its ten shards in the order of their numbers."""
    names = [file.name for file in load_source_spec("pm6_83m").files]
    assert names == [f"pm6_86M_{shard}.parquet" for shard in range(10)]
