"""Tests of ToyMix as built from the real files: every row and label against the raw ones, read by the csv module."""

from __future__ import annotations

import csv
import gzip
import random
from collections import defaultdict

import numpy as np
import polars as pl
import pytest
from rdkit import Chem

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

FILES = {"qm9": "qm9.csv.gz", "tox21": "Tox21-7k-12-labels.csv.gz", "zinc12k": "ZINC12k.csv.gz"}


def _raw_rows(raw_data, name):
    with gzip.open(raw_data / "toymix" / FILES[name], "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _published_splits(num_rows):
    """Returns the split of each row by the authors' rule, in plain Python."""
    order = list(range(num_rows))
    random.seed(42)
    random.shuffle(order)
    held_out = int(num_rows * 0.1)
    split = dict.fromkeys(order[: num_rows - 2 * held_out], "train")
    split |= dict.fromkeys(order[num_rows - 2 * held_out : num_rows - held_out], "validation")
    return split | dict.fromkeys(order[num_rows - held_out :], "test")


def _by_molecule(toymix, name):
    rows = {}
    for split in toymix.datasets[name].splits:
        for row in toymix.scan(name, split).collect().iter_rows(named=True):
            rows[row["mol_id"], str(split)] = row
    return rows


def _mol_id(smiles):
    mol = Chem.MolFromSmiles(smiles)
    return None if mol is None else Chem.MolToInchiKey(mol, options="/FixedH /SUU /RecMet /KET /15T")


@pytest.mark.parametrize("name", list(FILES))
def test_every_raw_row_and_label(raw_data, toymix, name):
    """Each raw row is in the split that the rule gives; each label of an unmerged row equals the raw one."""
    raw = _raw_rows(raw_data, name)
    split = _published_splits(len(raw))
    built = _by_molecule(toymix, name)
    groups = defaultdict(list)
    for number, row in enumerate(raw):
        mol_id = _mol_id(row["smiles"])
        if mol_id is not None:
            groups[mol_id, split[number]].append(row)
    assert set(groups) == set(built)
    tasks = toymix.datasets[name].tasks
    dtypes = dict(toymix.scan(name, "train").collect_schema())
    compared = 0
    for key, rows in groups.items():
        if len(rows) > 1:
            continue
        for task in tasks:
            text, label = rows[0][task], built[key][task]
            if text == "":
                assert label is None
                continue
            expected = float(text) if dtypes[task] == pl.Float64 else np.float32(text)
            assert label == (int(float(text)) if dtypes[task] == pl.Int8 else expected), (key, task)
            compared += 1
    assert compared > 0.9 * toymix.datasets[name].num_labels


@pytest.mark.parametrize("name", list(FILES))
def test_accounting(raw_data, toymix, name):
    """What was read is what the csv module reads, and it adds up."""
    raw = _raw_rows(raw_data, name)
    entry = toymix.manifest.datasets[name]
    assert entry.rows.read == len(raw)
    assert entry.labels.read == sum(row[task] != "" for row in raw for task in toymix.datasets[name].tasks)
    assert entry.rows.read == entry.rows.kept + entry.rows.merged + sum(entry.rows.dropped.values())
    drops = pl.read_parquet(toymix.path / "drops.parquet").filter(pl.col("source") == name, pl.col("task").is_null())
    assert {raw[row]["smiles"] for row in drops["row"]} == {
        row["smiles"] for row in raw if _mol_id(row["smiles"]) is None
    }


def test_mix_table_agrees_with_the_datasets(toymix):
    """One row per molecule and split; each list holds the dataset's labels in task order, or nothing."""
    for split in toymix.splits:
        mix = toymix.scan("mix", split).collect()
        assert mix["mol_id"].is_unique().all()
        for name, dataset in toymix.datasets.items():
            rows = toymix.scan(name, split).collect()
            expected = rows.select(
                "mol_id", pl.concat_list(pl.col(dataset.tasks).cast(mix[name].dtype.inner)).alias(name)
            )
            found = mix.select("mol_id", name).filter(pl.col(name).list.len() > 0)
            assert found.equals(expected)
