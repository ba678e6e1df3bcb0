"""Reading one prediction file, as written by anyone.

The file is hostile until shown otherwise. Its size, then its footer are checked against what a prediction file can
be; only then are data read, in batches. What a batch of rows holds is known only when Arrow has read it: run lengths
let a file of 863 bytes stand for a list of 2**28 zeros (3.3 GB in memory), and a page's own header is trusted over
the footer. Such a file is refused when its batch is there, and bounded until then only by the memory limit of the
process, so a service reads in a process that has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import DTypeLike, NDArray

from molmix_bench.errors import SubmissionError
from molmix_bench.metrics.cells import IntArray
from molmix_bench.parquet import open_parquet
from molmix_bench.submissions.lists import (
    MAX_MOL_ID_BYTES,
    MAX_NODES,
    PredictionShape,
    float_type,
    graph_values,
    mol_ids,
    node_values,
)
from molmix_bench.vocab import MOL_ID, PREDICTION

# The largest honest file: 1,328 float64 predictions for each of 62,000 molecules, 0.66 GB; 838,000 rows for 83 M
# molecules; a row group per 62 rows.
MAX_FILE_BYTES = 1 << 30
MAX_FOOTER_BYTES = 4 << 20
MAX_ROWS = 10_000_000
MAX_VALUES = 1 << 28
MAX_ROW_GROUPS = 4_096

_BATCH_VALUES = 1 << 18
"""In a batch: two MiB at most, which the system need not clear anew for each batch; a third faster than with 16 times
as many."""
_NODES_PER_MOLECULE = 64
"""For the size of batches at node level, where rows differ in length; most molecules have fewer atoms."""
_ROW_GROUP_OVERHEAD = 1 << 16
"""Uncompressed bytes of page headers, statistics and dictionary headers that a column of a row group may add."""
_BYTES_PER_VALUE = 16
"""Of uncompressed data per prediction: 8, and levels and an index if the file uses them."""
_MAGIC = b"PAR1"
_TEXTS = (pa.string(), pa.large_string(), pa.string_view())


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The content of a prediction file.

    Shapes:
        mol_id: (n,)
        values: (n, T * C), NaN where the file has null; node level (num_nodes.sum(), T * C), molecule after molecule.
        num_nodes: (n,), the atoms of each molecule; none at graph level.
    """

    mol_id: pl.Series
    values: NDArray[np.floating]
    num_nodes: IntArray | None = None


def read_predictions(path: Path, shape: PredictionShape) -> Predictions:
    """Returns what a prediction file holds, in the float type it is stored in.

    Args:
        path: a regular file; links are refused.
        shape: what the dataset asks of it.

    Raises:
        SubmissionError: the file is too large, no parquet file, of another schema, or a row is not as it should be.
    """
    _check_file(path)
    with _opened(path, shape) as (file, dtype):
        read = _read_nodes if shape.is_node else _read_graphs
        return read(file, shape, dtype, where=str(path))


def iter_predictions(path: Path, shape: PredictionShape) -> Iterator[Predictions]:
    """Yields what a prediction file holds as `read_predictions` does, some rows at a time."""
    with _opened(path, shape) as (file, _):
        yield from _parts(file, shape, where=str(path))


@contextmanager
def _opened(path: Path, shape: PredictionShape) -> Iterator[tuple[pq.ParquetFile, DTypeLike]]:
    """Opens a file whose footer is that of a prediction file; yields it with the type of its predictions."""
    _check_file(path)
    where = str(path)
    try:
        with open_parquet(path) as file:
            footer, schema = file.metadata, file.schema_arrow
        dtype = _check_schema(schema, shape, where=where).to_pandas_dtype()
        _check_footer(footer, shape, where=where)
        # Ids stay behind a dictionary until their lengths are known: one long id repeated takes next to nothing in a
        # file, and all of the memory as plain strings.
        with open_parquet(path, metadata=footer, read_dictionary=[MOL_ID]) as file:
            yield file, dtype
    except MemoryError:
        # Arrow's is one too.
        expected, fix = f"{shape} in each row", "write the rows as they are asked for, and nothing else"
        raise SubmissionError(
            where, found="data that take more memory than they may", expected=expected, fix=fix
        ) from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        # One line, and not more of it: the text may quote the file.
        reason = " ".join(str(error).split())[:200]
        raise SubmissionError(where, found=f"no readable parquet file ({reason!r})") from None


def _check_file(path: Path) -> None:
    where = str(path)
    if path.is_symlink() or not path.is_file():
        raise SubmissionError(where, found="no regular file", expected="a parquet file", fix="links are not followed")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise SubmissionError(where, found=f"{size:,} bytes", expected=f"at most {MAX_FILE_BYTES:,}")
    with path.open("rb") as file:
        file.seek(max(0, size - 8))
        tail = file.read(8)
    if len(tail) < 8 or tail[4:] != _MAGIC:  # noqa: PLR2004  # four bytes of length, four of magic
        raise SubmissionError(where, found="no parquet footer", expected="a parquet file", fix="was it cut short?")
    footer = int.from_bytes(tail[:4], "little")
    if footer > MAX_FOOTER_BYTES:
        raise SubmissionError(where, found=f"a footer of {footer:,} bytes", expected=f"at most {MAX_FOOTER_BYTES:,}")


def _check_schema(schema: pa.Schema, shape: PredictionShape, *, where: str) -> pa.DataType:
    """Returns the float type of the predictions, or refuses a file of other columns or types."""
    types = {field.name: field.type for field in schema}
    # An extension type is none of these, whatever its storage.
    if set(types) == {MOL_ID, PREDICTION} and len(schema) == len(types):
        ids = types[MOL_ID]
        is_id = (ids.value_type if pa.types.is_dictionary(ids) else ids) in _TEXTS
        found = float_type(types[PREDICTION], shape)
        if is_id and found is not None:
            return found
    first = [(name[:40], str(kind)[:60]) for name, kind in list(types.items())[:5]]
    # A type may hold names of the file's own, with signs that a terminal obeys.
    shown = ", ".join(
        f"{name!r}: {''.join(sign if sign.isprintable() else '?' for sign in kind)}" for name, kind in first
    )
    raise SubmissionError(
        where,
        found=f"{len(schema)} columns ({shown})",
        expected=f"{MOL_ID}: string and {PREDICTION}: {shape}",
    )


def _check_footer(footer: pq.FileMetaData, shape: PredictionShape, *, where: str) -> None:
    """Refuses a file whose footer announces more than, or other than, the predictions for one molecule per row."""
    num_rows, num_groups = footer.num_rows, footer.num_row_groups
    for what, count, limit in (
        ("rows", num_rows, MAX_ROWS),
        ("row groups", num_groups, MAX_ROW_GROUPS),
        ("predictions", num_rows * shape.num_columns, MAX_VALUES),  # node level: with one atom each,
    ):
        if not 0 <= count <= limit:
            raise SubmissionError(where, found=f"{count:,} {what}", expected=f"at most {limit:,}")
    groups = [footer.row_group(index) for index in range(num_groups)]
    if (in_groups := sum(group.num_rows for group in groups)) != num_rows:
        raise SubmissionError(where, found=f"{num_rows:,} rows in the footer, {in_groups:,} in its row groups")
    # Node level: how many atoms is not known yet, but a list per task is.
    num_values = num_rows * shape.num_columns
    num_lists = num_rows * (1 + shape.num_tasks) if shape.is_node else num_rows
    if shape.is_node:
        num_values = min(MAX_VALUES, num_values * MAX_NODES)
    allowed = (
        num_rows * MAX_MOL_ID_BYTES + (num_lists + num_values) * _BYTES_PER_VALUE + num_groups * 2 * _ROW_GROUP_OVERHEAD
    )
    # Of the row group, as asking a damaged footer for a column ends the process (pyarrow 26 catches nothing there).
    sizes = [group.total_byte_size for group in groups]
    if min(sizes, default=0) < 0 or sum(sizes) > allowed:
        expected = f"at most {allowed:,} for {num_rows:,} rows of {shape.num_columns:,} predictions"
        raise SubmissionError(where, found=f"{sum(sizes):,} bytes of data when decompressed", expected=expected)


def _read_graphs(file: pq.ParquetFile, shape: PredictionShape, dtype: DTypeLike, *, where: str) -> Predictions:
    values = np.empty((file.metadata.num_rows, shape.num_columns), dtype=dtype)
    ids: list[pl.Series] = []
    row = 0
    for part in _parts(file, shape, where=where):
        ids.append(part.mol_id)
        values[row : row + len(part.values)] = part.values
        row += len(part.values)
    return Predictions(_joined(ids), values)


def _read_nodes(file: pq.ParquetFile, shape: PredictionShape, dtype: DTypeLike, *, where: str) -> Predictions:
    ids: list[pl.Series] = []
    values, num_nodes = [np.empty((0, shape.num_columns), dtype=dtype)], [np.empty(0, np.int64)]
    for part in _parts(file, shape, where=where):
        ids.append(part.mol_id)
        values.append(part.values)
        num_nodes += [] if part.num_nodes is None else [part.num_nodes]
    return Predictions(_joined(ids), np.concatenate(values), np.concatenate(num_nodes))


def _parts(file: pq.ParquetFile, shape: PredictionShape, *, where: str) -> Iterator[Predictions]:
    """Yields the predictions of each batch of a file."""
    values_per_row = shape.num_columns * (_NODES_PER_MOLECULE if shape.is_node else 1)
    left = MAX_VALUES
    for row, batch in _batches(file, _BATCH_VALUES // values_per_row, where=where):
        ids, lists = mol_ids(batch.column(MOL_ID), row, where=where), batch.column(PREDICTION)
        if shape.is_node:
            values, num_nodes = node_values(lists, shape, row, where=where, limit=left)
            left -= values.size
            yield Predictions(ids, values, num_nodes)
        else:
            yield Predictions(ids, graph_values(lists, shape, row, where=where))


def _batches(file: pq.ParquetFile, num_rows: int, *, where: str) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yields the batches of a file, of about `num_rows` rows, each behind its first row's position in the file.

    Raises:
        SubmissionError: there are more or fewer rows than the footer says.
    """
    announced, row = file.metadata.num_rows, 0
    for batch in file.iter_batches(batch_size=max(1, num_rows)):
        batch.validate(full=True)  # offsets, UTF-8
        if row + len(batch) > announced:
            break
        yield row, batch
        row += len(batch)
    else:
        if row == announced:
            return
    raise SubmissionError(where, found=f"rows other than the {announced:,} in the footer", expected="as many")


def _joined(ids: list[pl.Series]) -> pl.Series:
    return pl.concat(ids) if ids else pl.Series(MOL_ID, [], dtype=pl.String)
