"""Tests of builds from the catalog's sources of other forms than plain tables: L1000 both ways, NMR shifts."""

from __future__ import annotations

import gzip

import h5py
import numpy as np
import pandas as pd
import polars as pl
import pytest
from rdkit import Chem

from molmix_bench.build.run import build
from molmix_bench.errors import SourceError
from molmix_bench.validate.findings import Severity
from molmix_bench.validate.run import validate
from tests.build.tiny import ALKANES, mix_spec

GENES = tuple(range(5_000, 5_978))


def _rows(mix, config):
    splits = mix.datasets[config].splits
    return pl.concat([mix.scan(config, split) for split in splits]).collect()


def _inchikey(smiles):
    return Chem.MolToInchiKey(Chem.MolFromSmiles(smiles))


def _adds_up(mix):
    for entry in mix.manifest.datasets.values():
        for account in (entry.rows, entry.labels):
            assert account.read == account.kept + account.merged + sum(account.dropped.values())
    assert not [item for item in validate(mix.path) if item.severity is Severity.ERROR]


def _write_published(folder, classes, smiles):
    """Writes a table of upstream's schema."""
    identity = "full_id,pert_id,cell_iname,SMILES,inchi_key,compound_aliases"
    lines = [",".join([identity, *(f"geneID-{gene}" for gene in GENES)])]
    lines += [
        ",".join([f"f{row}", f"BRD-{row}", "VCAP", text, "", "", *map(str, labels)])
        for row, (text, labels) in enumerate(zip(smiles, classes, strict=True))
    ]
    (folder / "LINCS_L1000_VCAP_0-4.csv.gz").write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))


def test_published_l1000_table(tmp_path):
    """A table of upstream's schema becomes 978 sparse tasks; of one molecule's rows the more varied stays whole."""
    rng = np.random.default_rng(0)
    classes = rng.choice(5, size=(41, 978), p=[0.01, 0.03, 0.92, 0.03, 0.01])
    classes[40] = 2
    classes[40, :300] = 4
    _write_published(tmp_path, classes, [*ALKANES, "CCC"])
    mix = build(mix_spec("l1000_vcap", method="hash"), tmp_path / "mix", raw=[tmp_path])
    assert mix.datasets["l1000_vcap"].tasks == tuple(f"geneID-{gene}" for gene in GENES)
    for row in _rows(mix, "l1000_vcap").iter_rows(named=True):
        carbons = len(row["smiles"])
        assert row["label"] == classes[40 if carbons == 3 else carbons - 1].tolist()
    _adds_up(mix)


def test_published_class_outside_the_range(tmp_path):
    """A class that is none stops the build, naming file, column and row."""
    classes = np.full((3, 978), 2)
    classes[1, 7] = 5
    _write_published(tmp_path, classes, ALKANES[:3])
    with pytest.raises(
        SourceError, match=r"LINCS_L1000_VCAP_0-4.csv.gz, column 'geneID-5007': found '5' in row 1; expected .* 0 to 4"
    ):
        build(mix_spec("l1000_vcap"), tmp_path / "mix", raw=[tmp_path])


@pytest.mark.real_data
def test_l1000_from_raw_signatures(raw_data, tmp_path):
    """Of each molecule's signatures in a cell line, the build keeps the one that pandas finds to vary most, in bins."""
    mix = build(mix_spec("l1000_vcap_raw", "l1000_mcf7_raw", method="hash"), tmp_path / "mix", raw=[raw_data / "lincs"])
    with h5py.File(raw_data / "lincs/modzs_n272x978.gctx") as file:
        meta = {key: file[f"0/META/COL/{key}"][:].astype(str) for key in ("cell_id", "pert_id")}
        scores = file["0/DATA/0/matrix"][:].astype(float)
    table = pd.DataFrame(meta).assign(variance=scores.var(axis=1))
    perts = pd.read_csv(raw_data / "lincs/pertinfo.tsv.gz", sep="\t", low_memory=False).set_index("pert_id")
    for cell, molecules in (("VCAP", 3), ("MCF7", 4)):
        name = f"l1000_{cell.lower()}_raw"
        here = table[table["cell_id"] == cell]
        smiles = here["pert_id"].map(perts["canonical_smiles"])
        there = smiles.notna() & (smiles != "-666")
        known = here[there].assign(key=smiles[there].map(_inchikey))
        best = known.groupby("key")["variance"].idxmax()
        rows = _rows(mix, name)
        assert len(rows) == len(best) == molecules
        for row in rows.iter_rows(named=True):
            assert row["label"] == np.digitize(scores[best[row["inchikey"]]], [-4, -2, 2, 4]).tolist()
        entry = mix.manifest.datasets[name]
        assert (entry.rows.read, entry.rows.merged) == (len(here), len(known) - molecules)
    _adds_up(mix)


@pytest.mark.real_data
@pytest.mark.slow
def test_cascade(raw_data, tmp_path):
    """Every carbon's shift is kept, every hydrogen's a counted drop, for one worker or two."""
    mixes = [
        build(
            mix_spec("cascade_nmr", method="hash"), tmp_path / str(workers), raw=[raw_data / "midmix"], workers=workers
        )
        for workers in (1, 2)
    ]
    entry = mixes[0].manifest.datasets["cascade_nmr"]
    # Counted with pandas: 217,093 shifts, 397 of them under six names without a structure of their own.
    assert (entry.rows.read, entry.rows.kept, dict(entry.rows.dropped)) == (7_455, 7_449, {"unparsable": 6})
    assert (entry.labels.read, entry.labels.kept) == (217_093, 98_921)
    assert dict(entry.labels.dropped) == {"unparsable": 397, "no_atom": 117_775}
    assert mixes[1].manifest.datasets == mixes[0].manifest.datasets
    _adds_up(mixes[0])
    params = Chem.SmilesParserParams()
    params.removeHs = False
    for row in _rows(mixes[0], "cascade_nmr").iter_rows(named=True):
        elements = [atom.GetAtomicNum() for atom in Chem.MolFromSmiles(row["smiles"], params).GetAtoms()]
        labelled = [z for z, value in zip(elements, row["shift"], strict=True) if value is not None]
        assert labelled == [6] * elements.count(6)
