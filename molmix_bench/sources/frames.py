"""Columns of CSV, TSV and parquet files, as frames of a bounded size, whatever the file's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from molmix_bench.errors import SourceError, UsageError
from molmix_bench.parquet import open_parquet
from molmix_bench.specs.base import nearest

BLOCK_BYTES = 16 << 20
"""Text is parsed in blocks of this size; no single row may be larger."""
_HEADER_BYTES = 1 << 20
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_OTHER_DELIMITERS = {
    ";": ("semicolons", "save it with commas, and decimal points"),
    "\t": ("tabs", "give it the ending .tsv, or save it with commas"),
}
"""What stands in some files named .csv in place of commas, and what to do about it."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""Marks at the beginning of a file."""


def require_file(path: Path) -> None:
    """Raises `UsageError` where there is no such file."""
    if not path.is_file():
        raise UsageError(str(path), found="no such file", fix="check the path")


def column_names(path: Path) -> list[str]:
    """Returns the columns of a table file, in order; raises `SourceError` like `read_table`."""
    if _ending(path) == ".parquet":
        return list(_open_parquet(path).schema_arrow.names)
    delimiter = _delimiter(path)
    with _open_text(path) as stream:
        header = _first_line(stream, path)
    try:
        names = _split(header, delimiter)
        if delimiter == "," and len(names) == 1:
            _refuse_other_delimiters(path, header)
    except csv.Error as error:
        raise _damaged(path, error) from None
    return names


def _split(header: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(header), delimiter=delimiter))


def _refuse_other_delimiters(path: Path, header: str) -> None:
    for delimiter, (found, fix) in _OTHER_DELIMITERS.items():
        if len(_split(header, delimiter)) > 1:
            raise SourceError(path.name, found=f"{found} between columns", expected="commas in a .csv file", fix=fix)


def read_frames(path: Path, columns: list[str], rows: int, *, blank_rows: bool = False) -> Iterator[pl.DataFrame]:
    """Yields frames of exactly `rows` rows but for the last, with text columns as written.

    Args:
        path: the file.
        columns: which.
        rows: of each frame.
        blank_rows: whether blank lines of a text file are rows in which everything is missing; else they are no rows.

    Raises:
        SourceError: the file is of no known form, damaged, or lacks a column.
    """
    _check_columns(path, columns)
    if _ending(path) == ".parquet":
        batches = _parquet_batches(path, columns, rows)
    else:
        batches = _text_batches(path, columns, blank_rows=blank_rows)
    waiting: list[pa.RecordBatch] = []
    num_waiting = 0
    for batch in batches:
        waiting.append(batch)
        num_waiting += batch.num_rows
        while num_waiting >= rows:
            table = pa.Table.from_batches(waiting)
            yield _to_frame(table.slice(0, rows))
            waiting = table.slice(rows).to_batches()
            num_waiting -= rows
    if num_waiting:
        yield _to_frame(pa.Table.from_batches(waiting))


def texts_of(column: pl.Series, file: str) -> pl.Series:
    """Returns a column as texts.

    Raises:
        SourceError: it holds lists, records, or bytes that are no text.
    """
    if not column.dtype.is_nested():
        try:
            return column.cast(pl.String)
        except pl.exceptions.PolarsError:
            pass  # Bytes that are no UTF-8, or objects of another program: told below.
    raise SourceError(f"{file}, column {column.name!r}", found=str(column.dtype), expected="texts or numbers")


def truths_of(texts: pl.Series) -> pl.Series:
    """Returns 1 for `true` and 0 for `false` in any case, as pandas writes them into CSV, float64; null for the rest.

    >>> truths_of(pl.Series(["True", "FALSE", "1", None])).to_list()
    [1.0, 0.0, None, None]
    """
    words = texts.cast(pl.String).str.to_lowercase()
    return words.replace_strict({"true": 1.0, "false": 0.0}, default=None, return_dtype=pl.Float64)


def _to_frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("a table did not become a data frame")
    return frame


def _check_columns(path: Path, columns: list[str]) -> None:
    present = column_names(path)
    absent = [name for name in columns if name not in present]
    if absent:
        shown = ", ".join(f"{name!r}{nearest(name, present)}" for name in absent[:5])
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""  # noqa: PLR2004 - as above
        raise SourceError(
            path.name,
            found=f"no column {shown}{more}",
            expected=f"the columns of the source spec; the file has {len(present)}: {', '.join(present[:8])} ...",
            fix="name the file's own columns in the source spec (`smiles`, and `column` of a task)",
        )
    if repeated := sorted({name for name in columns if present.count(name) > 1}):
        raise SourceError(path.name, found=f"the column {', '.join(repeated)} more than once", expected="each once")


def _parquet_batches(path: Path, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
    file = _open_parquet(path)
    try:
        yield from file.iter_batches(batch_size=rows, columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        return open_parquet(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def _text_batches(path: Path, columns: list[str], *, blank_rows: bool) -> Iterator[pa.RecordBatch]:
    form = pa_csv.ParseOptions(delimiter=_delimiter(path), newlines_in_values=True, ignore_empty_lines=not blank_rows)
    try:
        with _open_text(path) as stream:
            yield from pa_csv.open_csv(
                stream,
                # One thread: only then do Arrow's errors say which row they mean.
                read_options=pa_csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
                parse_options=form,
                convert_options=pa_csv.ConvertOptions(
                    include_columns=columns,
                    column_types=dict.fromkeys(columns, pa.string()),
                    strings_can_be_null=False,
                ),
            )
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def _open_text(path: Path) -> pa.NativeFile:
    return pa.input_stream(str(path), compression=_COMPRESSIONS.get(_ending(path)))


def _first_line(stream: pa.NativeFile, path: Path) -> str:
    try:
        block = stream.read(_HEADER_BYTES)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None
    if block.startswith(_UTF_16):
        raise _not_utf_8(path, "text in UTF-16")
    if not block.strip():
        raise SourceError(path.name, found="an empty file", expected="a header and rows", fix="fetch the file again")
    line, newline, _ = block.partition(b"\n")
    if not newline and b"\r" in block:
        raise SourceError(path.name, found="lines that end in CR alone", expected="LF or CRLF", fix="convert the file")
    if not newline and len(block) < _HEADER_BYTES:
        raise SourceError(path.name, found="no rows", expected="at least one", fix="check that the file is complete")
    line = line.removesuffix(b"\r")
    try:
        text: str = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf_8(path, f"a header with the byte {line[error.start]:#04x}, which is no UTF-8") from None
    if not text.strip():
        raise SourceError(path.name, found="a blank first line", expected="the header", fix="delete the line")
    return text


def _delimiter(path: Path) -> str:
    stem = path.name.removesuffix(path.suffix) if _ending(path) in _COMPRESSIONS else path.name
    suffix = _ending(Path(stem))
    if suffix not in _DELIMITERS:
        raise SourceError(
            path.name,
            found=f"the ending {suffix or path.suffix!r}",
            expected=f"{', '.join(_DELIMITERS)} (also with {', '.join(_COMPRESSIONS)}) or .parquet",
            fix="rename the file after its form",
        )
    return _DELIMITERS[suffix]


def _ending(path: Path) -> str:
    # Programs on Windows write DATA.CSV.
    return path.suffix.lower()


def _not_utf_8(path: Path, found: str) -> SourceError:
    fix = 'save it as "CSV UTF-8", as Excel calls it, or convert it'
    return SourceError(path.name, found=found, expected="text in UTF-8", fix=fix)


def _damaged(path: Path, error: Exception) -> SourceError:
    text = " ".join(str(error).split())
    if "invalid UTF8" in text:  # Arrow has no error of its own for it.
        return _not_utf_8(path, f"bytes that are no UTF-8 ({text:.120})")
    return SourceError(path.name, found=f"unreadable: {text:.300}", fix="the file is damaged or of another form")
