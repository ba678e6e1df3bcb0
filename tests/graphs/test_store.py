"""Tests of stores against the mixes they were made from, and of what is said of damaged ones."""

from __future__ import annotations

import copy
import json
import shutil

import numpy as np
import polars as pl
import pytest
from rdkit import Chem

from molmix_bench.build.plan import Layout
from molmix_bench.errors import StoreError, UsageError
from molmix_bench.graphs.batch import DenseLabels, NodeLabels, SparseLabels
from molmix_bench.graphs.cached import open_store
from molmix_bench.graphs.encodings import encode
from molmix_bench.graphs.featurize import featurize
from molmix_bench.graphs.layout import HEADER_FILE
from molmix_bench.graphs.store import GraphStore
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.vocab import MIX_CONFIG
from tests.build.tiny import ALKANES, build_tiny, table_source
from tests.graphs.conftest import LARGE, ODD, SPEC, hydrogens, neighbourhood


def _mix_molecules(mix):
    """Returns the SMILES of every molecule of a mix by mol_id, sorted, read by polars."""
    frames = (mix.scan(MIX_CONFIG, split).select("mol_id", "smiles").collect() for split in mix.splits)
    return dict(sorted({row for frame in frames for row in frame.iter_rows()}))


def _loaded(store, name, split):
    """Returns all labels that a loader gives for a dataset: by molecule, task and atom (None for whole molecules)."""
    found, tasks = {}, store.datasets[name].tasks
    for batch in store.loader(split, batch_size=7, seed=1):
        labels = batch.labels[name]
        mol_ids = store.mol_ids[batch.molecules.numpy()].astype(str).tolist()
        match labels:
            case DenseLabels():
                at = [(mol_ids[row], None) for row in labels.rows]
                cells = [(*at[row], tasks[task], labels.values[row, task]) for row, task in _present(labels.values)]
            case NodeLabels():
                at = [(mol_ids[batch.batch[node]], int(node - batch.ptr[batch.batch[node]])) for node in labels.nodes]
                cells = [(*at[row], tasks[task], labels.values[row, task]) for row, task in _present(labels.values)]
                assert labels.rows.tolist() == sorted({int(batch.batch[node]) for node in labels.nodes})
            case SparseLabels():
                triples = zip(labels.owners, labels.tasks, labels.values, strict=True)
                cells = [(mol_ids[labels.rows[owner]], None, tasks[task], value) for owner, task, value in triples]
        for *key, value in cells:
            assert tuple(key) not in found
            found[tuple(key)] = value.item()
    return found


def _present(values):
    return (~values.isnan()).nonzero().tolist()


def _published(mix, name, split):
    """Returns the same of the mix's own table, read by polars."""
    dataset = mix.datasets[name]
    if split not in dataset.splits:
        return {}
    table = mix.scan(name, split).collect()
    if dataset.is_sparse:
        table = table.explode("task_idx", "label").select("mol_id", pl.lit(None), "task_idx", "label")
        return {(mol_id, atom, dataset.tasks[task]): label for mol_id, atom, task, label in table.iter_rows()}
    cells = {}
    for row in table.iter_rows(named=True):
        for task in dataset.tasks:
            labels = dict(enumerate(row[task])) if dataset.level == "node" else {None: row[task]}
            cells |= {(row["mol_id"], atom, task): label for atom, label in labels.items() if label is not None}
    return cells


def _check_labels(store, mix):
    """Compares every label that loaders give with the mix's tables; returns how many there are by dataset."""
    counts = dict.fromkeys(mix.datasets, 0)
    for name in mix.datasets:
        for split in mix.splits:
            found = _loaded(store, name, split)
            assert found == _published(mix, name, split)
            counts[name] += len(found)
    return counts


def test_molecules_are_those_of_the_mix(tiny_mix, tiny_store):
    """One graph per molecule over all splits, by mol_id; each split has the molecules of the mix's table."""
    molecules = _mix_molecules(tiny_mix)
    assert tiny_store.num_graphs == len(molecules) == tiny_mix.manifest.molecules
    assert tiny_store.mol_ids.astype(str).tolist() == list(molecules)
    assert sum(tiny_store.splits.values()) > tiny_store.num_graphs, "some molecule should be in two splits"
    for split in tiny_mix.splits:
        expected = tiny_mix.scan(MIX_CONFIG, split).collect()["mol_id"].to_list()
        assert tiny_store.mol_ids[tiny_store.molecules(split)].astype(str).tolist() == expected


def test_graphs_are_those_of_their_smiles(tiny_mix, tiny_store):
    """Codes and encodings are what featurising the SMILES by themselves gives."""
    molecules = _mix_molecules(tiny_mix)
    graphs = featurize(list(molecules.values()), mol_ids=list(molecules))
    for part, expected in ((tiny_store.graphs, graphs), (tiny_store.encodings, encode(graphs, SPEC))):
        for name in expected.__slots__:
            np.testing.assert_array_equal(getattr(part, name), getattr(expected, name), strict=True)


def test_labels_are_those_of_the_mix(tiny_mix, tiny_store):
    """Every label of every dataset and split comes out of the loader, with its digits, and no other."""
    counts = _check_labels(tiny_store, tiny_mix)
    assert counts == {name: dataset.num_labels for name, dataset in tiny_mix.datasets.items()}
    assert min(counts.values()) > 0
    forms = {name: dataset.form for name, dataset in tiny_store.datasets.items()}
    assert {name: form for name, form in forms.items() if form != "dense"} == {
        "panel": "sparse",
        "profile": "sparse",
        "atoms": "node",
    }
    dtypes = {name: tiny_store.labels(name, "train").values.dtype for name in forms}
    assert dtypes == dict.fromkeys(forms, np.float32) | {"energies": np.float64, "panel": np.int8}


def test_labels_of_atoms_are_at_their_atoms(tiny_mix, tiny_store):
    """Every label of an atom says what RDKit says of that atom of the stored SMILES, and none that is there is lost."""
    molecules, expected, found = _mix_molecules(tiny_mix), {}, {}
    given = {Chem.CanonSmiles(text) for text in (*ODD, *ALKANES[:12], "OCC", "c1ccncc1C", LARGE)} - {"[H][H]"}
    for split in tiny_mix.splits:
        found |= _loaded(tiny_store, "atoms", split)
    for mol_id in (mol_id for mol_id, smiles in molecules.items() if smiles in given):
        for atom in Chem.MolFromSmiles(molecules[mol_id]).GetAtoms():
            # Of the salt, the lists of one task are missing: neither of its atoms is bonded anyway.
            for task, label in (("a", hydrogens(atom)), ("b", neighbourhood(atom))):
                if label is not None:
                    expected[mol_id, atom.GetIdx(), task] = float(np.float32(label))
    assert found == expected
    # Of the 24 molecules, a carbon that is bonded to nothing has no label: methane, [13CH4] and [CH3].
    assert len({mol_id for mol_id, *_ in found}) == len(given) - 3 == 21


def test_a_loader_of_some_datasets(tiny_mix, tiny_store):
    """With datasets named, an epoch has the molecules that they label, and only their labels."""
    loader = tiny_store.loader("train", batch_size=64, datasets=["assays"])
    (batch,) = loader
    assert list(batch.labels) == ["assays"]
    assert loader.num_molecules == tiny_mix.datasets["assays"].splits["train"] == batch.num_graphs
    assert batch.labels["assays"].rows.tolist() == list(range(batch.num_graphs))


def test_copies_open_the_store_again(tiny_store):
    """What is sent to another process is the path; the pages are shared."""
    other = copy.copy(tiny_store)
    assert other is not tiny_store
    assert other.mol_ids.tolist() == tiny_store.mol_ids.tolist()


def test_names_that_do_not_exist(tiny_store):
    """Unknown splits and datasets are refused with the nearest known name."""
    with pytest.raises(UsageError, match=r"no split 'trian' .did you mean 'train'"):
        tiny_store.loader("trian", batch_size=1)
    with pytest.raises(UsageError, match=r"no dataset 'wid' .did you mean 'wide'"):
        tiny_store.loader("train", batch_size=1, datasets=["wid"])
    with pytest.raises(UsageError, match=r"one name, 'wide'.*write datasets=\['wide'\]"):
        tiny_store.loader("train", batch_size=1, datasets="wide")
    with pytest.raises(UsageError, match="no split 'test_seen'"):
        tiny_store.labels("wide", "test_seen")


@pytest.fixture
def damaged(tiny_store, tmp_path):
    """Returns a copy of the tiny store's folder, to be damaged."""
    return shutil.copytree(tiny_store.path, tmp_path / "store")


def test_an_intact_copy(damaged):
    """The copy that the next tests damage is in order itself."""
    GraphStore(damaged).verify()


def test_truncated_store(damaged):
    """A file that lost its end is noticed at opening."""
    file = damaged / "atom_code.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StoreError, match=r"atom_code\.bin: found [\d,]+ bytes.*delete the folder"):
        GraphStore(damaged)


def test_missing_file(damaged):
    """A missing file is noticed at opening."""
    (damaged / "labels/wide/train/values.bin").unlink()
    with pytest.raises(StoreError, match=r"values\.bin: found no such file"):
        GraphStore(damaged)


def test_changed_byte(damaged):
    """A changed byte is found by `verify`."""
    file = damaged / "atom_encodings.bin"
    data = bytearray(file.read_bytes())
    data[10] ^= 1
    file.write_bytes(data)
    store = GraphStore(damaged)
    with pytest.raises(StoreError, match=r"atom_encodings\.bin: other bytes than were written"):
        store.verify()


def _change_header(folder, **changes):
    header = json.loads((folder / HEADER_FILE).read_text())
    (folder / HEADER_FILE).write_text(json.dumps(header | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mix": "another 1.0.0"}, "not as it was written"),
        ({"digest": "0" * 64}, "not as it was written"),
        ({"format": "molmix-store-0"}, "format 'molmix-store-0'"),
        ({"surprise": 1}, "key 'surprise' is unknown"),
        ({"arrays": {"../outside": {"dtype": "|u1", "shape": [1], "sha256": "0" * 64}}}, "arrays"),
        ({"arrays": {"mol_id": {"dtype": "|O8", "shape": [1], "sha256": "0" * 64}}}, "dtype"),
    ],
)
def test_changed_header(damaged, changes, message):
    """A header that was changed, or is of another format, is refused before any array is opened."""
    _change_header(damaged, **changes)
    with pytest.raises(StoreError, match=message):
        GraphStore(damaged)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000])
def test_unreadable_header(damaged, text):
    """A header that is no JSON object is refused."""
    (damaged / HEADER_FILE).write_text(text)
    with pytest.raises(StoreError, match=r"header\.json"):
        GraphStore(damaged)


def test_no_store(tmp_path):
    """A folder without a header is no store."""
    with pytest.raises(StoreError, match=r"found no header\.json"):
        GraphStore(tmp_path)


@pytest.mark.real_data
@pytest.mark.slow
def test_toymix(toymix, tmp_path):
    """All of ToyMix: every label is the mix's, and the number of workers changes no bit."""
    store = open_store(toymix, workers=2, cache=tmp_path)
    _check_labels(store, toymix)
    store.verify()
    assert open_store(toymix, workers=1, cache=tmp_path / "other").header == store.header


@pytest.mark.real_data
@pytest.mark.parametrize(("features", "budget"), [(FeatureSpec(rwse=0, laplacian=0), 450), (FeatureSpec(), 1_600)])
def test_bytes_per_graph(raw_data, tmp_path, features, budget):
    """A molecule of ZINC with three labels takes at most this much, everything counted."""
    rows = pl.read_csv(raw_data / "toymix/ZINC12k.csv.gz", columns=["smiles", "SA", "logp", "score"])[:500]
    mix = build_tiny(tmp_path, table_source("zinc", rows.write_csv(), tmp_path), layout=Layout())
    store = open_store(mix, features, workers=1, cache=tmp_path)
    num_bytes = sum(file.stat().st_size for file in store.path.rglob("*.bin"))
    assert num_bytes / store.num_graphs <= budget


def test_a_file_that_goes_missing_later(damaged):
    """`verify` says so of a store that was opened when the file was still there."""
    store = GraphStore(damaged)
    (damaged / "bonds.bin").unlink()
    with pytest.raises(StoreError, match=r"bonds\.bin: no such file"):
        store.verify()
    (damaged / "ptr.bin").write_bytes(b"")
    assert [(file.name, what) for file, what in store.damages()] == [("bonds.bin", "no such file")]
