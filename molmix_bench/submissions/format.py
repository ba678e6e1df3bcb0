"""Reading one prediction file, as written by anyone.

The file is hostile until shown otherwise. Its size, then its footer are checked against what a prediction file can
be; only then are data read, in batches, into an array whose size is known by then. Pages are read by Arrow, which
trusts a page's own header: a file whose pages contradict its footer is bounded only by the memory limit of the
process, so a service reads in a process that has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from molmix_bench.errors import SubmissionError
from molmix_bench.vocab import MOL_ID, PREDICTION

# The largest honest file: 1,328 float64 predictions for each of 62,000 molecules, 0.66 GB; 838,000 rows for 83 M
# molecules; a row group per 62 rows.
MAX_FILE_BYTES = 1 << 30
MAX_FOOTER_BYTES = 4 << 20
MAX_ROWS = 10_000_000
MAX_VALUES = 1 << 28
MAX_ROW_GROUPS = 4_096
MAX_MOL_ID_BYTES = 64
"""An InChIKey has 27, `SMI-` and a hash 36."""

_BATCH_VALUES = 1 << 22
_ROW_GROUP_OVERHEAD = 1 << 16
"""Uncompressed bytes of page headers, statistics and dictionary headers that a column of a row group may add."""
_BYTES_PER_VALUE = 16
"""Of uncompressed data per prediction: 8, and levels and an index if the file uses them."""
_MAGIC = b"PAR1"
_TEXTS = (pa.string(), pa.large_string(), pa.string_view())
_FLOATS = (pa.float16(), pa.float32(), pa.float64())


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The content of a prediction file.

    Shapes:
        mol_id: (n,)
        values: (n, T), NaN where the file has null.
    """

    mol_id: pl.Series
    values: NDArray[np.floating]


def read_predictions(path: Path, *, num_tasks: int) -> Predictions:
    """Returns what a prediction file holds, in the float type it is stored in.

    Args:
        path: a regular file; links are refused.
        num_tasks: the length that every list must have.

    Raises:
        SubmissionError: the file is too large, no parquet file, of another schema, or a row is not as it should be.
    """
    _check_file(path)
    where = str(path)
    try:
        with pq.ParquetFile(path) as file:
            footer, schema = file.metadata, file.schema_arrow
        float_type = _check_schema(schema, num_tasks, where=where)
        _check_footer(footer, num_tasks, where=where)
        # Ids stay behind a dictionary until their lengths are known: one long id repeated takes next to nothing in a
        # file, and all of the memory as plain strings.
        with pq.ParquetFile(path, metadata=footer, read_dictionary=[MOL_ID]) as file:
            return _read(file, num_tasks, float_type, where=where)
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


def _check_schema(schema: pa.Schema, num_tasks: int, *, where: str) -> pa.DataType:
    """Returns the float type of the predictions, or refuses a file of other columns or types."""
    types = {field.name: field.type for field in schema}
    # An extension type is none of these, whatever its storage.
    if set(types) == {MOL_ID, PREDICTION} and len(schema) == len(types):
        ids, lists = types[MOL_ID], types[PREDICTION]
        is_id = (ids.value_type if pa.types.is_dictionary(ids) else ids) in _TEXTS
        # A null takes the room of a whole list of fixed size, so a wrong size is refused here, before one is read.
        fits = pa.types.is_fixed_size_list(lists) and lists.list_size == num_tasks
        is_list = pa.types.is_list(lists) or pa.types.is_large_list(lists) or fits
        if is_id and is_list and lists.value_type in _FLOATS:
            return lists.value_type
    shown = ", ".join(f"{name[:40]!r}: {str(kind)[:60]}" for name, kind in list(types.items())[:5])
    raise SubmissionError(
        where,
        found=f"{len(schema)} columns ({shown})",
        expected=f"{MOL_ID}: string and {PREDICTION}: list<float16, float32 or float64> of {num_tasks:,} each",
    )


def _check_footer(footer: pq.FileMetaData, num_tasks: int, *, where: str) -> None:
    """Refuses a file whose footer announces more than, or other than, one list of `num_tasks` per row."""
    num_rows, num_groups = footer.num_rows, footer.num_row_groups
    for what, count, limit in (
        ("rows", num_rows, MAX_ROWS),
        ("row groups", num_groups, MAX_ROW_GROUPS),
        ("predictions", num_rows * num_tasks, MAX_VALUES),
    ):
        if not 0 <= count <= limit:
            raise SubmissionError(where, found=f"{count:,} {what}", expected=f"at most {limit:,}")
    groups = [footer.row_group(index) for index in range(num_groups)]
    if (in_groups := sum(group.num_rows for group in groups)) != num_rows:
        raise SubmissionError(where, found=f"{num_rows:,} rows in the footer, {in_groups:,} in its row groups")
    allowed = (
        num_rows * (MAX_MOL_ID_BYTES + _BYTES_PER_VALUE)
        + num_rows * num_tasks * _BYTES_PER_VALUE
        + num_groups * 2 * _ROW_GROUP_OVERHEAD
    )
    # Of the row group, as asking a damaged footer for a column ends the process (pyarrow 26 catches nothing there).
    sizes = [group.total_byte_size for group in groups]
    if min(sizes, default=0) < 0 or sum(sizes) > allowed:
        expected = f"at most {allowed:,} for {num_rows:,} rows of {num_tasks:,} predictions"
        raise SubmissionError(where, found=f"{sum(sizes):,} bytes of data when decompressed", expected=expected)


def _read(file: pq.ParquetFile, num_tasks: int, float_type: pa.DataType, *, where: str) -> Predictions:
    num_rows = file.metadata.num_rows
    values = np.empty((num_rows, num_tasks), dtype=float_type.to_pandas_dtype())
    ids: list[pl.Series] = []
    row = 0
    for batch in file.iter_batches(batch_size=max(1, _BATCH_VALUES // num_tasks)):
        batch.validate(full=True)  # offsets, UTF-8
        ids.append(_mol_ids(batch.column(MOL_ID), row, where=where))
        values[row : row + len(batch)] = _lists(batch.column(PREDICTION), num_tasks, row, where=where)
        row += len(batch)
    if row != num_rows:
        raise SubmissionError(where, found=f"{row:,} rows", expected=f"{num_rows:,} as in the footer")
    return Predictions(pl.concat(ids) if ids else pl.Series(MOL_ID, [], dtype=pl.String), values)


def _mol_ids(column: pa.DictionaryArray, first_row: int, *, where: str) -> pl.Series:
    if column.null_count:
        row = first_row + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise SubmissionError(f"{where} row {row}", found=f"no {MOL_ID}", expected="one in each row")
    longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
    if longest > MAX_MOL_ID_BYTES:
        expected = f"at most {MAX_MOL_ID_BYTES}"
        raise SubmissionError(where, found=f"a {MOL_ID} of {longest:,} bytes", expected=expected)
    return pl.Series(MOL_ID, pl.from_arrow(column.dictionary_decode()), dtype=pl.String)


def _lists(column: pa.Array, num_tasks: int, first_row: int, *, where: str) -> NDArray[np.floating]:
    """Returns a batch's lists as an array (rows, num_tasks); rows are counted from 0 over the whole file."""
    lengths = pc.list_value_length(column).fill_null(-1).to_numpy()
    wrong = np.flatnonzero(lengths != num_tasks)
    if len(wrong):
        length = lengths[wrong[0]]
        found = "no list" if length < 0 else f"{length:,} predictions"
        where = f"{where} row {first_row + wrong[0]}"
        raise SubmissionError(where, found=found, expected=f"a list of {num_tasks:,}, one per task")
    values: NDArray[np.floating] = column.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), num_tasks)
