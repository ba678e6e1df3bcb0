"""Reader of GCTX files: chosen signatures are rows, genes are columns, molecules are looked up.

In HDF5's order the matrix has a row per signature (a "column" in the words of the format) and a column per gene.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from molmix_bench.errors import SourceError
from molmix_bench.layout.cells import Ints
from molmix_bench.sources.assemble import assemble_chunk, label_columns
from molmix_bench.sources.chunk import RawChunk
from molmix_bench.sources.frames import read_frames
from molmix_bench.sources.hdf5 import find_dataset, open_hdf5, read_texts
from molmix_bench.sources.labels import Place
from molmix_bench.sources.lookup import Lookup
from molmix_bench.specs.base import nearest
from molmix_bench.specs.readers import GctxReader, GeneTable
from molmix_bench.specs.source import SourceSpec

_MATRIX, _SIGNATURES, _GENES = "0/DATA/0/matrix", "0/META/COL", "0/META/ROW"
_TABLE_ROWS = 1 << 20
_RUN_ROWS = 1024
"""Rows of the matrix read at once, with all of its genes (12,328 where they are not landmarks alone)."""


def read_gctx(
    path: Path, source: SourceSpec, *, companions: Mapping[str, Path], rows_per_chunk: int
) -> Iterator[RawChunk]:
    """Yields the chosen signatures of a GCTX file in order, `rows_per_chunk` at a time.

    Raises:
        SourceError: the file is truncated or lacks a part, its parts do not fit each other, no signature is chosen, a
            signature is not in the table of signatures, or a value is no label.
    """
    reader = _reader_of(source)
    find = Lookup(reader.lookup, companions[reader.lookup.file])
    with open_hdf5(path) as file:
        matrix = find_dataset(file, _MATRIX, path.name, num_dimensions=2)
        if matrix.dtype.kind not in "fiu":
            raise SourceError(path.name, found=f"a matrix of {matrix.dtype}", expected="numbers")
        fields = _signature_fields(file, path, reader, companions)
        genes = _gene_names(file, path, reader)
        shape = (len(next(iter(fields.values()))), len(genes))
        if matrix.shape != shape:
            found = f"a matrix of {matrix.shape[0]:,} x {matrix.shape[1]:,}"
            expected = f"{shape[0]:,} signatures x {shape[1]:,} genes, as the file names them"
            raise SourceError(path.name, found=found, expected=expected, fix="fetch the file again")
        chosen = _choose(fields, reader, path)
        names = label_columns(source)
        at = _positions(names, genes, path)
        for start in range(0, len(chosen), rows_per_chunk):
            rows = chosen[start : start + rows_per_chunk]
            smiles, problems = find(pl.Series([fields[reader.molecule][row] for row in rows], dtype=pl.String))
            frame = pl.DataFrame(_read_rows(matrix, rows, at), schema=names, orient="row")
            yield assemble_chunk(frame, source, Place(path.name, start), smiles=smiles, problems=problems)


def gene_columns(path: Path, source: SourceSpec, companions: Mapping[str, Path]) -> Sequence[str]:
    """Returns the identifiers of the genes wanted, in the order of the file.

    Raises:
        SourceError: as `read_gctx`, or the file has none of the genes wanted.
    """
    reader = _reader_of(source)
    with open_hdf5(path) as file:
        genes = _gene_names(file, path, reader)
    if reader.genes is None:
        return genes
    wanted = _wanted_genes(reader.genes, companions[reader.genes.file])
    found = [gene for gene in genes if gene in wanted]
    if not found:
        expected = f"some of the {len(wanted):,} genes wanted of {reader.genes.file}"
        raise SourceError(path.name, found=f"only genes such as {', '.join(genes[:3])}", expected=expected)
    return found


def _reader_of(source: SourceSpec) -> GctxReader:
    if not isinstance(source.reader, GctxReader):
        raise TypeError(f"source {source.name} is not read as GCTX")
    return source.reader


def _gene_names(file: Any, path: Path, reader: GctxReader) -> list[str]:
    names = _field(file, path, f"{_GENES}/{reader.gene}")
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        where = f"{path.name}, {_GENES}/{reader.gene}"
        raise SourceError(where, found=f"{', '.join(repeated[:3])} more than once", expected="each gene once")
    return names


def _field(file: Any, path: Path, name: str) -> list[str]:
    return read_texts(find_dataset(file, name, path.name, num_dimensions=1), f"{path.name}, {name}")


def _signature_fields(
    file: Any, path: Path, reader: GctxReader, companions: Mapping[str, Path]
) -> dict[str, list[str]]:
    """Returns the fields that choose signatures and name their compounds, a value per signature of the file."""
    wanted = list(dict.fromkeys([reader.molecule, *reader.where]))
    if reader.signatures is None:
        fields = {name: _field(file, path, f"{_SIGNATURES}/{name}") for name in wanted}
        lengths = {name: len(values) for name, values in fields.items()}
        if len(set(lengths.values())) > 1:
            raise SourceError(path.name, found=f"fields of lengths {lengths}", expected="one value per signature")
        return fields
    table, key = companions[reader.signatures.file], reader.signatures.key
    columns = list(dict.fromkeys([key, *wanted]))
    frame = pl.concat(list(read_frames(table, columns, _TABLE_ROWS))).unique(key, keep="first")
    ids = pl.DataFrame({"id": _field(file, path, f"{_SIGNATURES}/id")})
    joined = ids.join(
        frame.select(pl.col(key).alias("id"), *(pl.col(name).alias(f"/{name}") for name in wanted), known=True),
        on="id",
        how="left",
        maintain_order="left",
    )
    absent = joined.filter(pl.col("known").is_null())["id"]
    if len(absent):
        found = f"{len(absent):,} signatures that are not in {table.name}, {absent[0]} first"
        raise SourceError(path.name, found=found, expected="each there", fix="take the table of the same release")
    return {name: joined[f"/{name}"].fill_null("").to_list() for name in wanted}


def _choose(fields: Mapping[str, list[str]], reader: GctxReader, path: Path) -> list[int]:
    first = next(iter(fields.values()))
    chosen = [row for row in range(len(first)) if all(fields[name][row] == text for name, text in reader.where.items())]
    if not chosen:
        has = "; ".join(
            f"{name} has no {text!r}{nearest(text, set(fields[name]))}"
            for name, text in reader.where.items()
            if text not in fields[name]
        )
        where = ", ".join(f"{name}: {text}" for name, text in reader.where.items())
        raise SourceError(path.name, found=f"no signature with {where}{f' ({has})' if has else ''}", expected="some")
    return chosen


def _wanted_genes(table: GeneTable, path: Path) -> set[str]:
    columns = list(dict.fromkeys([table.key, *table.where]))
    frame = pl.concat(list(read_frames(path, columns, _TABLE_ROWS)))
    for name, text in table.where.items():
        known = frame[name]
        frame = frame.filter(pl.col(name) == text)
        if frame.is_empty():
            shown = ", ".join(known.unique().sort().head(5).to_list())
            raise SourceError(f"{path.name}, column {name!r}", found=f"no {text!r}", expected=f"one of {shown}")
    return set(frame[table.key].to_list())


def _positions(names: Sequence[str], genes: Sequence[str], path: Path) -> Ints:
    place = {gene: position for position, gene in enumerate(genes)}
    if absent := [name for name in names if name not in place]:
        shown = ", ".join(f"{name}{nearest(name, genes)}" for name in absent[:3])
        raise SourceError(path.name, found=f"no gene {shown}", expected="each task's column among the genes")
    return np.array([place[name] for name in names], dtype=np.int64)


def _read_rows(matrix: Any, rows: Sequence[int], genes: Ints) -> npt.NDArray[np.float64]:
    """Returns chosen rows and columns of the matrix; rows increase, and runs of them are read as one."""
    values = np.empty((len(rows), len(genes)))
    place = np.asarray(rows)
    later = np.arange(1, len(rows))
    breaks = (np.diff(place) > 1) | (later % _RUN_ROWS == 0)
    for begin, end in itertools.pairwise([0, *later[breaks].tolist(), len(rows)]):
        values[begin:end] = matrix[int(place[begin]) : int(place[end - 1]) + 1, :][:, genes]
    return values
