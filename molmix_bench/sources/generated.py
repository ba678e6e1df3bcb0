"""The reader of generated sources: molecules and labels made on this machine, chunk by chunk.

A chunk depends on its own molecules only, so any process can make any chunk. Labels of further datasets become further
columns here; rows and columns that exist do not change with them.
"""

from __future__ import annotations

import hashlib

import polars as pl
import pyarrow as pa
from rdkit import Chem

from molmix_bench.chem.alerts import ALERTS, find_alerts
from molmix_bench.chem.atom_properties import ATOM_PROPERTIES, compute_atom_properties
from molmix_bench.chem.classes import BINNINGS, find_classes
from molmix_bench.chem.generate import generate_chunk
from molmix_bench.chem.properties import PROPERTIES
from molmix_bench.errors import UsageError
from molmix_bench.sources.chunk import RawChunk, no_problems
from molmix_bench.sources.labels import Place, type_labels
from molmix_bench.specs.readers import GeneratedReader
from molmix_bench.specs.source import SourceSpec
from molmix_bench.vocab import SMILES

CHUNK_ROWS = 500
"""A second of work: enough chunks to share out, few enough to start."""

SHOWN_FRACTION = {
    "brenk": 0.15,
    "chembl_lint": 0.15,
    "chembl_mlsmr": 0.12,
    "chembl_glaxo": 0.35,
    "pains_a": 0.45,
    "nitro": 0.3,
    "michael_acceptor": 0.3,
    "aldehyde": 0.4,
    "catechol": 0.6,
    "imine": 0.6,
    "thiocarbonyl": 0.5,
    "long_chain": 0.6,
}
"""Alert -> the share of its labels that is not hidden: larger for rarer alerts, so that each can be scored."""


def num_chunks(reader: GeneratedReader) -> int:
    """Returns the number of chunks of a generated source.

    >>> num_chunks(GeneratedReader(num_molecules=501))
    2
    """
    return -(-reader.num_molecules // CHUNK_ROWS)


def read_chunk(reader: GeneratedReader, index: int) -> pa.Table:
    """Returns one chunk: `smiles`, and a column per task.

    Properties are float64, alerts int8 and null where hidden, properties of atoms lists of float64 in the order of the
    SMILES' atoms, classes int8.

    Raises:
        UsageError: there is no such chunk, or the source asks for more molecules than can be made.
    """
    if not 0 <= index < num_chunks(reader):
        raise UsageError("chunk", found=str(index), expected=f"0 to {num_chunks(reader) - 1}")
    start = index * CHUNK_ROWS
    stop = min(start + CHUNK_ROWS, reader.num_molecules)
    smiles = generate_chunk(start, stop, num_molecules=reader.num_molecules, seed=reader.seed)
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    columns = {SMILES: pa.array(smiles, pa.string())}
    for name, compute in PROPERTIES.items():
        columns[name] = pa.array([compute(mol) for mol in mols], pa.float64())
    alerts = [find_alerts(mol) for mol in mols]
    for name in ALERTS:
        shown = (int(found[name]) if is_shown(text, name) else None for text, found in zip(smiles, alerts, strict=True))
        columns[name] = pa.array(list(shown), pa.int8())
    atoms = [compute_atom_properties(mol) for mol in mols]
    columns |= {name: pa.array([found[name] for found in atoms], pa.list_(pa.float64())) for name in ATOM_PROPERTIES}
    classes = [find_classes(mol) for mol in mols]
    columns |= {name: pa.array([found[name] for found in classes], pa.int8()) for name in BINNINGS}
    return pa.table(columns)


def read_generated(source: SourceSpec, index: int) -> RawChunk:
    """Returns one chunk of a generated source as any reader would."""
    if not isinstance(source.reader, GeneratedReader):
        raise TypeError(f"source {source.name} is not generated")
    table = read_chunk(source.reader, index)
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("a table did not become a data frame")
    place = Place(file=f"{source.name} chunk {index}", start=0)
    typed = {name: type_labels(frame, dataset, place) for name, dataset in source.datasets.items()}
    return RawChunk(
        start=0,
        smiles=table[SMILES].combine_chunks(),
        problems=no_problems(table.num_rows),
        labels={name: labels for name, (labels, _) in typed.items()},
        spread={name: spread for name, (_, spread) in typed.items()},
    )


def is_shown(smiles: str, alert: str) -> bool:
    """Whether the label of an alert is given for a molecule: a keyed hash of both decides, not the label itself.

    Args:
        smiles: canonical SMILES of the molecule.
        alert: one of `ALERTS`.
    """
    digest = hashlib.blake2b(f"{alert}/{smiles}".encode(), digest_size=8, key=b"mini_alerts").digest()
    return int.from_bytes(digest, "big") < SHOWN_FRACTION[alert] * 2**64
