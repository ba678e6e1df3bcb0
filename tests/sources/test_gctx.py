"""Tests of the GCTX reader: which signatures, genes and molecules; broken files; the real sample."""

from __future__ import annotations

import bz2
import gzip

import h5py
import numpy as np
import pandas as pd
import pytest

from molmix_bench.errors import SourceError
from molmix_bench.sources.gctx import gene_columns
from molmix_bench.sources.patterns import expand_source
from molmix_bench.specs.catalog import load_source_spec
from tests.sources.small import read_all, rows_of, source_of, write_gctx

READER = {
    "form": "gctx",
    "molecule": "pert_id",
    "lookup": {"file": "perts.tsv", "key": "id", "smiles": "smiles", "missing": ["", "-666"]},
    "where": {"cell_id": "VCAP", "pert_type": "trt_cp"},
    "gene": "gene",
}
BINS = {"kind": "multiclass", "num_classes": 5, "bins": [-4, -2, 2, 4]}
TASKS = [{"name": "g1"}, {"name": "g3"}]
MATRIX = np.array([[-5.0, 9, 0], [1, 9, 1], [-2, 9, 2], [3.9, 9, 4], [np.nan, 9, -4.5], [7, 9, 7]], dtype=np.float32)
COLUMNS = {
    "id": ["s0", "s1", "s2", "s3", "s4", "s5"],
    "pert_id": ["b1", "b1", "b2", "b3", "b9", "b1"],
    "cell_id": ["VCAP", "MCF7", "VCAP", "VCAP", "VCAP", "VCAP"],
    "pert_type": ["trt_cp"] * 5 + ["trt_sh"],
    "dose": [1.0, 2.0, 1.0, 1.0, 1.5, 1.0],
}
ROWS = {"id": ["p1", "p2", "p3"], "gene": ["g1", "g2", "g3"], "is_lm": [1.0, 0.0, 1.0]}


def _files(folder, *, matrix=MATRIX, columns=COLUMNS, rows=ROWS):
    write_gctx(folder / "x.gctx", matrix, columns, rows)
    (folder / "perts.tsv").write_text("id\tsmiles\nb1\tCC\nb2\tCCO\nb3\t-666\n")


def _source(reader=READER, *companions, tasks=TASKS, **dataset):
    return source_of(reader, "x.gctx", "perts.tsv", *companions, tasks=tasks, **(dataset or BINS))


def test_chosen_signatures_are_rows(tmp_path):
    """Signatures of the cell line and kind, in order; classes at thresholds; NaN is missing; no SMILES, a reason."""
    _files(tmp_path)
    chunks = read_all(_source(), tmp_path, rows_per_chunk=3)
    assert [chunk.start for chunk in chunks] == [0, 3]
    assert rows_of(chunks) == [
        ("CC", None, {"g1": 0, "g3": 2}),
        ("CCO", None, {"g1": 2, "g3": 3}),
        (None, "b3 has no SMILES in perts.tsv", {"g1": 3, "g3": 4}),
        (None, "b9 has no SMILES in perts.tsv", {"g1": None, "g3": 0}),
    ]
    # Of z-scores, not of classes: (-5, 0), (-2, 2), (3.9, 4), and one label alone.
    assert np.concatenate([chunk.spread["one"] for chunk in chunks]) == pytest.approx(
        [6.25, 4.0, 0.0025, 0.0], rel=1e-5
    )


def test_numbers_choose_by_their_shortest_form(tmp_path):
    """A numeric field is compared as it would be written."""
    _files(tmp_path)
    assert len(rows_of(read_all(_source(READER | {"where": {"dose": "1.5"}}), tmp_path))) == 1
    assert len(rows_of(read_all(_source(READER | {"where": {"dose": "1"}}), tmp_path))) == 4


def test_fields_from_a_table_of_signatures(tmp_path):
    """Full releases name their signatures only; the fields come from a table, in any order."""
    _files(tmp_path, columns={"id": COLUMNS["id"]})
    lines = [
        "\t".join(map(str, row))
        for row in zip(*(COLUMNS[name] for name in ("cell_id", "pert_id", "id", "pert_type")), strict=True)
    ]
    text = "\n".join(["cell_id\tpert_id\tsig_id\tpert_type", *reversed(lines), ""])
    (tmp_path / "sigs.tsv").write_text(text)
    reader = READER | {"signatures": {"file": "sigs.tsv", "key": "sig_id"}}
    table = [row[:2] for row in rows_of(read_all(_source(reader, "sigs.tsv"), tmp_path))]
    _files(tmp_path)
    assert table == [row[:2] for row in rows_of(read_all(_source(), tmp_path))]
    (tmp_path / "sigs.tsv").write_text(text.replace("s4", "other"))
    with pytest.raises(SourceError, match=r"1 signatures that are not in sigs.tsv, s4 first"):
        read_all(_source(reader, "sigs.tsv"), tmp_path)


def test_genes_wanted(tmp_path):
    """A table of genes says which of the file's are tasks; a pattern stands for them, in the order of the file."""
    _files(tmp_path)
    (tmp_path / "genes.tsv").write_text("entrez\tstatus\ng3\tmeasured\ng2\timputed\ng1\tmeasured\ng7\tmeasured\n")
    reader = READER | {"genes": {"file": "genes.tsv", "key": "entrez", "where": {"status": "measured"}}}
    source = _source(reader, "genes.tsv", tasks=[{"name": "geneID-*", "column": "*"}])
    companions = {"genes.tsv": tmp_path / "genes.tsv"}
    columns = gene_columns(tmp_path / "x.gctx", source, companions)
    assert columns == ["g1", "g3"]
    expanded = expand_source(source, columns, file="x.gctx")
    assert rows_of(read_all(expanded, tmp_path))[0] == ("CC", None, {"geneID-g1": 0, "geneID-g3": 2})
    (tmp_path / "genes.tsv").write_text("entrez\tstatus\ng3\timputed\n")
    with pytest.raises(SourceError, match=r"genes.tsv, column 'status': found no 'measured'; expected one of imputed"):
        gene_columns(tmp_path / "x.gctx", source, companions)
    (tmp_path / "genes.tsv").write_text("entrez\tstatus\ng7\tmeasured\n")
    with pytest.raises(SourceError, match="only genes such as g1, g2, g3"):
        gene_columns(tmp_path / "x.gctx", source, companions)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"matrix": MATRIX.T}, "a matrix of 3 x 6; expected 6 signatures x 3 genes"),
        ({"matrix": MATRIX[0]}, r"0/DATA/0/matrix of shape \(3,\); expected 2 dimension"),
        ({"matrix": MATRIX.astype("S3")}, r"a matrix of \|S3; expected numbers"),
        ({"matrix": np.full_like(MATRIX, np.inf)}, "column 'g1': found inf in row 0, .* expected a finite number"),
        ({"rows": {"gene": ["g1", "g1", "g3"]}}, "g1 more than once"),
        ({"rows": {"gene": ["g1", "g2", "g30"]}}, r"no gene g3 \(did you mean 'g30'\?\)"),
        ({"rows": {"other": ["g1", "g2", "g3"]}}, "no 0/META/ROW/gene; expected a dataset; there are other"),
        ({"columns": COLUMNS | {"cell_id": ["VCAP"]}}, "fields of lengths"),
        ({"columns": COLUMNS | {"cell_id": ["VCAP1"] * 6}}, r"no signature with .*\(cell_id has no 'VCAP' \(did you"),
    ],
)
def test_files_of_another_shape(tmp_path, change, what):
    """Parts that are missing or do not fit each other are named, with what is there."""
    _files(tmp_path, **change)
    with pytest.raises(SourceError, match=what) as error:
        read_all(_source(), tmp_path)
    assert str(error.value).startswith("x.gctx")


def test_class_values_outside_the_range(tmp_path):
    """Where the matrix holds classes themselves, one that is none stops the reading with row and column."""
    _files(tmp_path, matrix=np.array([[0, 0, 4]] * 5 + [[5, 5, 5]]))
    assert rows_of(read_all(_source(kind="multiclass", num_classes=5), tmp_path))[3][2] == {"g1": 0, "g3": 4}
    _files(tmp_path, matrix=np.array([[0, 0, 4]] * 4 + [[0, 0, 5]] * 2))
    with pytest.raises(SourceError, match=r"x.gctx, column 'g3': found 5.0 in row 3; expected a whole number from 0"):
        read_all(_source(kind="multiclass", num_classes=5), tmp_path)


def test_files_that_are_no_hdf5(tmp_path):
    """Truncated, packed and foreign files are refused."""
    _files(tmp_path)
    whole = (tmp_path / "x.gctx").read_bytes()
    for content, what in (
        (whole[: len(whole) // 2], "unreadable: .*truncated"),
        (whole[:4], "no HDF5 file"),
        (b"id,x\n1,2\n", "no HDF5 file"),
    ):
        (tmp_path / "x.gctx").write_bytes(content)
        with pytest.raises(SourceError, match=what):
            read_all(_source(), tmp_path)
    (tmp_path / "x.gctx.gz").write_bytes(gzip.compress(whole))
    source = source_of(READER, "x.gctx.gz", "perts.tsv", tasks=TASKS, **BINS)
    with pytest.raises(SourceError, match="unpack it first"):
        read_all(source, tmp_path)


def test_data_elsewhere(tmp_path):
    """A file that points at another one is refused: it could show any file of this machine."""
    _files(tmp_path)
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["m"] = MATRIX
    for link in (h5py.ExternalLink(str(secret), "/m"), h5py.SoftLink("/0/META/COL/dose")):
        with h5py.File(tmp_path / "x.gctx", "a") as file:
            del file["0/DATA/0/matrix"]
            file["0/DATA/0/matrix"] = link
        with pytest.raises(SourceError, match="a link to elsewhere"):
            read_all(_source(), tmp_path)
    with h5py.File(tmp_path / "x.gctx", "a") as file:
        del file["0/DATA/0/matrix"]
        external = [(str(secret), 0, MATRIX.nbytes)]
        file.create_dataset("0/DATA/0/matrix", MATRIX.shape, MATRIX.dtype, external=external)
    with pytest.raises(SourceError, match="no dataset of this file"):
        read_all(_source(), tmp_path)
    with h5py.File(tmp_path / "x.gctx", "a") as file:
        del file["0/DATA/0/matrix"]
        file.create_dataset("0/DATA/0/matrix", (6, 1 << 30), "f4", chunks=(1, 1 << 29))
    with pytest.raises(SourceError, match="in chunks of"):
        read_all(_source(), tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "num_signatures"), [("l1000_vcap_raw", 12), ("l1000_mcf7_raw", 25)])
def test_real_sample_against_pandas(raw_data, name, num_signatures):
    """The catalog's sources read what h5py and pandas, used plainly, say: signatures, SMILES, classes, spread."""
    folder = raw_data / "lincs"
    cell = name.split("_")[1].upper()
    with h5py.File(folder / "modzs_n272x978.gctx") as file:
        meta = {key: file[f"0/META/COL/{key}"][:].astype(str) for key in ("cell_id", "pert_type", "pert_id")}
        genes = file["0/META/ROW/pr_gene_id"][:].astype(str)
        matrix = pd.DataFrame(file["0/DATA/0/matrix"][:], columns=genes).assign(**meta)
    chosen = matrix[(matrix["cell_id"] == cell) & (matrix["pert_type"] == "trt_cp")]
    perts = pd.read_csv(folder / "pertinfo.tsv.gz", sep="\t", low_memory=False).set_index("pert_id")
    smiles = [text if text != "-666" else None for text in perts.loc[chosen["pert_id"], "canonical_smiles"]]
    source = load_source_spec(name)
    companions = {"pertinfo.tsv.gz": folder / "pertinfo.tsv.gz", "genes.tsv": folder / "genes.tsv.gz"}
    path = folder / "modzs_n272x978.gctx"
    source = expand_source(source, gene_columns(path, source, companions), file="sample")
    from molmix_bench.sources.read import read_chunks

    (chunk,) = read_chunks(source, path=path, companions=companions, chunk=0, rows_per_chunk=1000)
    assert chunk.num_rows == len(chosen) == num_signatures
    assert [None if pd.isna(text) else text for text in smiles] == chunk.smiles.to_pylist()
    scores = chosen[genes].to_numpy(dtype=float)
    assert chunk.spread[name] == pytest.approx(scores.var(axis=1))
    table = chunk.labels[name]
    tasks = [task.column for task in source.datasets[name].tasks]
    assert tasks == list(genes)
    assert all(row == list(range(978)) for row in table["task_idx"].to_pylist())
    # pandas' own binning, closed on the left as ours.
    classes = np.array([pd.cut(row, [-np.inf, -4, -2, 2, 4, np.inf], right=False, labels=False) for row in scores])
    assert np.array_equal(np.array(table["label"].to_pylist()), classes)
    assert len(np.unique(classes)) == 5


@pytest.mark.real_data
def test_real_genes_are_the_landmarks(raw_data):
    """The genes that the table calls measured are those that the sample marks as landmarks."""
    folder = raw_data / "lincs"
    source = load_source_spec("l1000_vcap_raw")
    columns = gene_columns(folder / "modzs_n272x978.gctx", source, {"genes.tsv": folder / "genes.tsv.gz"})
    with h5py.File(folder / "modzs_n272x978.gctx") as file:
        landmarks = file["0/META/ROW/pr_gene_id"][:][file["0/META/ROW/is_lm"][:] == 1].astype(str)
    assert columns == landmarks.tolist()


@pytest.mark.real_data
def test_real_consensus(raw_data):
    """884 perturbagens, all with SMILES; a fifth of the classes is not the middle one, counted on the text itself."""
    from molmix_bench.sources.read import column_names, read_chunks

    path = raw_data / "midmix/consensi-pert_id.tsv.bz2"
    companions = {"pertinfo.tsv.gz": raw_data / "lincs/pertinfo.tsv.gz"}
    source = load_source_spec("l1000_consensus")
    source = expand_source(source, column_names(source, path, companions), file="consensus")
    assert len(source.datasets["l1000_consensus"].tasks) == 978
    chunks = list(read_chunks(source, path=path, companions=companions, chunk=0, rows_per_chunk=300))
    labels = np.concatenate([chunk.labels["l1000_consensus"]["label"].combine_chunks().flatten() for chunk in chunks])
    with bz2.open(path) as stream:
        scores = np.array([line.split(b"\t")[1:] for line in stream.read().splitlines()[1:]], dtype=float)
    expected = [
        (scores < -4).sum(),
        ((scores >= -4) & (scores < -2)).sum(),
        ((scores >= -2) & (scores < 2)).sum(),
        ((scores >= 2) & (scores < 4)).sum(),
        (scores >= 4).sum(),
    ]
    assert np.bincount(labels).tolist() == expected
    assert 0.15 < 1 - expected[2] / scores.size < 0.25
    assert sum(chunk.problems.null_count for chunk in chunks) == 884
