"""Tests of builds with labels of atoms, classes, sparse tables, patterns, samples, parts and published splits."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from rdkit import Chem

from molmix_bench.build.run import build
from molmix_bench.errors import BuildError, SourceError, SpecError, UsageError
from molmix_bench.validate.findings import Severity
from molmix_bench.validate.run import validate
from tests.build.tiny import ALKANES, SMALL_PIECES, build_tiny, mix_spec, numbered, table_source


def parquet_source(name, columns, folder, **dataset):
    """Writes `<name>.parquet` and returns the spec of a source whose first column is the SMILES, all others tasks."""
    spec = table_source(name, ",".join(columns) + "\n", folder, **dataset)
    (folder / f"{name}.csv").unlink()
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return spec | {"files": [{"name": f"{name}.parquet"}]}


def _rows(mix, config):
    splits = mix.splits if config == "mix" else mix.datasets[config].splits
    return pl.concat([mix.scan(config, split).with_columns(split=pl.lit(str(split))) for split in splits]).collect()


def _no_errors(mix):
    return not [item for item in validate(mix.path) if item.severity is Severity.ERROR]


MOLECULES = ["OCC", "CC(=O)N", "c1ccccc1O", "ClCCBr", "CCCCF", "NCCO", "CSC", "OC1CC1", "FC(F)F", "CN(C)C"]


def _charges(smiles):
    """Returns a label per atom that names the atom: its atomic number and neighbours, as a number."""
    mol = Chem.MolFromSmiles(smiles)
    return [atom.GetAtomicNum() + sum(n.GetAtomicNum() for n in atom.GetNeighbors()) / 1000 for atom in mol.GetAtoms()]


def _mapped(smiles, labels, rng):
    """Returns the SMILES with atom maps in random order, and the labels in the order of the maps."""
    mol = Chem.MolFromSmiles(smiles)
    numbers = list(range(mol.GetNumAtoms()))
    rng.shuffle(numbers)
    for atom in mol.GetAtoms():
        atom.SetIntProp("molAtomMapNumber", numbers[atom.GetIdx()])
    by_map = [None] * len(labels)
    for atom, label in enumerate(labels):
        by_map[numbers[atom]] = label
    return Chem.MolToSmiles(mol, canonical=False, doRandom=True), by_map


@pytest.mark.parametrize("mapped", [True, False])
def test_labels_of_atoms_follow_their_atoms(tmp_path, mapped):
    """Through maps (0 included) or places, every label ends at its atom of the stored SMILES, in both tables."""
    rng = random.Random(0)
    pairs = [(smiles, _charges(smiles)) for smiles in MOLECULES * 3]
    if mapped:
        pairs = [_mapped(smiles, labels, rng) for smiles, labels in pairs]
    lists = pa.array([labels for _, labels in pairs], pa.list_(pa.float64()))
    source = parquet_source(
        "node", {"smiles": [text for text, _ in pairs], "t0": lists}, tmp_path, level="node", dtype="float64"
    )
    mix = build_tiny(tmp_path, source)
    for row in _rows(mix, "node").iter_rows(named=True):
        assert row["t0"] == pytest.approx(_charges(row["smiles"]))
    for row in _rows(mix, "mix").iter_rows(named=True):
        assert row["node"][0] == pytest.approx(_charges(row["smiles"]))
    assert mix.manifest.datasets["node"].labels.merged > 0
    assert mix.manifest.datasets["node"].conflicts == 0
    assert _no_errors(mix)


def test_duplicates_of_atoms_merge_atom_by_atom(tmp_path):
    """Means are taken per atom; a conflict names its atom; a missing label takes no part."""
    smiles = ["OCC", "CCO", "C", "CC", "CCC"]
    lists = [[1.0, None, 3.0], [5.0, 2.0, 3.0], [7.0], [1.0, 2.0], [None, 4.0, 6.0]]
    source = parquet_source(
        "node", {"smiles": smiles, "t0": pa.array(lists, pa.list_(pa.float32()))}, tmp_path, level="node"
    )
    mix = build_tiny(tmp_path, source, validation=0.0, test=0.0)
    rows = {row["smiles"]: row["t0"] for row in _rows(mix, "node").iter_rows(named=True)}
    # OCC stands as CCO: its labels reversed are [3, None, 1].
    assert rows["CCO"] == [4.0, 2.0, 2.0]
    conflicts = pl.read_parquet(mix.path / "conflicts.parquet")
    assert conflicts.select("node", "values", "merged").sort("node").rows() == [
        (0, [3.0, 5.0], 4.0),
        (2, [1.0, 3.0], 2.0),
    ]
    entry = mix.manifest.datasets["node"]
    assert (entry.labels.read, entry.labels.kept, entry.labels.merged) == (10, 8, 2)
    assert _no_errors(mix)


def test_labels_of_atoms_that_go(tmp_path):
    """Hydrogens, wrong lengths and unusable maps are drops with their labels counted; everything adds up."""
    rows = [
        ("[H]OC", [9.0, 1.0, 2.0]),  # the hydrogen's label has no atom
        ("CCO", [1.0, 2.0]),  # two labels for three atoms
        ("[CH3:1][OH:1]", [1.0, 2.0]),  # maps that number nothing
        ("[CH3:1][OH:2]", [1.0, 2.0]),  # maps that do not begin at 0
        ("C1CC", [1.0, 2.0, 3.0]),
        ("N", []),
        ("[H][H]", [1.0, 2.0]),  # hydrogens that the SMILES keeps
        ("CCC", [1.0, 2.0, 3.0]),
    ]
    columns = {
        "smiles": [text for text, _ in rows],
        "t0": pa.array([labels for _, labels in rows], pa.list_(pa.float32())),
    }
    mix = build_tiny(tmp_path, parquet_source("node", columns, tmp_path, level="node"), validation=0.0, test=0.0)
    kept = {row["smiles"]: row["t0"] for row in _rows(mix, "node").iter_rows(named=True)}
    assert kept == {"CO": [2.0, 1.0], "[H][H]": [1.0, 2.0], "CCC": [1.0, 2.0, 3.0]}
    entry = mix.manifest.datasets["node"]
    assert entry.rows.dropped == {"unparsable": 1, "no_labels": 1, "atom_maps": 2, "wrong_length": 1}
    assert entry.labels.dropped == {"unparsable": 3, "atom_maps": 4, "wrong_length": 2, "no_atom": 1}
    drops = pl.read_parquet(mix.path / "drops.parquet")
    homeless = drops.filter(pl.col("reason") == "no_atom").select("row", "task", "labels", "smiles").rows()
    assert homeless == [(0, "t0", 1, "[H]OC")]
    assert _no_errors(mix)


def test_forms_of_one_molecule_share_their_atoms(tmp_path):
    """Labels given along one resonance form end at the atoms of the stored one."""
    forms = ["CN1C=CC(=O)C=C1", "C[n+]1ccc([O-])cc1"]

    def label(smiles):
        # Elements and degrees are the same in both forms.
        return [a.GetAtomicNum() + a.GetDegree() / 10 for a in Chem.MolFromSmiles(smiles, sanitize=False).GetAtoms()]

    smiles = [*forms, "C", "CC", "CCC"]
    lists = pa.array([label(text) for text in smiles], pa.list_(pa.float64()))
    source = parquet_source("node", {"smiles": smiles, "t0": lists}, tmp_path, level="node", dtype="float64")
    mix = build_tiny(tmp_path, source, validation=0.0, test=0.0)
    for row in _rows(mix, "node").iter_rows(named=True):
        assert row["t0"] == label(row["smiles"])
    assert mix.manifest.datasets["node"].rows.merged == 1
    assert mix.manifest.datasets["node"].conflicts == 0


def test_sparse_tables(tmp_path):
    """Over a hundred tasks by a pattern: pairs in the dataset, a struct in the mix, the same labels as read."""
    rng = np.random.default_rng(0)
    dense = rng.choice([0.0, 1.0, np.nan], size=(40, 130), p=[0.2, 0.1, 0.7])
    names = [f"assay-{task}" for task in range(130)]
    lines = [
        ",".join([text, *("" if np.isnan(v) else str(int(v)) for v in row)])
        for text, row in zip(ALKANES, dense, strict=True)
    ]
    text = "\n".join([",".join(["smiles", "note", *names]).replace("note,", ""), *lines, ""])
    tasks = [{"name": "assay-*", "description": "assay number *"}]
    mix = build_tiny(tmp_path, table_source("many", text, tmp_path, kind="binary", tasks=tasks))
    assert mix.datasets["many"].tasks == tuple(names)
    assert mix.tasks["description"][5] == "assay number 5"
    for config in ("many", "mix"):
        for row in _rows(mix, config).iter_rows(named=True):
            expected = dense[len(row["smiles"]) - 1]
            pairs = row if config == "many" else row["many"]
            assert dict(zip(pairs["task_idx"], pairs["label"], strict=True)) == {
                task: int(expected[task]) for task in np.flatnonzero(~np.isnan(expected))
            }
    assert _no_errors(mix)
    counts = mix.tasks.select(pl.sum_horizontal(pl.col("^.*_n_labels$"))).to_series().to_list()
    assert counts == (~np.isnan(dense)).sum(axis=0).tolist()


def test_classes_from_numbers(tmp_path):
    """Numbers become classes at the thresholds; of duplicates the row of greatest raw variance is kept whole."""
    text = "smiles,a,b\nC,-5,0\nCC,-2,2\nCCC,4,3.9\nCCCC,0,0\nCCCC,-1,3\nCCCC,1,1.5\n"
    settings = {"kind": "multiclass", "num_classes": 5, "bins": [-4, -2, 2, 4], "duplicates": "max_variance"}
    mix = build_tiny(tmp_path, table_source("bin", text, tmp_path, **settings), validation=0.0, test=0.0)
    rows = {row["smiles"]: (row["a"], row["b"]) for row in _rows(mix, "bin").iter_rows(named=True)}
    assert rows == {"C": (0, 2), "CC": (2, 3), "CCC": (4, 3), "CCCC": (2, 3)}
    assert mix.tasks["train_class_counts"].to_list() == [[1, 0, 2, 0, 1], [0, 0, 1, 3, 0]]
    assert _no_errors(mix)


def test_class_out_of_range(tmp_path):
    """A class that is none stops the build, naming file, row and column."""
    source = table_source("bin", "smiles,a\nC,1\nCC,5\n", tmp_path, kind="multiclass", num_classes=5)
    with pytest.raises(
        SourceError, match=r"bin.csv, column 'a': found '5' in row 1; expected a whole number from 0 to 4"
    ):
        build_tiny(tmp_path, source)


def test_patterns_that_match_nothing(tmp_path):
    """A pattern without columns names itself and the file."""
    source = table_source("one", numbered(ALKANES), tmp_path, tasks=[{"name": "gene-*", "description": "x"}])
    with pytest.raises(SourceError, match=r"one.csv, dataset one: found no column like 'gene-\*'"):
        build_tiny(tmp_path, source)


def _seen_mix(tmp_path, **split):
    big = [*ALKANES, *(f"{text}O" for text in ALKANES), *(f"{text}N" for text in ALKANES)]
    rng = random.Random(1)
    small = [f"{text}N" for text in ALKANES[::2]] + [f"{text}F" for text in ALKANES]
    rng.shuffle(small)
    sources = [table_source("small", numbered(small), tmp_path), table_source("big", numbered(big), tmp_path)]
    rule = {"sources": ["small"], "within": "big"}
    return small, big, mix_spec(*sources, validation=0.1, test=0.1, test_seen=rule, **split)


def test_test_seen_rule(tmp_path):
    """The paper's rule, against its plain-Python form: what is set aside, and how the rest is shuffled."""
    small, big, spec = _seen_mix(tmp_path)
    mix = build(spec, tmp_path / "mix", raw=[tmp_path], layout=SMALL_PIECES)
    shared = set(small) & set(big)
    for name, rows, home in (("small", small, "test_seen"), ("big", big, "train")):
        ignored = [i for i, text in enumerate(rows) if text in shared]
        order = list(set(range(len(rows))) - set(ignored))
        random.seed(42)
        random.shuffle(order)
        held_out = int(len(order) * 0.1)
        split = dict.fromkeys(ignored, home)
        split |= dict.fromkeys(order[: len(order) - 2 * held_out], "train")
        split |= dict.fromkeys(order[len(order) - 2 * held_out : len(order) - held_out], "validation")
        split |= dict.fromkeys(order[len(order) - held_out :], "test")
        found = {int(row["t0"]): row["split"] for row in _rows(mix, name).iter_rows(named=True)}
        assert found == split
    assert len(shared) == 20
    assert mix.splits["test_seen"] == 20
    assert _no_errors(mix)


def test_part_of_a_mix(tmp_path):
    """A part is split as in the whole; where test_seen needs an absent source, it goes, and the manifest says so."""
    _, _, spec = _seen_mix(tmp_path)
    with pytest.warns(UserWarning, match="split without test_seen"):
        mix = build(spec.model_copy(update={"datasets": ("small",)}), tmp_path / "part", raw=[tmp_path])
    assert "test_seen" not in mix.splits
    assert "the rule needs big" in mix.manifest.notes[0]
    whole = build(spec, tmp_path / "whole", raw=[tmp_path])
    both = build(spec.model_copy(update={"datasets": ("big", "small")}), tmp_path / "both", raw=[tmp_path])
    assert both.manifest.datasets == whole.manifest.datasets
    with pytest.raises(UsageError, match=r"no dataset 'smal' \(did you mean 'small'"):
        build(spec.model_copy(update={"datasets": ("smal",)}), tmp_path / "none", raw=[tmp_path])


def test_sample(tmp_path):
    """A sample keeps whole rows by their SMILES, in the splits of the whole; the rest is counted."""
    smiles = [*ALKANES, *(f"{text}O" for text in ALKANES)]
    source = table_source("one", numbered(smiles), tmp_path)
    whole = build(mix_spec(source), tmp_path / "whole", raw=[tmp_path])
    spec = mix_spec(source).model_copy(update={"sample": 0.4})
    sample = build(spec, tmp_path / "sample", raw=[tmp_path], layout=SMALL_PIECES)
    everything = {(row["smiles"], row["t0"], row["split"]) for row in _rows(whole, "one").iter_rows(named=True)}
    kept = {(row["smiles"], row["t0"], row["split"]) for row in _rows(sample, "one").iter_rows(named=True)}
    assert kept < everything
    assert 15 < len(kept) < 50
    entry = sample.manifest.datasets["one"]
    assert entry.rows.dropped == {"not_sampled": 80 - len(kept)}
    assert entry.labels.dropped == {"not_sampled": 80 - len(kept)}
    assert _no_errors(sample)


def test_published_split_files(tmp_path):
    """Rows go where the file says; rows it does not name are drops."""
    source = table_source("one", numbered(ALKANES), tmp_path)
    source["split_file"] = {"name": "one_splits.pt"}
    torch.save({"train": list(range(5, 40)), "val": np.array([0, 1]), "test": [4, 3]}, tmp_path / "one_splits.pt")
    mix = build_tiny(tmp_path, source, method="published")
    found = {int(row["t0"]): row["split"] for row in _rows(mix, "one").iter_rows(named=True)}
    assert found == dict.fromkeys([0, 1], "validation") | dict.fromkeys([3, 4], "test") | dict.fromkeys(
        range(5, 40), "train"
    )
    entry = mix.manifest.datasets["one"]
    assert entry.rows.dropped == {"no_split": 1}
    assert entry.labels.dropped == {"no_split": 1}
    assert mix.manifest.raw[1].name == "one_splits.pt"
    assert _no_errors(mix)


def test_published_split_without_a_file(tmp_path):
    """A source that has no split file cannot be split by it."""
    with pytest.raises(UsageError, match="source one has no split file"):
        build_tiny(tmp_path, table_source("one", numbered(ALKANES), tmp_path), method="published")


def test_lookup(tmp_path):
    """SMILES of another table are found by identifier; an identifier that is not there is a drop."""
    source = table_source("one", "id,t0\nx1,1\nx2,2\nx3,3\nx9,4\n", tmp_path)
    (tmp_path / "names.tsv").write_text("name\tsmiles\nx1\tCC\nx2\tCCO\nx3\tCCC\nx4\t\n")
    source["files"].append({"name": "names.tsv", "companion": True})
    source["reader"] = {
        "form": "table",
        "smiles": "id",
        "lookup": {"file": "names.tsv", "key": "name", "smiles": "smiles"},
    }
    mix = build_tiny(tmp_path, source, validation=0.0, test=0.0)
    assert dict(_rows(mix, "one").select("smiles", "t0").iter_rows()) == {"CC": 1.0, "CCO": 2.0, "CCC": 3.0}
    drops = pl.read_parquet(mix.path / "drops.parquet")
    assert drops.select("row", "reason", "detail").rows() == [(3, "unparsable", "x9 has no SMILES in names.tsv")]


def test_contradicting_split_specs():
    """test_seen contradicts strict, and belongs to splits of rows."""
    rule = {"sources": ["a"], "within": "b"}
    source = {"name": "a"}
    for settings in ({"strict": True}, {"method": "hash"}):
        with pytest.raises((SpecError, BuildError), match="test_seen"):
            mix_spec(source, test_seen=rule, **settings)
