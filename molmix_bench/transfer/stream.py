"""A table of any number of molecules, read, standardised and featurised a few thousand rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import joblib
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import torch
from tqdm import tqdm

from molmix_bench.errors import SourceError, UsageError
from molmix_bench.parallel import map_in_order
from molmix_bench.sources.frames import column_names, read_frames, require_file, texts_of
from molmix_bench.sources.inspect import inspect_table
from molmix_bench.specs.base import nearest
from molmix_bench.transfer.chunk import Chunk, Demand, prepare
from molmix_bench.transfer.read import usual_smiles

ROWS_PER_CHUNK = 2_048
"""A second of work for a worker, and a few MB of results."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file of molecules is read, and where networks compute.

    Attributes:
        smiles: the column with the molecules; told from the file where None.
        workers: processes that read molecules; as many as there are cores where None.
    """

    smiles: str | None = None
    workers: int | None = None
    device: torch.device | str = "cpu"


@dataclass(frozen=True, slots=True)
class Table:
    """A file with molecules."""

    path: Path
    smiles: str
    num_rows: int


def open_table(path: Path, smiles: str | None = None) -> Table:
    """Returns a file with its column of molecules, told by its name or content where None, and its number of rows.

    Raises:
        UsageError: there is no such file or column.
        SourceError: the file is empty or damaged.
    """
    require_file(path)
    names = column_names(path)
    chosen = smiles or usual_smiles(names)
    if chosen is None:
        chosen = inspect_table(path).smiles
    if chosen not in names:
        found = f"no column {chosen!r}{nearest(chosen, names)}"
        raise UsageError(path.name, found=found, expected=f"one of {', '.join(names[:20])}")
    frames = read_frames(path, [chosen], 32 * ROWS_PER_CHUNK, blank_rows=True)
    num_rows = sum(frame.height for frame in frames)
    if not num_rows:
        raise SourceError(path.name, found="no rows", expected="at least one", fix="check that the file is complete")
    return Table(path, chosen, num_rows)


def stream(table: Table, demand: Demand, *, workers: int | None = None) -> Iterator[Chunk]:
    """Yields all rows of a file in order, made ready by worker processes, in memory that does not grow with them.

    Progress, with rate and time left, is shown on a terminal.

    Raises:
        SourceError: the file is damaged.
        WorkerError: a worker was killed.
    """
    chunks = map_in_order(partial(prepare, demand), _texts(table), workers=workers or joblib.cpu_count())
    with tqdm(desc=table.path.name, total=table.num_rows, unit="mol", unit_scale=True, disable=None) as bar:
        for chunk in chunks:
            yield chunk
            bar.update(len(chunk.smiles))


def _texts(table: Table) -> Iterator[tuple[int, list[str | None]]]:
    start = 0
    for frame in read_frames(table.path, [table.smiles], ROWS_PER_CHUNK, blank_rows=True):
        yield start, texts_of(frame[table.smiles], table.path.name).to_list()
        start += frame.height


class TableWriter:
    """Writes tables of one schema into a parquet or CSV file, told by its name, as they come.

    Args:
        path: where the file is being written.
        form: the name that it will have.
        schema: of all tables.

    Raises:
        UsageError: the name ends in neither.
    """

    def __init__(self, path: Path, form: Path, schema: pa.Schema) -> None:
        check_form(form, schema)
        self._writer: pq.ParquetWriter | pa_csv.CSVWriter
        if form.suffix.lower() == ".parquet":
            self._writer = pq.ParquetWriter(path, schema, compression="zstd", write_statistics=False)
        else:
            self._writer = pa_csv.CSVWriter(path, schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Appends rows."""
        self._writer.write_table(table)


def check_form(path: Path, schema: pa.Schema | None = None) -> None:
    """Refuses names of files that cannot be written.

    Raises:
        UsageError: the name ends in neither `.parquet` nor `.csv`, or it is a CSV file and there are lists.
    """
    ending = path.suffix.lower()
    if ending not in (".parquet", ".csv"):
        raise UsageError(str(path), found=f"the ending {path.suffix!r}", expected=".parquet or .csv")
    if ending == ".csv" and schema is not None and any(pa.types.is_nested(field.type) for field in schema):
        raise UsageError(str(path), found="a CSV file, which holds no lists", expected="a name that ends in .parquet")
