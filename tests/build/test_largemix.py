"""Tests of LargeMix, built whole from generated files of upstream's schema.

The rule of its splits stands here once more, in plain Python over lists, molecules told by the InChIKey that the design
names and RDKit makes.
"""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from molmix_bench.build.run import build
from molmix_bench.specs.catalog import load_mix_spec
from molmix_bench.validate.findings import Severity
from molmix_bench.validate.run import validate
from tests.build.upstream import labels_of_atoms, write_largemix

ROWS = 300
WITHIN = "pcqm4m_g25_n4"
FILES = {"l1000_vcap": "LINCS_L1000_VCAP_0-4.csv.gz", "l1000_mcf7": "LINCS_L1000_MCF7_0-4.csv.gz"}


def _published_rule(num_rows, ignored, home):
    """Returns the split of each row as the authors' script gives it, rows set aside going to `home`."""
    order = list(set(range(num_rows)) - set(ignored))
    random.seed(42)
    random.shuffle(order)
    num_validation, num_test = int(len(order) * 0.04), int(len(order) * 0.04)
    num_train = len(order) - num_validation - num_test
    split = dict.fromkeys(ignored, home) | dict.fromkeys(order[:num_train], "train")
    split |= dict.fromkeys(order[num_train : num_train + num_validation], "validation")
    return split | dict.fromkeys(order[num_train + num_validation :], "test")


def _keys(smiles):
    """Returns the identity of each molecule; None where there is none."""
    mols = [Chem.MolFromSmiles(text) if text != "restricted" else None for text in smiles]
    return [mol and Chem.MolToInchiKey(mol, options="/FixedH /SUU /RecMet /KET /15T") for mol in mols]


def expected_splits(smiles):
    """Returns per source the split of each row whose molecule parses, keyed by the molecule."""
    keys = {source: _keys(texts) for source, texts in smiles.items()}
    quantum = {key for key in keys[WITHIN] if key}
    others = {key for source, found in keys.items() if source != WITHIN for key in found if key}
    result = {}
    for source, found in keys.items():
        other, home = (others, "train") if source == WITHIN else (quantum, "test_seen")
        ignored = [row for row, key in enumerate(found) if key in other]
        split = _published_rule(len(found), ignored, home)
        result[source] = {key: split[row] for row, key in enumerate(found) if key}
        assert len(result[source]) == sum(key is not None for key in found), "generated molecules are distinct"
    return result


def _rows(mix, name):
    splits = mix.datasets[name].splits
    return pl.concat([mix.scan(name, split).with_columns(split=pl.lit(str(split))) for split in splits]).collect()


def _check_splits(mix, smiles):
    expected = expected_splits(smiles)
    for name, dataset in mix.datasets.items():
        found = dict(_rows(mix, name).select("mol_id", "split").iter_rows())
        assert found == expected[dataset.source.name], name


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Returns the folder of the files, and the raw SMILES of each source."""
    folder = tmp_path_factory.mktemp("upstream")
    return folder, write_largemix(folder, ROWS)


@pytest.fixture(scope="module")
def mix(raw, tmp_path_factory):
    """Returns LargeMix, 300 rows a file."""
    folder, _ = raw
    return build(load_mix_spec("largemix"), tmp_path_factory.mktemp("largemix") / "mix", raw=[folder])


def test_shape(mix):
    """Five datasets with the paper's numbers of tasks, levels and kinds; the three of very many tasks are sparse."""
    shape = {name: (len(item.tasks), str(item.level), str(item.kind)) for name, item in mix.datasets.items()}
    assert shape == {
        "l1000_vcap": (978, "graph", "multiclass"),
        "l1000_mcf7": (978, "graph", "multiclass"),
        "pcba_1328": (1_328, "graph", "binary"),
        "pcqm4m_g25": (25, "graph", "regression"),
        "pcqm4m_n4": (4, "node", "regression"),
    }
    assert [name for name, item in mix.datasets.items() if item.is_sparse] == ["l1000_vcap", "l1000_mcf7", "pcba_1328"]
    assert set(mix.splits) == {"train", "validation", "test", "test_seen"}
    assert not {"CID", "SID"} & set(mix.datasets["pcba_1328"].tasks)


def test_splits_are_the_papers(raw, mix):
    """Every row is where the published rule puts it, test_seen among them."""
    _, smiles = raw
    _check_splits(mix, smiles)
    shared = mix.datasets["pcba_1328"].splits["test_seen"]
    assert shared == ROWS // 10
    assert set(mix.datasets["pcqm4m_g25"].splits) == {"train", "validation", "test"}


def test_accounting(raw, mix):
    """`restricted` is a row that is read, split and dropped; nothing else goes."""
    _, smiles = raw
    for name in FILES:
        entry = mix.manifest.datasets[name]
        restricted = smiles[name].count("restricted")
        assert entry.rows.read == ROWS
        assert entry.rows.dropped == {"unparsable": restricted}
        assert entry.labels.dropped == {"unparsable": 978 * restricted}
    for name in ("pcba_1328", "pcqm4m_g25", "pcqm4m_n4"):
        entry = mix.manifest.datasets[name]
        assert (entry.rows.read, entry.rows.kept, entry.labels.read) == (ROWS, ROWS, entry.labels.kept)
    assert not [item for item in validate(mix.path) if item.severity is Severity.ERROR]


@pytest.mark.parametrize("name", list(FILES))
def test_gene_classes(raw, mix, name):
    """Each class of each gene is the raw one."""
    folder, smiles = raw
    table = pl.read_csv(folder / FILES[name]).drop("full_id", "pert_id", "cell_iname", "inchi_key", "compound_aliases")
    wanted = dict(zip(_keys(smiles[name]), table.drop("SMILES").rows(), strict=True))
    for row in _rows(mix, name).iter_rows(named=True):
        assert row["task_idx"] == list(range(978))
        assert tuple(row["label"]) == wanted[row["mol_id"]]


def test_assays(raw, mix):
    """Each assay result is the raw one, and what was not measured is not there."""
    folder, smiles = raw
    table = pl.read_parquet(folder / "PCBA_1328_1564k.parquet")
    assays = table.select([name for name in table.columns if name.startswith("assayID-")])
    assert list(mix.datasets["pcba_1328"].tasks) == assays.columns
    wanted = dict(zip(_keys(smiles["pcba_1328"]), assays.rows(), strict=True))
    for row in _rows(mix, "pcba_1328").iter_rows(named=True):
        raw_row = wanted[row["mol_id"]]
        assert dict(zip(row["task_idx"], row["label"], strict=True)) == {
            task: int(value) for task, value in enumerate(raw_row) if value is not None
        }


def test_quantum_labels(raw, mix):
    """Each property is the raw one in float32; each charge is that of its atom of the stored SMILES, exactly."""
    folder, smiles = raw
    table = pl.read_parquet(folder / "PCQM4M_G25_N4.parquet")
    wanted = dict(zip(_keys(smiles[WITHIN]), table.select("^graph_.*$").rows(), strict=True))
    tasks = list(mix.datasets["pcqm4m_g25"].tasks)
    for row in _rows(mix, "pcqm4m_g25").select("mol_id", *tasks).iter_rows():
        assert row[1:] == wanted[row[0]]
    number = {key: row for row, key in enumerate(_keys(smiles[WITHIN]))}
    for row in _rows(mix, "pcqm4m_n4").iter_rows(named=True):
        for salt, task in enumerate(mix.datasets["pcqm4m_n4"].tasks):
            lacks = "tddft" in task and number[row["mol_id"]] % 2 == 1
            assert row[task] == ([] if lacks else labels_of_atoms(row["smiles"], salt))


def test_mix_table(mix):
    """One row per molecule and split; each dataset's column holds that dataset's labels."""
    for split in mix.splits:
        table = mix.scan("mix", split).collect()
        assert table["mol_id"].is_unique().all()
        for name, dataset in mix.datasets.items():
            labelled = pl.col(name).struct.field("task_idx") if dataset.is_sparse else pl.col(name)
            found = table.filter(labelled.list.len() > 0)["mol_id"]
            expected = (
                mix.scan(name, split).collect()["mol_id"] if split in dataset.splits else pl.Series([], dtype=str)
            )
            assert found.to_list() == expected.to_list(), (name, split)


def test_part_without_quantum(raw, tmp_path):
    """A part that lacks PCQM4M is split without test_seen, and its manifest says so."""
    folder, smiles = raw
    spec = load_mix_spec("largemix").model_copy(update={"datasets": ("l1000_vcap",)})
    with pytest.warns(UserWarning, match="split without test_seen"):
        part = build(spec, tmp_path / "part", raw=[folder])
    assert set(part.datasets["l1000_vcap"].splits) == {"train", "validation", "test"}
    assert any("pcqm4m_g25_n4" in note for note in part.manifest.notes)
    split = _published_rule(ROWS, [], "")
    keys = _keys(smiles["l1000_vcap"])
    # An array shuffles as the whole list does, which `set` leaves in order when nothing is taken out.
    found = dict(_rows(part, "l1000_vcap").select("mol_id", "split").iter_rows())
    assert found == {key: split[row] for row, key in enumerate(keys) if key}


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.real_data
def test_twenty_thousand_rows_and_the_ten_real_ones(raw_data, tmp_path):
    """20,000 rows a file and upstream's ten real ones of PCQM4M at the end: splits, accounting, and real charges."""
    num_rows = 20_000
    smiles = write_largemix(tmp_path / "raw", num_rows)
    path = tmp_path / "raw" / "PCQM4M_G25_N4.parquet"
    real = pq.read_table(raw_data / "largemix" / path.name).replace_schema_metadata()
    generated = pq.read_table(path)
    whole = pa.concat_tables([generated, real.cast(generated.schema)])
    pq.write_table(whole, path, row_group_size=5_000)
    smiles[WITHIN] += [_without_maps(text) for text in real["ordered_smiles"].to_pylist()]
    mix = build(load_mix_spec("largemix"), tmp_path / "mix", raw=[tmp_path / "raw"], workers=2)
    _check_splits(mix, smiles)
    entry = mix.manifest.datasets["pcqm4m_n4"]
    assert (entry.rows.read, entry.rows.kept) == (num_rows + 10, num_rows + 10)
    assert entry.labels.read == entry.labels.kept
    assert not [item for item in validate(mix.path, workers=2) if item.severity is Severity.ERROR]
    built = {row["mol_id"]: row for row in _rows(mix, "pcqm4m_n4").iter_rows(named=True)}
    for key, row in zip(_keys(smiles[WITHIN][-10:]), real.to_pylist(), strict=True):
        for task in mix.datasets["pcqm4m_n4"].tasks:
            # As sets here; tests of the ten rows follow each charge to its atom.
            assert sorted(built[key][task]) == sorted(row[f"node_{task}"] or [])


def _without_maps(smiles):
    mol = Chem.MolFromSmiles(smiles)
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
    return Chem.MolToSmiles(mol)


def test_generated_labels_tell_atoms_apart():
    """The labels that the tests compare differ between most atoms of a molecule: a mix-up would show."""
    labels = labels_of_atoms("CC(=O)Nc1ccc(OCC2CC2)cc1")
    assert len(set(labels)) >= 10
    assert np.array(labels, dtype=np.float32).tolist() == labels
