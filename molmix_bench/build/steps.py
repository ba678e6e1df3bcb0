"""The steps of a build in order: what each needs of the ones before, and how it is cut into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from molmix_bench.build.account import account_datasets, check_scorable
from molmix_bench.build.describe import describe_dataset
from molmix_bench.build.engine import Runner, Task
from molmix_bench.build.finish import write_ledger, write_manifest, write_tasks
from molmix_bench.build.index import RowIndex
from molmix_bench.build.ingest import ingest
from molmix_bench.build.merge import merge_partition
from molmix_bench.build.paths import findings_file, staged_file
from molmix_bench.build.plan import Plan
from molmix_bench.build.route import MAX_PARTITIONS, Part, route_part
from molmix_bench.build.rows import split_source
from molmix_bench.build.seen import set_aside
from molmix_bench.build.standardize import standardize_buckets
from molmix_bench.build.write import plan_shards, write_shard
from molmix_bench.specs.manifest import Manifest
from molmix_bench.vocab import CONFLICTS_FILE, DROPS_FILE, MIX_CONFIG, SPLITS, TASKS_FILE

_LEAST_PIECES = 16
"""Of the standardisation of few rows, so that there is work for some workers."""
_LEAST_PARTITIONS = 4
"""Of molecules, for the same reason, where that leaves each enough rows."""
_LEAST_ROWS = 8_192
"""Enough rows for a partition."""
_SINGLE = 16
"""One bucket of so many is standardised by itself, after the others."""
_DROPS_ORDER = ("source", "file", "row", "dataset", "task")
_CONFLICTS_ORDER = ("dataset", "split", "mol_id", "task", "node")


def run_steps(plan: Plan, runner: Runner) -> Manifest:
    """Runs every step of a build that is not done yet; the mix lies in the working folder's `mix` afterwards."""
    ingested = runner.run("ingest", _ingest_tasks(plan), unit="B")
    parts = _list_parts(plan, ingested)
    partitions = _num_partitions(plan, parts, ingested)
    pieces = _group_buckets(plan, parts)
    runner.run("standardize", _standardize_tasks(plan, parts, pieces), unit="mol")
    routed = runner.run("route", _route_tasks(plan, parts, pieces, partitions), unit="row")
    index = _index_rows(plan, parts, ingested)
    if plan.spec.split.test_seen is not None:
        runner.run("set aside", _seen_tasks(plan, index, partitions), unit="partition")
    runner.run("split", _split_tasks(plan, ingested, partitions), unit="row")
    merged = runner.run("merge", _merge_tasks(plan, index, routed, partitions), unit="row")
    shards = runner.run("write", _write_tasks(plan, merged), unit="B")
    described = runner.run("describe", _describe_tasks(plan, shards), unit="B")
    tasks = [row for rows in described for row in rows]
    # Before anything is refused: what was dropped may be why.
    runner.run("ledgers", _ledger_tasks(plan, parts, partitions, tasks), unit="file")
    datasets = account_datasets(plan, ingested, routed, merged, shards)
    notes = [*plan.notes, *_raw_notes(plan), *check_scorable(tasks, datasets, drops=staged_file(plan, DROPS_FILE))]
    return write_manifest(plan, ingested=ingested, datasets=datasets, merged=merged, shards=shards, notes=notes)


def _ingest_tasks(plan: Plan) -> list[Task]:
    return [
        Task(f"{position:05d}", partial(ingest, plan, position), max(1, item.num_bytes))
        for position, item in enumerate(plan.inputs)
    ]


def _list_parts(plan: Plan, ingested: Sequence[Any]) -> list[Part]:
    parts: list[Part] = []
    for input_index, result in enumerate(ingested):
        for name, rows in zip(result["parts"], result["rows"], strict=True):
            parts.append(Part(name, len(parts), input_index, plan.inputs[input_index].source, rows))
    return parts


def _num_partitions(plan: Plan, parts: Sequence[Part], ingested: Sequence[Any]) -> int:
    rows = sum(part.rows for part in parts)
    labels: int = sum(sum(result["labels"].values()) - sum(result["unsampled_labels"].values()) for result in ingested)
    by_rows = -(-rows // plan.layout.rows_per_partition)
    by_labels = -(-labels // plan.layout.labels_per_partition)
    return max(1, min(MAX_PARTITIONS, max(by_rows, by_labels, min(_LEAST_PARTITIONS, rows // _LEAST_ROWS))))


def _index_rows(plan: Plan, parts: Sequence[Part], ingested: Sequence[Any]) -> RowIndex:
    names = {
        name: tuple(part.name for part in parts if part.source == source) for name, (source, _) in plan.datasets.items()
    }
    before = [0] * len(plan.sources)
    offsets = []
    for item, result in zip(plan.inputs, ingested, strict=True):
        offsets.append(before[item.source])
        before[item.source] += result["read"]
    return RowIndex(names, tuple(offsets))


def _group_buckets(plan: Plan, parts: Sequence[Part]) -> tuple[range, ...]:
    """Returns ranges of buckets of about equal size, each with work enough where there are few rows.

    The last buckets go singly: small pieces at the end, so that workers finish together.
    """
    buckets = plan.layout.num_smiles_buckets
    single = buckets - buckets // _SINGLE
    enough = sum(part.rows for part in parts) // plan.layout.rows_per_standardize
    num_pieces = min(single, max(_LEAST_PIECES, enough))
    bounds = [piece * single // num_pieces for piece in range(num_pieces)]
    return tuple(range(start, stop) for start, stop in pairwise([*bounds, *range(single, buckets + 1)]))


def _standardize_tasks(plan: Plan, parts: Sequence[Part], pieces: Sequence[range]) -> list[Task]:
    senders = tuple((part.name, part.source) for part in parts)
    rows = sum(part.rows for part in parts)
    return [
        Task(
            f"{buckets.start:05d}",
            partial(standardize_buckets, plan, buckets, senders),
            max(1, rows * len(buckets) // plan.layout.num_smiles_buckets),
        )
        for buckets in pieces
    ]


def _route_tasks(plan: Plan, parts: Sequence[Part], pieces: tuple[range, ...], partitions: int) -> list[Task]:
    route = partial(route_part, plan, pieces=pieces, num_partitions=partitions)
    return [Task(part.name, partial(route, part), max(1, part.rows)) for part in parts]


def _seen_tasks(plan: Plan, index: RowIndex, partitions: int) -> list[Task]:
    return [Task(f"{item:05d}", partial(set_aside, plan, item, index)) for item in range(partitions)]


def _split_tasks(plan: Plan, ingested: Sequence[Any], partitions: int) -> list[Task]:
    if plan.spec.split.method not in ("paper", "published"):
        return []
    rows = [0] * len(plan.sources)
    for item, result in zip(plan.inputs, ingested, strict=True):
        rows[item.source] += result["read"]
    return [
        Task(f"{source:05d}", partial(split_source, plan, source, num_rows=count, partitions=partitions), count)
        for source, count in enumerate(rows)
    ]


def _merge_tasks(plan: Plan, index: RowIndex, routed: Sequence[Any], partitions: int) -> list[Task]:
    rows = [1] * partitions
    for part in routed:
        for dataset in part.values():
            rows = [before + sent for before, sent in zip(rows, dataset["sent"], strict=True)]
    return [Task(f"{item:05d}", partial(merge_partition, plan, item, index), size) for item, size in enumerate(rows)]


def _write_tasks(plan: Plan, merged: Sequence[Any]) -> list[Task]:
    tasks = []
    for config in (*plan.datasets, MIX_CONFIG):
        for split in SPLITS:
            key = f"{config}/{split}"
            sizes = {position: result["bytes"][key] for position, result in enumerate(merged) if key in result["bytes"]}
            for shard in plan_shards(config, split, sizes) if sizes else []:
                size = sum(sizes[partition] for partition in shard.partitions)
                tasks.append(Task(shard.path.replace("/", "."), partial(write_shard, plan, shard), size))
    return tasks


def _describe_tasks(plan: Plan, shards: Sequence[Any]) -> list[Task]:
    tasks = []
    for name in plan.datasets:
        files: dict[str, tuple[str, ...]] = {}
        size = 0
        for shard in shards:
            config, _, file = shard["path"].partition("/")
            if config == name:
                split = file.partition("-")[0]
                files[split] = (*files.get(split, ()), shard["path"])
                size += shard["num_bytes"]
        tasks.append(Task(name, partial(describe_dataset, plan, name, files), size))
    return tasks


def _raw_notes(plan: Plan) -> list[str]:
    return [
        f"{plan.sources[item.source].name}: {item.name} differs from upstream's file of that name"
        for item in (*plan.inputs, *plan.companions)
        if item.matches_upstream is False
    ]


def _ledger_tasks(
    plan: Plan, parts: Sequence[Part], partitions: int, described: Sequence[dict[str, Any]]
) -> list[Task]:
    merges = [f"{item:05d}" for item in range(partitions)]
    drops = [findings_file(plan, "route", part.name, "drops") for part in parts]
    drops += [findings_file(plan, "merge", item, "drops") for item in merges]
    conflicts = [findings_file(plan, "merge", item, "conflicts") for item in merges]
    return [
        Task(TASKS_FILE, partial(write_tasks, plan, list(described))),
        Task(DROPS_FILE, partial(write_ledger, plan, DROPS_FILE, drops, _DROPS_ORDER)),
        Task(CONFLICTS_FILE, partial(write_ledger, plan, CONFLICTS_FILE, conflicts, _CONFLICTS_ORDER)),
    ]
