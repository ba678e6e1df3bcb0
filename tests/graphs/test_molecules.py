"""Tests of reading a mix's molecules side by side from its splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.errors import StoreError
from molmix_bench.graphs import molecules as module
from molmix_bench.graphs.molecules import read_molecules
from molmix_bench.vocab import Split


@dataclass
class Tables:
    """What is read of a mix: the files of its splits."""

    folder: object
    splits: dict
    name: str = "tables"

    def files(self, config, split):
        """Returns two files, as of two shards."""
        ids, paths = self.splits[split], []
        for shard, part in enumerate((ids[: len(ids) // 2], ids[len(ids) // 2 :])):
            paths.append(self.folder / f"{config}-{split}-{shard}.parquet")
            rows = [{"mol_id": mol_id, "smiles": smiles} for mol_id, smiles in part]
            schema = pa.schema([("mol_id", pa.string()), ("smiles", pa.string())])
            pq.write_table(pa.Table.from_pylist(rows, schema), paths[-1])
        return paths


def _read(tables):
    """Returns all molecules, and the rows of each split."""
    molecules, rows = [], {split: [] for split in tables.splits}
    for block in read_molecules(tables):
        for split, members in block.members.items():
            rows[split] += (members + len(molecules)).tolist()
        molecules += zip(block.mol_ids.astype(str).tolist(), block.smiles, strict=True)
    return molecules, rows


@given(
    st.fixed_dictionaries({split: st.sets(st.text("ABZ-", min_size=1, max_size=3)) for split in list(Split)[:3]}),
    st.integers(1, 5),
)
def test_each_molecule_once_in_order(tmp_path_factory, ids, batch):
    """Whatever is in which split, and however few rows are read at once, all come once and sorted."""
    tables = Tables(
        tmp_path_factory.mktemp("t"), {s: [(i, f"C{i}") for i in sorted(names)] for s, names in ids.items()}
    )
    everything = sorted(set().union(*ids.values()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS_PER_BATCH", batch)
        molecules, rows = _read(tables)
    assert molecules == [(mol_id, f"C{mol_id}") for mol_id in everything]
    assert {split: {everything[row] for row in found} for split, found in rows.items()} == ids
    assert all(found == sorted(found) for found in rows.values())


@pytest.mark.parametrize("names", [["B", "A", "C", "D"], ["A", "B", "B", "C"], ["A", "C", "B", "D"]])
def test_unsorted_tables(tmp_path, names):
    """A table that is not sorted, within a file or from one to the next, is refused."""
    with pytest.raises(StoreError, match="not sorted by mol_id, or one molecule twice"):
        _read(Tables(tmp_path, {Split.TRAIN: [(name, "C") for name in names]}))


def test_one_molecule_of_two_smiles(tmp_path):
    """A molecule that two splits spell differently is refused: labels of its atoms would have two orders."""
    tables = Tables(tmp_path, {Split.TRAIN: [("A", "CO"), ("B", "N")], Split.TEST: [("A", "OC")]})
    with pytest.raises(StoreError, match="molecule A: found different SMILES"):
        _read(tables)


def test_long_identities(tmp_path):
    """An identity longer than any of ours is refused, not cut."""
    with pytest.raises(StoreError, match="a mol_id of 37 bytes"):
        _read(Tables(tmp_path, {Split.TRAIN: [("A" * 37, "C"), ("B", "C")]}))
    assert _read(Tables(tmp_path, {Split.TRAIN: [("A" * 36, "C"), ("B", "C")]}))[0][0] == ("A" * 36, "C")


def test_fixed_width_identities_are_sorted_as_text():
    """Bytes of fixed width compare as the text they stand for, so that a binary search finds them."""
    names = ["A", "A-", "AA", "SMI-0", "Z"]
    assert np.sort(np.array(names[::-1], "S36")).astype(str).tolist() == names
