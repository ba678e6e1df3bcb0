"""Step 4, per partition, where the mix has a `test_seen` rule: which raw rows it sets aside."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from molmix_bench.build.buckets import read_bucket
from molmix_bench.build.index import RowIndex
from molmix_bench.build.paths import routed_file, set_aside_file
from molmix_bench.build.plan import Plan
from molmix_bench.build.whole import save_array
from molmix_bench.vocab import MOL_ID


def set_aside(plan: Plan, partition: int, index: RowIndex) -> dict[str, int]:
    """Writes, per source of the rule, the raw rows whose molecules are on both sides of it; returns their numbers."""
    rule = plan.spec.split.test_seen
    if rule is None:
        raise TypeError("the mix has no test_seen rule")
    rows = {
        source: _rows_of_source(plan, partition, index, source)
        for source, spec in enumerate(plan.sources)
        if spec.name in (*rule.sources, rule.within)
    }
    within = next(source for source in rows if plan.sources[source].name == rule.within)
    outside = [table[MOL_ID] for source, table in rows.items() if source != within]
    both = {source: table[MOL_ID] for source, table in rows.items()}
    counts = {}
    for source, table in rows.items():
        other = pa.chunked_array([chunk for column in outside for chunk in column.chunks], pa.string())
        known = other if source == within else both[within]
        found = table.filter(pc.is_in(table[MOL_ID], value_set=known.combine_chunks()))
        save_array(set_aside_file(plan, partition, source), np.unique(found["row"].to_numpy()))
        counts[plan.sources[source].name] = found.num_rows
    return counts


def _rows_of_source(plan: Plan, partition: int, index: RowIndex, source: int) -> pa.Table:
    """Returns mol_id and number in the source of the rows that a source has in a partition, in any of its datasets."""
    tables = []
    for name in plan.sources[source].datasets:
        files = [routed_file(plan, part, name) for part in index.parts[name]]
        table = read_bucket(files, partition)
        tables.append(pa.table({MOL_ID: table[MOL_ID], "row": index.source_rows(table)}))
    return pa.concat_tables(tables)
