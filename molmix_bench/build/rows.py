"""Step 5, per source: the split of every raw row, where rows and not molecules are split."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from molmix_bench.build.paths import row_split_file, set_aside_file
from molmix_bench.build.plan import Plan
from molmix_bench.build.split import TEST_SEEN, TRAIN, SplitCodes, split_rows
from molmix_bench.build.whole import save_array
from molmix_bench.sources.split_file import split_codes


def split_source(plan: Plan, source: int, *, num_rows: int, partitions: int) -> int:
    """Writes the split of each raw row of a source, by the paper's rule or the published file; returns the rows."""
    save_array(row_split_file(plan, source), _codes(plan, source, num_rows=num_rows, partitions=partitions))
    return num_rows


def _codes(plan: Plan, source: int, *, num_rows: int, partitions: int) -> SplitCodes:
    published = plan.split_files[source]
    if published is not None:
        return split_codes(published, num_rows)
    spec = plan.spec.split
    rule, name = spec.test_seen, plan.sources[source].name
    if rule is None or name not in (*rule.sources, rule.within):
        return split_rows(num_rows, spec)
    # Rows of the source that holds the molecules stay in its train; those of the others are what is seen.
    code = TRAIN if name == rule.within else TEST_SEEN
    return split_rows(num_rows, spec, aside=_rows_aside(plan, source, partitions), aside_code=code)


def _rows_aside(plan: Plan, source: int, partitions: int) -> npt.NDArray[np.int64]:
    parts = [np.load(set_aside_file(plan, item, source), allow_pickle=False) for item in range(partitions)]
    return np.unique(np.concatenate(parts))
