"""Which form a dataset's tables have."""

from __future__ import annotations

from molmix_bench.layout.node import NodeLayout
from molmix_bench.layout.protocol import Layout
from molmix_bench.layout.sparse import SparseLayout
from molmix_bench.layout.wide import WideLayout
from molmix_bench.specs.source import DatasetSpec
from molmix_bench.vocab import MAX_WIDE_TASKS, Level


def layout_of(dataset: DatasetSpec) -> Layout:
    """Returns the form of a dataset's tables: by level, and by the number of tasks."""
    if dataset.level is Level.NODE:
        return NodeLayout(dataset)
    return SparseLayout(dataset) if len(dataset.tasks) > MAX_WIDE_TASKS else WideLayout(dataset)
