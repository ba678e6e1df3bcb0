"""The mix table: one row per molecule of a split, one column per dataset."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from molmix_bench.layout.protocol import Layout
from molmix_bench.vocab import IDENTITY_COLUMNS, MOL_ID, SMILES


def mix_table(tables: Mapping[str, pa.Table], layouts: Mapping[str, Layout]) -> pa.Table:
    """Returns the mix table of one split.

    Args:
        tables: the split's dataset tables, each sorted by mol_id; datasets without rows may be absent.
        layouts: of all datasets of the mix, in order.
    """
    molecules = _union(tables)
    columns = [molecules[MOL_ID], molecules[SMILES]]
    fields = [pa.field(MOL_ID, pa.string()), pa.field(SMILES, pa.string())]
    for name, layout in layouts.items():
        table = tables.get(name)
        if table is None:
            labels, lengths = layout.schema.empty_table(), np.zeros(molecules.num_rows, dtype=np.int64)
        else:
            # Both sides are sorted by mol_id, so the table's rows stand in the order of the molecules.
            found = pc.is_in(molecules[MOL_ID], value_set=table[MOL_ID].combine_chunks())
            labels, lengths = table.drop_columns(list(IDENTITY_COLUMNS)), found.to_numpy().astype(np.int64)
        columns.append(layout.mix_column(labels, lengths))
        fields.append(pa.field(name, layout.mix_type))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _union(tables: Mapping[str, pa.Table]) -> pa.Table:
    every = pa.concat_tables(table.select([MOL_ID, SMILES]) for table in tables.values())
    # A molecule has one SMILES in the whole build, so any of its rows will do.
    distinct = every.group_by([MOL_ID, SMILES], use_threads=False).aggregate([])
    return distinct.sort_by(MOL_ID)
