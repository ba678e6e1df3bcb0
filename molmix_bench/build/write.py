"""Step 6, per shard: partitions in order become one parquet file, row groups of equal size, sorted by mol_id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from molmix_bench.build.buckets import read_table
from molmix_bench.build.digest import ContentDigest
from molmix_bench.build.paths import merged_file, staged_file
from molmix_bench.build.plan import Plan
from molmix_bench.build.whole import written_apart
from molmix_bench.sources.download import file_sha256
from molmix_bench.vocab import Split, shard_name

ROWS_PER_GROUP = 65_536
TARGET_SHARD_BYTES = 1 << 30
"""Of Arrow data in memory; zstd leaves a fifth to four fifths of it on disk."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A file to write: which table, which of its shards, from which partitions."""

    config: str
    split: Split
    index: int
    count: int
    partitions: tuple[int, ...]

    @property
    def path(self) -> str:
        """The file's path within the mix."""
        return f"{self.config}/{shard_name(self.split, self.index, self.count)}"


def plan_shards(config: str, split: Split, num_bytes: dict[int, int]) -> list[Shard]:
    """Returns the shards of one table: consecutive partitions, of about equal size in bytes.

    Args:
        config: dataset or mix table.
        split: the split.
        num_bytes: bytes of Arrow data per partition that has rows of this table.
    """
    total = sum(num_bytes.values())
    count = max(1, -(-total // TARGET_SHARD_BYTES))
    members: list[list[int]] = [[] for _ in range(count)]
    before = 0
    for partition, size in sorted(num_bytes.items()):
        members[min(count - 1, before * count // max(total, 1))].append(partition)
        before += size
    filled = [tuple(part) for part in members if part]
    return [Shard(config, split, index, len(filled), part) for index, part in enumerate(filled)]


def write_shard(plan: Plan, shard: Shard) -> dict[str, Any]:
    """Writes one shard; returns its path, sha256, bytes, rows and content digest."""
    path = staged_file(plan, shard.path)
    digest = ContentDigest()
    tables = (read_table(merged_file(plan, part, shard.config, shard.split)) for part in shard.partitions)
    rows = write_parquet(path, regroup(tables, ROWS_PER_GROUP), digest)
    return {
        "path": shard.path,
        "sha256": file_sha256(path),
        "num_bytes": path.stat().st_size,
        "rows": rows,
        "digest": digest.hexdigest(),
    }


def write_parquet(path: Any, groups: Iterable[pa.Table], digest: ContentDigest | None = None) -> int:
    """Writes tables as the row groups of one file in the form that every file of a mix has; returns the rows.

    Content-defined chunking keeps pages equal where rows are equal, so that a new version uploads only what changed.
    """
    tables = iter(groups)
    first = next(tables)
    options = {"compression": "zstd", "write_page_index": True, "use_content_defined_chunking": True}
    rows = 0
    with written_apart(path) as part, pq.ParquetWriter(part, first.schema, **options) as writer:
        for table in chain([first], tables):
            writer.write_table(table, row_group_size=max(1, table.num_rows))
            rows += table.num_rows
            if digest is not None:
                digest.update(table.to_batches())
    return rows


def regroup(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Yields the rows of the tables in order, `rows` at a time, combined, so that bytes do not depend on partitions."""
    waiting: pa.Table | None = None
    for table in tables:
        waiting = table if waiting is None else pa.concat_tables([waiting, table])
        while waiting.num_rows >= rows:
            yield waiting.slice(0, rows).combine_chunks()
            waiting = waiting.slice(rows)
    if waiting is not None and waiting.num_rows:
        yield waiting.combine_chunks()
