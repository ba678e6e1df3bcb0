"""Reader of XYZ files of many molecules: bonds are perceived, labels stand on comment lines or in a matrix."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rdkit import Chem

from molmix_bench.errors import SourceError
from molmix_bench.sources.archive import name_of, read_lines
from molmix_bench.sources.chunk import RawChunk
from molmix_bench.sources.matrix import MatrixTable
from molmix_bench.sources.structure_rows import Cell, StructureRow, chunk_rows
from molmix_bench.sources.structures import Structure, structure_of_coordinates
from molmix_bench.specs.readers import XyzReader
from molmix_bench.specs.source import SourceSpec

MAX_ATOMS = 100_000
"""Atoms of one molecule; a larger number is no count of atoms."""
_ATOM_FIELDS = 4
_TABLE = Chem.GetPeriodicTable()


@dataclass(frozen=True, slots=True)
class _Frame:
    """One molecule as written; `line` is that of its comment, from 1."""

    comment: str
    atoms: list[str]
    line: int


def read_xyz(
    path: Path, source: SourceSpec, *, companions: Mapping[str, Path], rows_per_chunk: int
) -> Iterator[RawChunk]:
    """Yields the molecules of an XYZ file in order.

    Raises:
        SourceError: the file is damaged, truncated or empty, a comment line has another number of values than the
            source spec says, the matrix does not fit the structures, or a label is none.
    """
    reader = source.reader
    if not isinstance(reader, XyzReader):
        raise TypeError(f"source {source.name} is not read as XYZ")
    yield from chunk_rows(
        _rows(path, source, reader, companions),
        source,
        name_of(path, reader.member),
        texts=reader.matrix is None,
        missing=reader.missing,
        rows_per_chunk=rows_per_chunk,
    )


def _rows(path: Path, source: SourceSpec, reader: XyzReader, companions: Mapping[str, Path]) -> Iterator[StructureRow]:
    where = name_of(path, reader.member)
    matrix = None if reader.matrix is None else MatrixTable(reader.matrix, companions[reader.matrix.file])
    number = 0
    for frame in _split(read_lines(path, reader.member), where):
        structure = _structure(frame, source.max_atoms)
        problem = structure.problem
        if matrix is None:
            labels: Mapping[str, Cell] = _comment_labels(frame, reader, where)
        elif number < len(matrix):
            labels = matrix.labels(number)
            problem = problem or matrix.contradiction(number, structure.elements)
        else:
            raise _count_error(where, f"more than {number:,} structures", matrix)
        yield StructureRow(structure.smiles, problem, labels)
        number += 1
    if number == 0:
        raise SourceError(where, found="no molecules", expected="at least one", fix="check that the file is complete")
    if matrix is not None and number < len(matrix):
        raise _count_error(where, f"{number:,} structures", matrix)


def _count_error(where: str, found: str, matrix: MatrixTable) -> SourceError:
    return SourceError(where, found=found, expected=f"{len(matrix):,}, as the matrix has rows", fix="check the files")


def _split(lines: Iterator[str], where: str) -> Iterator[_Frame]:
    """Yields the molecules; blank lines may stand between them, not within."""
    numbered = enumerate(lines, start=1)
    for number, line in numbered:
        if not line.strip():
            continue
        count = line.strip()
        if not (count.isascii() and count.isdecimal() and len(count) < 8 and int(count) <= MAX_ATOMS):  # noqa: PLR2004 - digits
            raise SourceError(f"{where} line {number:,}", found=f"{count!r:.60}", expected="a number of atoms")
        _, comment = next(numbered, (0, None))
        atoms = [text for _, (_, text) in zip(range(int(count)), numbered, strict=False)]
        if comment is None or len(atoms) < int(count):
            found = f"{len(atoms)} atoms, then the end of the file"
            raise SourceError(f"{where} line {number:,}", found=found, expected=count, fix="fetch the file again")
        yield _Frame(comment, atoms, number + 1)


def _comment_labels(frame: _Frame, reader: XyzReader, where: str) -> dict[str, str]:
    values = frame.comment.split()
    if len(values) != len(reader.comment):
        expected = f"{len(reader.comment)}: {', '.join(reader.comment[:4])} ..."
        raise SourceError(f"{where} line {frame.line:,}", found=f"{len(values)} values", expected=expected)
    return dict(zip(reader.comment, values, strict=True))


def _structure(frame: _Frame, max_atoms: int) -> Structure:
    elements, positions = [], []
    for index, text in enumerate(frame.atoms):
        fields = text.split()
        element = _atomic_number(fields[0]) if fields else None
        place = [_number(field) for field in fields[1:_ATOM_FIELDS]]
        if element is None or len(place) < _ATOM_FIELDS - 1 or not all(map(math.isfinite, place)):
            line = frame.line + 1 + index
            return Structure(None, f"line {line:,}, {text.strip()!r:.60}, is no element with three coordinates")
        elements.append(element)
        positions.append((place[0], place[1], place[2]))
    return structure_of_coordinates(elements, positions, max_atoms=max_atoms)


def _atomic_number(symbol: str) -> int | None:
    # RDKit raises, and logs, at symbols that it does not know.
    return _NUMBERS.get(symbol.capitalize())


_NUMBERS = {_TABLE.GetElementSymbol(number): number for number in range(1, 119)}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
