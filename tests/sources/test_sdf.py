"""Tests of the SDF reader: labels among the properties and in a table, order of atoms, records that go, bad files."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from molmix_bench.errors import SourceError, SpecError
from molmix_bench.sources.read import read_chunks
from molmix_bench.specs.catalog import load_source_spec
from tests.sources.small import embedded, read_all, rows_of, sdf_record, source_of

ENERGY = [{"name": "energy", "column": "E (eV)"}]
SHIFT = [{"name": "shift"}]
ATOM_TABLE = {"file": "labels.csv", "molecule": "id", "atom": "atom", "element": "z"}


def _by_properties(folder, text, *, tasks=ENERGY, reader=None, **dataset):
    (folder / "x.sdf").write_text(text)
    return read_all(source_of({"form": "sdf"} | (reader or {}), "x.sdf", tasks=tasks, **dataset), folder)


def _by_table(folder, records, table, *, labels=ATOM_TABLE, reader=None, level="node"):
    (folder / "x.sdf").write_text("".join(records))
    (folder / "labels.csv").write_text(table)
    spec = {"form": "sdf", "labels": labels} | (reader or {})
    return read_all(source_of(spec, "x.sdf", "labels.csv", tasks=SHIFT, level=level), folder)


def _heavy(smiles):
    """Returns the canonical SMILES without explicit hydrogens."""
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


def _elements(smiles):
    """Returns the atomic numbers along a SMILES, explicit hydrogens among them."""
    params = Chem.SmilesParserParams()
    params.removeHs = False
    return [atom.GetAtomicNum() for atom in Chem.MolFromSmiles(smiles, params).GetAtoms()]


def _agree(smiles, labels, record, by_atom):
    """Whether, in some way to lay the SMILES on the record, each heavy atom has its own label and its hydrogens'."""
    params = Chem.SmilesParserParams()
    params.removeHs = False

    def described(mol, value):
        for atom in mol.GetAtoms():
            around = [value(n.GetIdx()) for n in atom.GetNeighbors() if n.GetAtomicNum() == 1]
            own = [value(atom.GetIdx()), *sorted(around)]
            atom.SetProp("labels", " ".join("-" if v is None else f"{v:.9g}" for v in own))
        return Chem.RemoveHs(mol)

    ours = described(Chem.MolFromSmiles(smiles, params), lambda atom: labels[atom])
    theirs = described(Chem.Mol(record), by_atom.get)
    wanted = [atom.GetProp("labels") for atom in theirs.GetAtoms()]
    matches = ours.GetSubstructMatches(theirs, uniquify=False, maxMatches=100_000)
    return wanted in ([ours.GetAtomWithIdx(atom).GetProp("labels") for atom in match] for match in matches)


def test_labels_among_the_properties(tmp_path):
    """A record's properties are its labels; missing ones are missing; stereo follows the coordinates."""
    text = (
        sdf_record(embedded("C[C@H](O)F"), "a", **{"E (eV)": " -1.5 ", "other": "x"})
        + sdf_record(embedded("CC"), "b", **{"E (eV)": "NA"})
        + sdf_record(embedded("CO"), "c")
    )
    rows = rows_of(_by_properties(tmp_path, text))
    assert [(_heavy(smiles), labels["energy"]) for smiles, _, labels in rows] == [
        ("C[C@H](O)F", -1.5),
        ("CC", None),
        ("CO", None),
    ]


def test_lists_among_the_properties(tmp_path):
    """A property with a number per atom follows the atoms into the SMILES; one of another length stays as it is."""
    mol = embedded("OCC")
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    text = sdf_record(mol, "a", shift="\n".join(map(str, numbers))) + sdf_record(mol, "b", shift="1 NA 3")
    (smiles, _, labels), (_, _, short) = rows_of(_by_properties(tmp_path, text, tasks=SHIFT, level="node"))
    assert labels["shift"] == _elements(smiles)
    assert short["shift"] == [1.0, None, 3.0]
    with pytest.raises(SourceError, match=r"x.sdf, column 'shift': found 'x' in row 1; expected a finite number"):
        _by_properties(tmp_path, text.replace("1 NA 3", "1 x 3"), tasks=SHIFT, level="node")


def test_labels_in_a_table(tmp_path):
    """Labels of atoms find their atom by name and number, in whatever order; missing ones are null."""
    records = [sdf_record(embedded(smiles), name) for smiles, name in (("CO", "m1"), ("N", "m2"), ("OC", "m3"))]
    # CO: atoms 0 C, 1 O, 2-5 H; OC: 0 O, 1 C.
    table = "z,atom,id,shift\n8,0,m3,80\n8,1,m1,81\n1,5,m1,5\n6,0,m1,60\n6,1,m3,\n"
    rows = rows_of(_by_table(tmp_path, records, table))
    found = [
        sorted((z, value) for z, value in zip(_elements(smiles), labels["shift"], strict=True) if value is not None)
        for smiles, _, labels in (rows[0], rows[2])
    ]
    assert found == [[(1, 5.0), (6, 60.0), (8, 81.0)], [(8, 80.0)]]
    assert rows[1][2] == {"shift": []}
    assert [problem for _, problem, _ in rows] == [None] * 3


def test_tables_that_contradict_their_structures(tmp_path):
    """Atoms that are not there, other elements, atoms and names twice, names without record: named, with all labels."""
    records = [sdf_record(embedded("C"), name) for name in ("far", "before", "other", "twice", "twin", "twin")]
    table = (
        "id,atom,z,shift\nfar,0,6,1\nfar,5,1,2\nbefore,-1,6,1\nother,0,7,1\nother,1,1,1\ntwice,0,6,1\ntwice,0,6,2\n"
        "twin,0,6,3\nnobody,0,6,1\nnobody,1,6,1\n"
    )
    rows = rows_of(_by_table(tmp_path, records, table))
    assert [(problem, len([v for v in labels["shift"] if v is not None])) for _, problem, labels in rows] == [
        ("a label of atom 5, but the record's atoms are 0 to 4", 2),
        ("a label of atom -1, but the record's atoms are 0 to 4", 1),
        ("atom 0 has the atomic number 6 in the record and 7 in the table of labels", 2),
        ("atom 0 is labelled 2 times", 2),
        (None, 1),
        ("the name 'twin' is that of record 4 too", 0),
        ("no record of the name 'nobody' in x.sdf", 2),
    ]
    assert rows[-1][0] is None


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ("id,atom,z,shift\nm,0,6,x\n", r"labels.csv, column 'shift': found 'x' in row 0; expected a finite number"),
        ("id,atom,z,shift\nm,0,6,1\nm,one,6,1\n", r"labels.csv, column 'atom': found 'one' in row 1; expected a whole"),
        ("id,atom,z,shift\nm,0.5,6,1\n", r"column 'atom': found '0.5' in row 0"),
        ("id,atom,shift\nm,0,6\n", r"labels.csv: found no column 'z'"),
        ("id,atom,z,shift\n", "labels.csv: found no rows"),
    ],
)
def test_bad_tables(tmp_path, table, what):
    """Labels, atoms and elements that are no numbers stop the reading, with the table's row and column."""
    with pytest.raises(SourceError, match=what):
        _by_table(tmp_path, [sdf_record(embedded("C"), "m")], table)


def test_labels_of_molecules_in_a_table(tmp_path):
    """A row per molecule, found by name; a name twice stops the reading, naming both rows."""
    records = [sdf_record(embedded("C"), "a"), sdf_record(embedded("CC"), "b")]
    labels = {"file": "labels.csv", "molecule": "id"}
    table = "id,shift\nb,2\na,1\nc,3\n"
    rows = rows_of(_by_table(tmp_path, records, table, labels=labels, level="graph"))
    assert [row[1:] for row in rows] == [
        (None, {"shift": 1.0}),
        (None, {"shift": 2.0}),
        ("no record of the name 'c' in x.sdf", {"shift": 3.0}),
    ]
    with pytest.raises(SourceError, match=r"column 'id': found 'b' in rows 0 and 3; expected each once"):
        _by_table(tmp_path, records, table + "b,3\n", labels=labels, level="graph")


def test_names_that_are_row_numbers(tmp_path):
    """With a pattern for titles, names are numbers of the table's rows; records of other titles are drops."""
    records = [sdf_record(embedded("CC"), "mol_0001.xyz"), sdf_record(embedded("CO"), "1 2.75 1.68")]
    records.append(sdf_record(embedded("C"), "mol_0000.xyz"))
    reader = {"title": "mol_*.xyz", "bonds": "coordinates"}
    rows = rows_of(
        _by_table(tmp_path, records, "shift\n10\n11\n", labels={"file": "labels.csv"}, reader=reader, level="graph")
    )
    assert [(problem, labels["shift"]) for _, problem, labels in rows] == [
        (None, 11.0),
        ("the title '1 2.75 1.68' is not like 'mol_*.xyz'", None),
        (None, 10.0),
    ]
    assert _heavy(rows[0][0]) == "CC"


def test_records_that_do_not_parse(tmp_path):
    """Damaged records are drops that say why, and keep their labels; the records around them are read."""
    good = sdf_record(embedded("CC"), "a", **{"E (eV)": "1"})
    counts = good.replace("  8  7", " 99  7", 1)
    five_bonds = sdf_record(embedded("CC"), "b", **{"E (eV)": "2"}).replace("  1  2  1  0", "  1  2  3  0", 1)
    empty = "c\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n>  <E (eV)>\n3\n\n$$$$\n"
    rows = rows_of(_by_properties(tmp_path, counts + five_bonds + empty + good.removesuffix("$$$$\n")))
    assert [(problem, labels["energy"]) for _, problem, labels in rows] == [
        ("RDKit cannot read the record's atoms and bonds", 1.0),
        ("Explicit valence for atom # 0 C, 6, is greater than permitted", 2.0),
        (None, 3.0),
        (None, 1.0),
    ]
    assert rows[2][0] == ""


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "x.sdf: found no records"),
        ("\n\n", "x.sdf: found no records"),
        ("name\n\n\n  2  1  0 V2000\n", "the end of the file within record 0"),
    ],
)
def test_truncated_text(tmp_path, text, what):
    """Empty files and such as end within a molecule are refused."""
    with pytest.raises(SourceError, match=what):
        _by_properties(tmp_path, text)


def test_archives(tmp_path):
    """A member of a .tar.gz or .zip is read as the file itself; its table may be another member."""
    text = sdf_record(embedded("CC"), "0") + sdf_record(embedded("C"), "1")
    members = {"d/x.sdf": text, "y.csv": "shift\n5\n6\n"}
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content.encode()))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    (tmp_path / "x.sdf.gz").write_bytes(gzip.compress(text.encode()))
    reader = {"form": "sdf", "member": "d/x.sdf", "labels": {"member": "y.csv"}}
    expected = rows_of(_by_table(tmp_path, [text], "shift\n5\n6\n", labels={"file": "labels.csv"}, level="graph"))
    for name in ("x.tar.gz", "x.zip"):
        source = source_of(reader, name, tasks=SHIFT)
        assert rows_of(read_all(source, tmp_path, rows_per_chunk=1)) == expected
        absent = source_of(reader | {"member": "z.sdf"}, name, tasks=SHIFT)
        with pytest.raises(SourceError, match=rf"{name}, z.sdf: found no such file .*d/x.sdf, y.csv"):
            read_all(absent, tmp_path)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(SourceError, match="unreadable"):
            read_all(source, tmp_path)
    packed_source = source_of({"form": "sdf"}, "x.sdf.gz", tasks=ENERGY)
    assert [row[0] for row in rows_of(read_all(packed_source, tmp_path))] == [row[0] for row in expected]
    (tmp_path / "x.sdf.gz").write_bytes(gzip.compress(text.encode())[:-20])
    with pytest.raises(SourceError, match=r"x.sdf.gz: unreadable"):
        read_all(packed_source, tmp_path)
    with pytest.raises(SourceError, match=r"found the ending '.gz'; expected an archive"):
        read_all(source_of({"form": "sdf", "member": "x"}, "x.sdf.gz", tasks=ENERGY), tmp_path)


@pytest.mark.parametrize(
    ("labels", "level", "what"),
    [
        ({"file": "labels.csv", "molecule": "id"}, "node", "the reader's table of labels is of level 'graph'"),
        (ATOM_TABLE, "graph", "the reader's table of labels is of level 'node'"),
        ({"file": "labels.csv", "member": "x"}, "graph", "give either `file`"),
        ({"file": "labels.csv", "atom": "a"}, "node", "`atom` goes with `molecule`"),
        ({"file": "labels.csv", "molecule": "id", "element": "z"}, "graph", "`element` goes with `atom`"),
    ],
)
def test_contradicting_specs(labels, level, what):
    """Level and table must fit, and keys that need each other come together."""
    with pytest.raises(SpecError, match=what):
        source_of({"form": "sdf", "labels": labels}, "x.sdf", "labels.csv", tasks=SHIFT, level=level)


@pytest.mark.real_data
@pytest.mark.slow
def test_real_cascade(raw_data):
    """Every label of every atom, against pandas and RDKit's own SDF reader; five names and one without record go."""
    folder = raw_data / "midmix"
    table = pd.read_csv(folder / "CASCADE_DFT8K.csv.gz")
    with gzip.open(folder / "CASCADE_DFT8K_DFT.sdf.gz") as stream:
        mols = {int(mol.GetProp("_Name")): mol for mol in Chem.ForwardSDMolSupplier(stream, removeHs=False)}
    companions = {"CASCADE_DFT8K.csv.gz": folder / "CASCADE_DFT8K.csv.gz"}
    path = folder / "CASCADE_DFT8K_DFT.sdf.gz"
    source = load_source_spec("cascade_nmr")
    chunks = list(read_chunks(source, path=path, companions=companions, chunk=0, rows_per_chunk=5_000))
    assert [chunk.num_rows for chunk in chunks] == [5_000, 2_455]
    smiles = [text for chunk in chunks for text in chunk.smiles.to_pylist()]
    problems = [text for chunk in chunks for text in chunk.problems.to_pylist()]
    shifts = [values for chunk in chunks for values in chunk.labels["cascade_nmr"]["shift"].to_pylist()]
    names = [*mols, 20176318]
    assert {name for name, problem in zip(names, problems, strict=True) if problem} == {
        *(5509, 6558, 7695, 10009540, 10018477),  # elements that are not those of their atoms
        20176318,
    }
    assert sum(value is not None for values in shifts for value in values) == len(table) == 217_093
    rng = np.random.default_rng(0)
    by_name = dict(tuple(table.groupby("mol_id")))
    for row in rng.choice(len(mols), 150, replace=False):
        if problems[row] is None:
            labelled = by_name[names[row]]
            stored = labelled["Shift"].astype(np.float32)
            by_atom = dict(zip(labelled["atom_index"].tolist(), stored.tolist(), strict=True))
            assert _agree(smiles[row], shifts[row], mols[names[row]], by_atom)


@pytest.mark.real_data
@pytest.mark.slow
def test_real_qm7(raw_data):
    """7,165 molecules, each with the label of its own row, which a fit by element counts confirms."""
    source = load_source_spec("qm7")
    path = raw_data / "qm7/gdb7.tar.gz"
    (chunk,) = read_chunks(source, path=path, companions={}, chunk=0, rows_per_chunk=10_000)
    energy = chunk.labels["qm7"]["u0_atom"].to_numpy()
    assert chunk.num_rows == 7_169
    assert np.isfinite(energy).sum() == 7_165
    strange = [row for row, text in enumerate(chunk.problems.to_pylist()) if text and "title" in text]
    assert strange == [5717, 5718, 6485, 6486]
    known = [row for row, text in enumerate(chunk.smiles.to_pylist()) if text and np.isfinite(energy[row])]
    assert len(known) > 7_120
    counts = np.array([[_elements(chunk.smiles[row].as_py()).count(z) for z in (1, 6, 7, 8, 16)] for row in known])
    fit = np.linalg.lstsq(counts, energy[known], rcond=None)[0]
    residual = np.abs(energy[known] - counts @ fit)
    assert residual.mean() < 20
    # In the order of records, as MoleculeNet's qm7.csv has them, a tenth of the labels would be another molecule's.
    shifted = np.delete(energy, strange)[[min(row, 7_164) for row in known]]
    assert np.abs(shifted - counts @ fit).mean() > 2 * residual.mean()
