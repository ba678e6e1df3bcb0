"""Check: rows, labels, drops, conflicts and statistics are as many as the manifest and tasks.parquet say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa

from molmix_bench.build.digest import ContentDigest
from molmix_bench.mix import Dataset, Mix
from molmix_bench.validate.findings import Finding, Severity
from molmix_bench.vocab import CONFLICTS_FILE, DROPS_FILE, MIX_CONFIG, DropReason, Split

CHECK = "counts"


def check_counts(mix: Mix) -> Iterator[Finding]:
    """Yields every number of the manifest that the files contradict."""
    for name, dataset in mix.datasets.items():
        for split, entry in mix.manifest.datasets[name].splits.items():
            labels = sum(_label_counts(mix, dataset, split))
            yield from _differs(f"{name}/{split}", "labels", labels, entry.labels)
            yield from _table(mix, name, split, rows=entry.rows, digest=entry.digest)
        yield from _tasks(mix, dataset)
        yield from _ledgers(mix, name)
    for split, entry in mix.manifest.mix.items():
        yield from _table(mix, MIX_CONFIG, split, rows=entry.rows, digest=entry.digest)


def _differs(where: str, what: str, found: object, expected: object) -> Iterator[Finding]:
    if found != expected:
        yield Finding(CHECK, Severity.ERROR, where, f"{what}: {found}, the manifest says {expected}")


def _table(mix: Mix, config: str, split: Split, *, rows: int, digest: str) -> Iterator[Finding]:
    content, found = ContentDigest(), 0
    for batch in mix.batches(config, split):
        found += batch.num_rows
        content.update([batch])
    yield from _differs(f"{config}/{split}", "rows", found, rows)
    yield from _differs(f"{config}/{split}", "content digest", content.hexdigest(), digest)


def _label_counts(mix: Mix, dataset: Dataset, split: Split) -> list[int]:
    """Returns the number of labels of each task."""
    layout = dataset.layout
    counts = np.zeros(len(dataset.tasks), dtype=np.int64)
    for batch in mix.batches(dataset.name, split):
        values = layout.task_values(pa.Table.from_batches([batch]).select(layout.schema.names))
        counts += [len(labels) for labels in values]
    return counts.tolist()


def _tasks(mix: Mix, dataset: Dataset) -> Iterator[Finding]:
    rows = mix.tasks.filter(pl.col("dataset") == dataset.name)
    for split in dataset.splits:
        counted = _label_counts(mix, dataset, split)
        for task, found, expected in zip(dataset.tasks, counted, rows[f"{split}_n_labels"], strict=True):
            yield from _differs(f"{dataset.name}/{split}, task {task}", "labels against tasks.parquet", found, expected)


def _ledgers(mix: Mix, name: str) -> Iterator[Finding]:
    entry = mix.manifest.datasets[name]
    drops = pl.read_parquet(mix.path / DROPS_FILE).filter(dataset=name)
    rows = dict(drops.filter(pl.col("task").is_null()).group_by("reason").len().iter_rows())
    labels = dict(drops.group_by("reason").agg(pl.col("labels").sum()).filter(pl.col("labels") > 0).iter_rows())
    for what, found, dropped in (("rows", rows, entry.rows.dropped), ("labels", labels, entry.labels.dropped)):
        expected = {str(reason): count for reason, count in dropped.items() if reason is not DropReason.NOT_SAMPLED}
        yield from _differs(name, f"{what} in {DROPS_FILE}", found, expected)
    conflicts = pl.scan_parquet(mix.path / CONFLICTS_FILE).filter(pl.col("dataset") == name)
    yield from _differs(name, f"rows in {CONFLICTS_FILE}", conflicts.select(pl.len()).collect().item(), entry.conflicts)
