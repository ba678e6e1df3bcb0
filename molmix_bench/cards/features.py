"""What the Hub's clients want to know of a table beforehand: its columns, rows, and bytes once loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs

_DTYPES = {pa.bool_(): "bool", pa.float32(): "float32", pa.float64(): "float64", pa.string(): "string"}


def features_of(schema: pa.Schema) -> list[dict[str, Any]]:
    """Returns a table's columns in the form of a card's `dataset_info.features`.

    >>> features_of(pa.schema([("smiles", pa.string()), ("label", pa.list_(pa.int8()))]))
    [{'name': 'smiles', 'dtype': 'string'}, {'name': 'label', 'list': 'int8'}]
    """
    return [{"name": field.name, **_feature(field.type)} for field in schema]


def _feature(dtype: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(dtype):
        return {"struct": [{"name": field.name, **_feature(field.type)} for field in dtype]}
    if pa.types.is_list(dtype):
        inner = _feature(dtype.value_type)
        return {"list": inner.get("dtype", inner)}
    return {"dtype": _DTYPES.get(dtype, str(dtype))}


def loaded_bytes(path: Path) -> int:
    """Returns how many bytes a parquet file has in memory, counted as the `datasets` library counts them.

    It reads batches of as many rows as the file's first row group and adds up their Arrow buffers.
    """
    fragment = pads.ParquetFileFormat().make_fragment(str(path), filesystem=pafs.LocalFileSystem())
    groups = fragment.row_groups
    if not groups:
        return 0
    batches = fragment.to_batches(batch_size=groups[0].num_rows, batch_readahead=0, fragment_readahead=0)
    return sum(pa.Table.from_batches([batch]).nbytes for batch in batches)
