"""Labels of structures that stand in a table beside them, found by the record's name and the atom's number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from molmix_bench.errors import SourceError
from molmix_bench.layout.cells import Ints
from molmix_bench.sources.archive import unpacked
from molmix_bench.sources.assemble import label_columns
from molmix_bench.sources.frames import read_frames
from molmix_bench.sources.labels import Place, check_labels
from molmix_bench.sources.structures import Structure
from molmix_bench.specs.readers import RecordLabels
from molmix_bench.specs.source import SourceSpec

_ROWS = 1 << 20
_DIGITS = 19
"""Longer numbers are no row's."""
_ATOM, _ELEMENT = "/atom", "/element"


@dataclass(frozen=True, slots=True)
class LabelRows:
    """The rows of the table that name one record.

    Attributes:
        values: per label column, the numbers in the order of the table; None for missing.
        atoms: number of the atom of each row; empty for labels of molecules.
        elements: its atomic number, where the table gives it.
    """

    values: Mapping[str, list[float | None]]
    atoms: list[int]
    elements: list[int]

    def contradiction(self, structure: Structure) -> str | None:
        """Returns what keeps labels of atoms from being those of a structure; None where nothing does."""
        num_atoms = len(structure.elements)
        if strange := [atom for atom in self.atoms if not 0 <= atom < num_atoms]:
            return f"a label of atom {strange[0]}, but the record's atoms are 0 to {num_atoms - 1}"
        for atom, element in zip(self.atoms, self.elements, strict=False):
            if element != structure.elements[atom]:
                found = f"atom {atom} has the atomic number {structure.elements[atom]} in the record"
                return f"{found} and {element} in the table of labels"
        if repeated := [atom for atom, count in Counter(self.atoms).items() if count > 1]:
            return f"atom {repeated[0]} is labelled {self.atoms.count(repeated[0])} times"
        return None

    def by_atom(self, structure: Structure) -> dict[str, list[float | None]]:
        """Returns each column's labels in the order of the structure's SMILES; there is no contradiction."""
        row_of = {atom: row for row, atom in enumerate(self.atoms)}
        rows = [row_of.get(atom) for atom in structure.order]
        return {name: [None if row is None else values[row] for row in rows] for name, values in self.values.items()}


class RecordTable:
    """A table of labels, held in memory; every name of a record is taken once.

    Raises:
        SourceError: the table cannot be read, lacks a column, holds a label that is none, an atom without number, or,
            for labels of molecules, a name twice.
    """

    def __init__(
        self, spec: RecordLabels, source: SourceSpec, structures: Path, companions: Mapping[str, Path]
    ) -> None:
        self._spec = spec
        self._columns = label_columns(source)
        self._table = _read(spec, source, structures, companions)
        names = self._table["/name"]
        # Rows of one record follow each other, in the order of the table.
        self._table = self._table.with_columns(pl.Series("/first", _first_rows(names))).sort(
            "/first", maintain_order=True
        )
        sizes = self._table.group_by("/name", maintain_order=True).agg(size=pl.len())
        stops = np.cumsum(sizes["size"].to_numpy())
        self._runs = dict(
            zip(
                sizes["/name"].to_list(),
                zip((stops - sizes["size"].to_numpy()).tolist(), stops.tolist(), strict=True),
                strict=True,
            )
        )
        self._taken: set[str] = set()

    def take(self, name: str) -> LabelRows | None:
        """Returns the rows of a record's name, None where there is none; each name is given out once."""
        key = str(int(name)) if self._spec.molecule is None and name.isdecimal() and len(name) < _DIGITS else name
        if key not in self._runs or key in self._taken:
            return None
        self._taken.add(key)
        return self._rows(key)

    def untaken(self) -> Iterator[tuple[str, LabelRows]]:
        """Yields the names that no record has, in the order of the table."""
        for name in self._runs:
            if name not in self._taken:
                yield name, self._rows(name)

    def _rows(self, key: str) -> LabelRows:
        start, stop = self._runs[key]
        rows = self._table.slice(start, stop - start)
        return LabelRows(
            values={name: rows[name].to_list() for name in self._columns},
            atoms=rows[_ATOM].to_list() if self._spec.atom is not None else [],
            elements=rows[_ELEMENT].to_list() if self._spec.element is not None else [],
        )


def _read(spec: RecordLabels, source: SourceSpec, structures: Path, companions: Mapping[str, Path]) -> pl.DataFrame:
    if spec.file is not None:
        return _read_file(spec, source, companions[spec.file])
    if spec.member is None:
        raise TypeError("a table of labels is a companion or a member")
    with unpacked(structures, spec.member) as copy:
        return _read_file(spec, source, copy)


def _read_file(spec: RecordLabels, source: SourceSpec, path: Path) -> pl.DataFrame:
    """Returns `/name`, the atoms and elements, and checked numbers under the names of the raw columns."""
    keys = [name for name in (spec.molecule, spec.atom, spec.element) if name is not None]
    frames, start = [], 0
    for frame in read_frames(path, list(dict.fromkeys([*keys, *label_columns(source)])), _ROWS):
        place = Place(path.name, start)
        numbers = {}
        for dataset in source.datasets.values():
            for task in dataset.tasks:
                column = task.column or task.name
                numbers[column] = check_labels(frame[column], dataset, task, place, missing=spec.missing)
        frames.append(
            pl.DataFrame(
                {"/name": _names(frame, spec, place)}
                | {
                    key: _integers(frame[name], place)
                    for key, name in ((_ATOM, spec.atom), (_ELEMENT, spec.element))
                    if name
                }
                | numbers
            )
        )
        start += len(frame)
    if not frames:
        raise SourceError(path.name, found="no rows", expected="at least one", fix="check that the file is complete")
    table = pl.concat(frames)
    if spec.atom is None and spec.molecule is not None and table["/name"].is_duplicated().any():
        name = table["/name"].filter(table["/name"].is_duplicated())[0]
        rows = (table["/name"] == name).arg_true().to_list()
        raise SourceError(
            f"{path.name}, column {spec.molecule!r}",
            found=f"{name!r} in rows {rows[0]:,} and {rows[1]:,}",
            expected="each once",
        )
    return table


def _names(frame: pl.DataFrame, spec: RecordLabels, place: Place) -> pl.Series:
    if spec.molecule is None:
        return pl.Series(np.arange(place.start, place.start + len(frame))).cast(pl.String)
    return frame[spec.molecule].cast(pl.String).str.strip_chars().fill_null("")


def _integers(column: pl.Series, place: Place) -> pl.Series:
    found = column.cast(pl.String).str.strip_chars().cast(pl.Int32, strict=False)
    if found.null_count():
        at = int(found.is_null().arg_true()[0])
        where = f"{place.file}, column {column.name!r}"
        raise SourceError(where, found=f"{column[at]!r} in row {place.start + at:,}", expected="a whole number")
    return found


def _first_rows(names: pl.Series) -> Ints:
    """Returns, for every row, the first row of its name."""
    first = names.to_frame("name").with_row_index("row").select(pl.col("row").first().over("name"))
    rows: Ints = first["row"].to_numpy().astype(np.int64)
    return rows
