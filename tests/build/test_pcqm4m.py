"""Tests of PCQM4M's ten real rows: every charge from the raw file to its atom, in files and in batches.

The trap: place i of a `node_*` list belongs to the atom with map number i, wherever it stands in the SMILES.
"""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

import molmix_bench as mb
from molmix_bench.build.run import build
from molmix_bench.specs.catalog import load_mix_spec, load_source_spec

pytestmark = pytest.mark.real_data

CHARGES = ("charges_mulliken", "charges_lowdin", "tddft_charges_mulliken", "tddft_charges_lowdin")


@pytest.fixture(scope="module")
def raw(raw_data):
    """Returns the ten raw rows."""
    return pq.read_table(raw_data / "largemix" / "PCQM4M_G25_N4.parquet").to_pylist()


@pytest.fixture(scope="module")
def mix(raw_data, tmp_path_factory):
    """Returns a mix of nothing but these rows, all in train."""
    spec = load_mix_spec("zinc250k").model_copy(
        update={"name": "pcqm4m", "sources": (load_source_spec("pcqm4m_g25_n4"),)}
    )
    spec = spec.model_copy(update={"split": spec.split.model_copy(update={"validation": 0.0, "test": 0.0})})
    return build(spec, tmp_path_factory.mktemp("pcqm4m") / "mix", raw=[raw_data / "largemix"])


def _matches(row, smiles):
    """Returns every way in which the raw row's atoms can be those of a stored SMILES: per stored atom, its map.

    RDKit's substructure search does the matching, on molecules parsed here, and knows nothing of the build.
    """
    params = Chem.SmilesParserParams()
    params.removeHs = False
    mapped = Chem.MolFromSmiles(row["ordered_smiles"], params)
    maps = [atom.GetAtomMapNum() for atom in mapped.GetAtoms()]
    for atom in mapped.GetAtoms():
        atom.SetAtomMapNum(0)
    stored = Chem.MolFromSmiles(smiles)
    assert stored.GetNumAtoms() == mapped.GetNumAtoms()
    found = mapped.GetSubstructMatches(stored, uniquify=False, useChirality=True, maxMatches=100_000)
    assert found
    return [[maps[atom] for atom in match] for match in found]


def _stored(mix, raw):
    """Yields each raw row with its row of the built dataset."""
    built = {row["smiles"]: row for row in mix.scan("pcqm4m_n4", "train").collect().iter_rows(named=True)}
    assert len(built) == len(raw) == 10
    for row in raw:
        smiles = Chem.MolFromSmiles(row["ordered_smiles"])
        for atom in smiles.GetAtoms():
            atom.SetAtomMapNum(0)
        # Parsed anew: maps leave their marks on a molecule's stereochemistry.
        yield row, built[Chem.CanonSmiles(Chem.MolToSmiles(smiles))]


def _exact(values):
    """Returns numbers as the bits of float32; equality of bits is equality of labels."""
    return np.array(values, dtype=np.float32).view(np.uint32).tolist()


def test_the_trap_is_real(raw):
    """In all ten rows the atoms do not stand in the order of their maps: reading lists by place would be wrong."""
    for row in raw:
        maps = [atom.GetAtomMapNum() for atom in Chem.MolFromSmiles(row["ordered_smiles"]).GetAtoms()]
        assert sorted(maps) == list(range(len(maps)))
        assert maps != sorted(maps)


def test_every_charge_is_stored_at_its_atom(mix, raw):
    """All four lists of each row, carried over by one and the same matching of atoms, are the stored lists."""
    compared = 0
    for row, built in _stored(mix, raw):
        ways = _matches(row, built["smiles"])
        wanted = [row[f"node_{name}"] for name in CHARGES]
        found = [built[name] for name in CHARGES]
        present = [(want, have) for want, have in zip(wanted, found, strict=True) if want is not None]
        assert all(have == [] for want, have in zip(wanted, found, strict=True) if want is None)
        assert any(
            all(_exact([want[number] for number in way]) == _exact(have) for want, have in present) for way in ways
        ), built["smiles"]
        compared += sum(len(want) for want, _ in present)
    # 133 atoms; row 3 lacks the time-dependent calculation of its 17.
    assert compared == 4 * 133 - 2 * 17
    assert mix.manifest.datasets["pcqm4m_n4"].labels.kept == compared


def test_reading_by_place_would_fail(mix, raw):
    """The test above can fail: lists read by place, as if there were no maps, match no stored row but by symmetry."""
    wrong = 0
    for row, built in _stored(mix, raw):
        maps = [atom.GetAtomMapNum() for atom in Chem.MolFromSmiles(row["ordered_smiles"]).GetAtoms()]
        place = {number: where for where, number in enumerate(maps)}
        charges = row["node_charges_mulliken"]
        ways = _matches(row, built["smiles"])
        wrong += not any(
            _exact([charges[place[number]] for number in way]) == _exact(built["charges_mulliken"]) for way in ways
        )
    assert wrong == 10


def test_every_property_of_the_molecule(mix, raw):
    """The 25 labels of each molecule are the raw ones, bit by bit, missing ones among them."""
    tasks = load_source_spec("pcqm4m_g25_n4").datasets["pcqm4m_g25"].tasks
    built = {row["smiles"]: row for row in mix.scan("pcqm4m_g25", "train").collect().iter_rows(named=True)}
    for row, node in _stored(mix, raw):
        for task in tasks:
            raw_label, label = row[task.column], built[node["smiles"]][task.name]
            assert (label is None) == (raw_label is None)
            assert label is None or _exact([label]) == _exact([raw_label])


def test_every_charge_is_in_the_mix_table(mix):
    """The mix table holds the same lists, a list per task."""
    node = mix.scan("pcqm4m_n4", "train").collect().sort("mol_id")
    table = mix.scan("mix", "train").collect().sort("mol_id")
    for row, lists in zip(node.iter_rows(named=True), table["pcqm4m_n4"].to_list(), strict=True):
        size = Chem.MolFromSmiles(row["smiles"]).GetNumAtoms()
        expected = [row[name] or [None] * size for name in CHARGES]
        assert [part or [None] * size for part in lists] == expected


def test_every_charge_comes_out_of_a_batch_at_its_atom(mix, raw, tmp_path):
    """In shuffled batches each raw charge stands at a node of its atom's element, under one matching of all atoms."""
    identity = dict(mix.scan("pcqm4m_n4", "train").select("mol_id", "smiles").collect().iter_rows())
    row_of = {built["smiles"]: row for row, built in _stored(mix, raw)}
    store = mb.graphs(mix, workers=1, cache=tmp_path)
    compared = 0
    for batch in store.loader("train", batch_size=4, seed=3):
        values = batch.labels["pcqm4m_n4"].spread(batch.num_nodes).numpy()
        elements = batch.x[:, 0].numpy()
        for graph, mol_id in enumerate(store.mol_ids[batch.molecules.numpy()]):
            here = slice(int(batch.ptr[graph]), int(batch.ptr[graph + 1]))
            smiles = identity[mol_id.decode()]
            row = row_of[smiles]
            assert any(_is_batch(row, way, values[here], elements[here]) for way in _matches(row, smiles)), smiles
            compared += int(np.isfinite(values[here]).sum())
    assert compared == 4 * 133 - 2 * 17


def _is_batch(row, way, values, elements):
    """Whether the nodes hold the raw row's elements and charges when node i is the raw atom of map `way[i]`."""
    element = {a.GetAtomMapNum(): a.GetAtomicNum() for a in Chem.MolFromSmiles(row["ordered_smiles"]).GetAtoms()}
    wanted = [row[f"node_{name}"] or [np.nan] * len(way) for name in CHARGES]
    return elements.tolist() == [element[number] for number in way] and all(
        _exact([want[number] for number in way]) == _exact(values[:, task]) for task, want in enumerate(wanted)
    )


def test_names_of_charges_are_the_tasks(mix):
    """The order of tasks here is that of the dataset."""
    assert mix.datasets["pcqm4m_n4"].tasks == CHARGES
