"""Reader of SDF files: a record is a row; labels are its properties, or stand in a table beside the file.

Labelled names that no record has become rows after the last record, dropped with their labels, so that they are
accounted for.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from molmix_bench.errors import SourceError
from molmix_bench.sources.archive import name_of, read_lines
from molmix_bench.sources.assemble import label_columns
from molmix_bench.sources.chunk import RawChunk
from molmix_bench.sources.record_labels import RecordTable
from molmix_bench.sources.structure_rows import Cell, StructureRow, chunk_rows
from molmix_bench.sources.structures import (
    Structure,
    positions_of_block,
    structure_of_block,
    structure_of_coordinates,
)
from molmix_bench.specs.readers import SdfReader
from molmix_bench.specs.source import SourceSpec
from molmix_bench.vocab import Level

MAX_RECORD_LINES = 1_000_000
_END, _SEPARATOR = "M  END", "$$$$"
_PROPERTY = re.compile(r">.*?<(.+)>.*")


def read_sdf(
    path: Path, source: SourceSpec, *, companions: Mapping[str, Path], rows_per_chunk: int
) -> Iterator[RawChunk]:
    """Yields the records of an SDF file in order, then labelled names without a record.

    Raises:
        SourceError: the file or its table of labels is damaged, truncated or empty, or a label is none.
    """
    reader = source.reader
    if not isinstance(reader, SdfReader):
        raise TypeError(f"source {source.name} is not read as SDF")
    where = name_of(path, reader.member)
    rows = _labelled_rows(path, source, reader, companions)
    yield from chunk_rows(
        rows,
        source,
        where,
        texts=reader.labels is None,
        missing=reader.missing,
        rows_per_chunk=rows_per_chunk,
    )


def split_records(lines: Iterator[str], where: str) -> Iterator[list[str]]:
    """Yields the lines of each record, without the separators.

    Raises:
        SourceError: there is no record, one has no end, or the file ends within one.
    """
    record: list[str] = []
    number = 0
    for line in lines:
        if line.startswith(_SEPARATOR):
            yield record
            record, number = [], number + 1
            continue
        record.append(line)
        if len(record) > MAX_RECORD_LINES:
            raise SourceError(where, found=f"record {number:,} of over {MAX_RECORD_LINES:,} lines", expected="$$$$")
    if any(line.strip() for line in record):
        # The last separator may be missing, but not the end of its molecule.
        if _END not in record:
            found = f"the end of the file within record {number:,}"
            raise SourceError(where, found=found, expected="M  END and $$$$", fix="fetch the file again")
        yield record
    elif number == 0:
        raise SourceError(where, found="no records", expected="at least one", fix="check that the file is complete")


def _labelled_rows(
    path: Path, source: SourceSpec, reader: SdfReader, companions: Mapping[str, Path]
) -> Iterator[StructureRow]:
    where = name_of(path, reader.member)
    table = None if reader.labels is None else RecordTable(reader.labels, source, path, companions)
    columns = label_columns(source)
    per_atom = any(dataset.level is Level.NODE for dataset in source.datasets.values())
    first: dict[str, int] = {}
    for number, record in enumerate(split_records(read_lines(path, reader.member), where)):
        name = _name(record, reader)
        structure = _structure(record, reader, source.max_atoms)
        if table is None:
            properties = _properties(record)
            yield StructureRow(structure.smiles, structure.problem, _own_labels(properties, columns, source, structure))
        elif name is None:
            problem = f"the title {record[0].strip() if record else ''!r:.60} is not like {reader.title!r}"
            yield StructureRow(structure.smiles, problem, {})
        elif name in first:
            yield StructureRow(structure.smiles, f"the name {name!r:.60} is that of record {first[name]:,} too", {})
        else:
            first[name] = number
            yield _beside(table, name, structure, per_atom=per_atom)
    if table is not None:
        for name, rows in table.untaken():
            labels = rows.values if per_atom else {column: values[0] for column, values in rows.values.items()}
            yield StructureRow(None, f"no record of the name {name!r:.60} in {where}", labels)


def _beside(table: RecordTable, name: str, structure: Structure, *, per_atom: bool) -> StructureRow:
    """Returns a record's row with its labels from the table."""
    rows = table.take(name)
    if rows is None:
        return StructureRow(structure.smiles, structure.problem, {})
    if not per_atom:
        labels = {column: values[0] for column, values in rows.values.items()}
        return StructureRow(structure.smiles, structure.problem, labels)
    if structure.problem is not None:
        return StructureRow(structure.smiles, structure.problem, rows.values)
    contradiction = rows.contradiction(structure)
    if contradiction is not None:
        return StructureRow(structure.smiles, contradiction, rows.values)
    return StructureRow(structure.smiles, None, rows.by_atom(structure))


def _own_labels(
    properties: Mapping[str, str], columns: Sequence[str], source: SourceSpec, structure: Structure
) -> dict[str, Cell]:
    """Returns a record's labels among its properties; lists follow the SMILES where they are as long as it."""
    labels: dict[str, Cell] = {name: properties.get(name) for name in columns}
    for dataset in source.datasets.values():
        if dataset.level is Level.NODE:
            for task in dataset.tasks:
                name = task.column or task.name
                values = (properties.get(name) or "").split()
                fits = len(values) == len(structure.order)
                labels[name] = [values[atom] for atom in structure.order] if fits else values
    return labels


def _name(record: list[str], reader: SdfReader) -> str | None:
    title = record[0].strip() if record else ""
    if reader.title is None:
        return title
    match = re.fullmatch("(.+)".join(re.escape(part) for part in reader.title.split("*")), title)
    return None if match is None else match.group(1)


def _structure(record: list[str], reader: SdfReader, max_atoms: int) -> Structure:
    end = record.index(_END) + 1 if _END in record else len(record)
    block = "\n".join(record[:end]) + "\n"
    if reader.bonds == "file":
        return structure_of_block(block)
    found = positions_of_block(block)
    if found is None:
        return Structure(None, "RDKit cannot read the record's atoms and coordinates")
    return structure_of_coordinates(*found, max_atoms=max_atoms)


def _properties(record: list[str]) -> dict[str, str]:
    """Returns the record's properties; the first of a name counts."""
    found: dict[str, str] = {}
    lines = iter(record)
    for line in lines:
        match = _PROPERTY.fullmatch(line.strip()) if line.startswith(">") else None
        if match:
            text = "\n".join(itertools.takewhile(lambda item: item.strip() != "", lines))
            found.setdefault(match.group(1), text)
    return found
