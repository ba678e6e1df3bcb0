"""Tests of the XYZ reader: perceived bonds, labels on comment lines and in matrices, bad files."""

from __future__ import annotations

import io
import tarfile
import zipfile

import numpy as np
import pytest
from rdkit import Chem, rdBase
from scipy.io import savemat

from molmix_bench.errors import SourceError, SpecError
from molmix_bench.sources import structures
from molmix_bench.sources.structures import structure_of_coordinates
from molmix_bench.specs.catalog import load_source_spec
from tests.sources.small import embedded, read_all, rows_of, source_of

TASKS = [{"name": "a"}, {"name": "b", "column": "second"}]
READER = {"form": "xyz", "comment": ["a", "second"]}
MATRIX = {"form": "xyz", "matrix": {"file": "x.mat", "variable": "T", "columns": ["a", "second"], "coulomb": "X"}}


def _frame(smiles, comment):
    """Returns a molecule as upstream's QM7b file writes it."""
    lines = Chem.MolToXYZBlock(embedded(smiles)).splitlines()
    return "\n".join([lines[0], comment, *lines[2:], ""])


def _read(folder, text, reader=READER, *companions, **dataset):
    (folder / "x.xyz").write_text(text)
    return rows_of(read_all(source_of(reader, "x.xyz", *companions, tasks=TASKS, **dataset), folder, rows_per_chunk=2))


def _heavy(smiles):
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


def _inchikey(smiles):
    return Chem.MolToInchiKey(Chem.MolFromSmiles(smiles))


def _coulomb(*molecules, size=12):
    """Returns Coulomb matrices of the elements given, of which only the diagonal matters here."""
    found = np.zeros((len(molecules), size, size))
    for matrix, elements in zip(found, molecules, strict=True):
        np.fill_diagonal(matrix, [0.5 * z**2.4 for z in elements] + [0] * (size - len(elements)))
    return found


def test_labels_on_comment_lines(tmp_path):
    """Numbers go to their names; blank lines between molecules are nothing; stereo comes from the coordinates."""
    text = _frame("C[C@H](O)F", "-1.5 2") + "\n" + _frame("c1ccccc1", "NA 3e0") + _frame("C/C=C/C", "0 nan") + "\n\n"
    rows = _read(tmp_path, text)
    assert [(_heavy(smiles), labels) for smiles, _, labels in rows] == [
        ("C[C@H](O)F", {"a": -1.5, "b": 2.0}),
        ("c1ccccc1", {"a": None, "b": 3.0}),
        ("C/C=C/C", {"a": 0.0, "b": None}),
    ]


def test_molecules_without_bonds(tmp_path):
    """What is no neutral molecule, no element or no coordinate is a drop that says why, with its labels."""
    ethane = _frame("CC", "1 2")
    text = (
        "2\n1 2\nC 0 0 0\nH 0 0 1.09\n"
        + ethane.replace("C  ", "Xx ", 1)
        + "1\n1 2\nHe 0 0 nan\n"
        + "1\n1 2\nHe 0 0\n"
        + "1\n1 2\nHE 0 0 0 extra\n"
        + "0\n1 2\n"
    )
    rows = _read(tmp_path, text)
    assert [problem and problem.partition(":")[0].partition(",")[0] for _, problem, _ in rows] == [
        "no bonds fit the coordinates",
        "line 7",
        "line 17",
        "line 20",
        None,
        None,
    ]
    assert [smiles for smiles, _, _ in rows[-2:]] == ["[He]", ""]
    assert all(labels == {"a": 1.0, "b": 2.0} for _, _, labels in rows)


def test_bounds_of_bond_perception(monkeypatch):
    """Large molecules are not tried, and the search for bond orders ends."""
    mol = embedded("O=[N+]([O-])c1ccccc1")
    elements = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    positions = [tuple(row) for row in mol.GetConformer().GetPositions().tolist()]
    found = structure_of_coordinates(elements, positions, max_atoms=14)
    assert _heavy(found.smiles) == "O=[N+]([O-])c1ccccc1"
    assert "at most 13" in structure_of_coordinates(elements, positions, max_atoms=13).problem
    monkeypatch.setattr(structures, "MAX_BOND_ITERATIONS", 1)
    assert "Max Iterations Exceeded" in structure_of_coordinates(elements, positions, max_atoms=14).problem


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "x.xyz: found no molecules"),
        ("\n\n", "x.xyz: found no molecules"),
        ("two\n", "x.xyz line 1: found 'two'; expected a number of atoms"),
        ("-1\n", "line 1: found '-1'"),
        ("99999999999999999999\n", "line 1: found '9999"),
        ("2\n1 2\nHe 0 0 0\n", "line 1: found 1 atoms, then the end of the file; expected 2"),
        ("1\n", "line 1: found 0 atoms, then the end"),
        ("1\n1 2 3\nHe 0 0 0\n", "line 2: found 3 values; expected 2: a, second"),
        ("1\n1 x\nHe 0 0 0\n", "x.xyz, column 'second': found 'x' in row 0; expected a finite number"),
    ],
)
def test_broken_files(tmp_path, text, what):
    """Truncated files, counts that are none, and comment lines of another form are refused, with the line."""
    with pytest.raises(SourceError, match=what):
        _read(tmp_path, text)


def test_labels_in_a_matrix(tmp_path):
    """Row i of the matrix is molecule i; a Coulomb matrix of other elements is a drop that keeps its labels."""
    text = _frame("CO", "x") + _frame("C", "y") + _frame("N", "z")
    coulomb = _coulomb([8, 6, 1, 1, 1, 1], [6, 1, 1, 1, 1], [6, 1, 1, 1])
    savemat(tmp_path / "x.mat", {"T": np.array([[1, 2], [3, np.nan], [5, 6]]), "X": coulomb}, do_compression=True)
    assert [(problem, labels) for _, problem, labels in _read(tmp_path, text, MATRIX, "x.mat")] == [
        (None, {"a": 1.0, "b": 2.0}),
        (None, {"a": 3.0, "b": None}),
        ("row 2 of X in x.mat is of other elements than the structure", {"a": 5.0, "b": 6.0}),
    ]


@pytest.mark.parametrize(
    ("variables", "what"),
    [
        ({"T": np.ones((3, 2)), "X": _coulomb([6], [6], [6])}, "found 2 structures; expected 3"),
        ({"T": np.ones((1, 2)), "X": _coulomb([6])}, "found more than 1 structures; expected 1"),
        ({"T": np.ones((2, 3)), "X": _coulomb([6], [6])}, r"x.mat, T: found 2 x 3; expected a row per molecule"),
        ({"T": np.ones((2, 2)), "X": np.ones((2, 4))}, r"x.mat, X: found 2 x 4; expected 2 square matrices"),
        ({"X": np.ones((2, 2))}, "x.mat: found no variable 'T'; expected it among X"),
        ({"T": np.array([["a", "b"]]), "X": _coulomb([6])}, "T: found a variable of type char; expected numbers"),
        ({"T": {"a": 1}, "X": _coulomb([6])}, "T: found a variable of type struct"),
        (b"\x89HDF\r\n\x1a\n", "x.mat: found unreadable"),
        (b"MATLAB 5.0 MAT-file", "x.mat: found unreadable"),
    ],
)
def test_matrices_of_another_form(tmp_path, variables, what):
    """Matrices that are absent, of another shape or no numbers are refused, and so are files of other forms."""
    if isinstance(variables, bytes):
        (tmp_path / "x.mat").write_bytes(variables)
    else:
        savemat(tmp_path / "x.mat", variables)
    with pytest.raises(SourceError, match=what):
        _read(tmp_path, _frame("C", "x") + _frame("C", "y"), MATRIX, "x.mat")


def test_truncated_matrix(tmp_path):
    """A matrix cut short is refused."""
    savemat(tmp_path / "x.mat", {"T": np.random.default_rng(0).random((500, 2)), "X": _coulomb([6])})
    whole = (tmp_path / "x.mat").read_bytes()
    (tmp_path / "x.mat").write_bytes(whole[:4_000])
    with pytest.raises(SourceError, match=r"x.mat: found"):
        _read(tmp_path, _frame("C", "x"), MATRIX, "x.mat")


@pytest.mark.parametrize(
    ("reader", "dataset", "what"),
    [
        ({"form": "xyz", "comment": ["a"]}, {}, "the reader has no column second"),
        (READER, {"level": "node"}, "labels of level 'graph' only"),
        ({"form": "xyz"}, {}, "labels are either on the comment line"),
        ({"form": "xyz", "comment": ["a", "a", "second"]}, {}, "names of columns repeat"),
    ],
)
def test_contradicting_specs(reader, dataset, what):
    """Tasks are columns that the reader names, of molecules."""
    with pytest.raises(SpecError, match=what):
        source_of(reader, "x.xyz", tasks=TASKS, **dataset)


def test_qm7b_of_upstreams_form(tmp_path):
    """The catalog's source reads an archive of upstream's form: 14 numbers to a comment line, in the readme's order."""
    source = load_source_spec("qm7b")
    with zipfile.ZipFile(tmp_path / "gdb7-13.zip", "w") as archive:
        values = " ".join(f"{task + 0.5:.8f}" for task in range(14))
        archive.writestr("dsgdb7njp.xyz", "\n".join(_frame(smiles, values) for smiles in ("C", "CCl", "C1CS1")))
        archive.writestr("readme.txt", "...")
    (chunk,) = read_all(source, tmp_path)
    assert [_heavy(smiles) for smiles in chunk.smiles.to_pylist()] == ["C", "CCl", "C1CS1"]
    assert (
        chunk.labels["qm7b"].to_pylist()
        == [{task.name: place + 0.5 for place, task in enumerate(source.datasets["qm7b"].tasks)}] * 3
    )


@pytest.mark.real_data
def test_perceived_bonds_of_real_structures(raw_data, tmp_path):
    """QM7's structures written as XYZ: where the SDF's own bonds make a closed-shell molecule, InChI is the same."""
    with tarfile.open(raw_data / "qm7/gdb7.tar.gz") as archive, rdBase.BlockLogs():
        stream = io.BytesIO(archive.extractfile("gdb7.sdf").read())
        mols = [mol for mol in Chem.ForwardSDMolSupplier(stream, removeHs=False) if mol is not None]
    clean = [
        mol
        for mol in mols
        if len(Chem.GetMolFrags(mol)) == 1 and not any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())
    ]
    assert len(clean) == 6_257
    sample = clean[::4]
    blocks = [Chem.MolToXYZBlock(mol).split("\n", 2) for mol in sample]
    rows = _read(tmp_path, "".join(f"{count}\n0 0\n{atoms}" for count, _, atoms in blocks))
    with rdBase.BlockLogs():
        # Both by way of SMILES, which does not keep the configuration of nitrogen that InChI sees in coordinates.
        same = sum(
            smiles is not None and _inchikey(smiles) == _inchikey(Chem.MolToSmiles(mol))
            for (smiles, _, _), mol in zip(rows, sample, strict=True)
        )
    # Of all 6,257 it is 6,232: 23 get no bonds, and two sulphur heterocycles a mesoionic form.
    assert same / len(sample) > 0.99
    assert len(rows) == len(sample)
