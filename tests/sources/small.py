"""Small sources and files of the forms that hold more than a table: what their readers are tested on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from rdkit import Chem
from rdkit.Chem import AllChem

from molmix_bench.sources.chunk import RawChunk
from molmix_bench.sources.read import read_chunks
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.source import SourceSpec


def source_of(reader: dict[str, Any], *files: str, tasks: list[dict[str, Any]], **dataset: Any) -> SourceSpec:
    """Returns a source with one dataset, `one`; the first file has the rows, the others are companions."""
    settings = {
        "description": "d",
        "level": "graph",
        "kind": "regression",
        "duplicates": "max_variance" if dataset.get("kind") == "multiclass" else "mean",
        "tasks": [{"description": "x *" if "*" in task["name"] else "x"} | task for task in tasks],
    }
    data = {
        "name": "one",
        "title": "One",
        "description": "d",
        "licence": "CC0-1.0",
        "citation": "@misc{one}",
        "files": [{"name": name, "companion": position > 0} for position, name in enumerate(files)],
        "reader": reader,
        "datasets": {"one": settings | dataset},
    }
    return validate_spec(SourceSpec, data, where="test")


def read_all(source: SourceSpec, folder: Path, *, rows_per_chunk: int = 100) -> list[RawChunk]:
    """Returns the chunks of a source whose files lie in a folder."""
    companions = {file.name: folder / file.name for file in source.files if file.companion}
    path = folder / source.files[0].name
    return list(read_chunks(source, path=path, companions=companions, chunk=0, rows_per_chunk=rows_per_chunk))


def rows_of(chunks: list[RawChunk]) -> list[tuple[str | None, str | None, dict[str, Any]]]:
    """Returns SMILES, problem and labels of every row."""
    return [
        row
        for chunk in chunks
        for row in zip(
            chunk.smiles.to_pylist(), chunk.problems.to_pylist(), chunk.labels["one"].to_pylist(), strict=True
        )
    ]


def embedded(smiles: str) -> Chem.Mol:
    """Returns a molecule with explicit hydrogens and coordinates."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=7)
    return mol


def sdf_record(mol: Chem.Mol, title: str, **properties: str) -> str:
    """Returns one record of an SDF file."""
    mol.SetProp("_Name", title)
    data = "".join(f">  <{name}>  (1)\n{text}\n\n" for name, text in properties.items())
    return f"{Chem.MolToMolBlock(mol)}{data}$$$$\n"


def write_gctx(path: Path, matrix: np.ndarray, columns: dict[str, list[Any]], rows: dict[str, list[Any]]) -> None:
    """Writes a GCTX file: a row of the matrix per signature (`columns` in the format's words), a column per gene."""
    with h5py.File(path, "w") as file:
        file["0/DATA/0/matrix"] = matrix
        for group, fields in (("COL", columns), ("ROW", rows)):
            for name, values in fields.items():
                texts = isinstance(values[0], str)
                file[f"0/META/{group}/{name}"] = np.array(values, dtype="S20") if texts else np.array(values)
