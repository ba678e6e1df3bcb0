"""Adding up: where every row and label of the raw files has gone, and whether anything can be scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from molmix_bench.build.digest import add_digests
from molmix_bench.build.plan import Plan
from molmix_bench.errors import BuildError
from molmix_bench.specs.manifest import Accounting, DatasetEntry, SplitEntry
from molmix_bench.vocab import SPLITS, DropReason, Kind, Split


def check_scorable(tasks: list[dict[str, Any]], datasets: Mapping[str, DatasetEntry], *, drops: Path) -> list[str]:
    """Returns warnings about splits in which a dataset has no scorable task.

    Args:
        tasks: rows of `tasks.parquet`.
        datasets: where each dataset's rows and labels went.
        drops: the file that names those that were dropped, for the error.

    Raises:
        BuildError: a dataset has none in any split.
    """
    notes = []
    for dataset in dict.fromkeys(task["dataset"] for task in tasks):
        rows = [task for task in tasks if task["dataset"] == dataset]
        splits = [split for split in SPLITS if any(task[f"{split}_n_labels"] for task in rows)]
        empty = [split for split in splits if not any(task[f"{split}_scorable"] for task in rows)]
        counts = "; ".join(f"{split}: {_label_counts(rows, split)}" for split in splits) or "no labels at all"
        if len(empty) == len(splits):
            raise BuildError(
                f"dataset {dataset}",
                found=f"no task that can be scored in any split ({counts})",
                expected="in one task and split at least, labels of two classes or three values that are not all equal",
                fix=f"check the label columns and the source's kind, or leave the dataset out of the mix; "
                f"{_losses(datasets[dataset])}, each with its reason in {drops}",
            )
        notes += [f"{dataset}: no task can be scored in {split} ({_label_counts(rows, split)})" for split in empty]
    return notes


def _losses(entry: DatasetEntry) -> str:
    """Returns how many rows and labels were read and, by reason, dropped."""
    parts = []
    for what, counts in (("rows", entry.rows), ("labels", entry.labels)):
        dropped = ", ".join(f"{count:,} {reason}" for reason, count in counts.dropped.items()) or "none"
        parts.append(f"{counts.read:,} {what} were read and {dropped} dropped")
    return ", ".join(parts)


def _label_counts(tasks: list[dict[str, Any]], split: Split) -> str:
    labels = sum(task[f"{split}_n_labels"] for task in tasks)
    if all(task["kind"] == Kind.REGRESSION for task in tasks):
        return f"labels: {labels:,}"
    classes = Counter[int]()
    for task in tasks:
        classes.update(dict(enumerate(task[f"{split}_class_counts"])))
    return "labels: " + ", ".join(f"{count:,} of class {label}" for label, count in sorted(classes.items()))


def account_datasets(
    plan: Plan, ingested: list[Any], routed: list[Any], merged: list[Any], shards: list[Any]
) -> dict[str, DatasetEntry]:
    """Returns the manifest's entry of every dataset; its model checks that rows and labels add up.

    Args:
        plan: the build.
        ingested: results of the ingest step, per raw input.
        routed: results of the routing step, per part.
        merged: results of the merge step, per partition.
        shards: results of the write step.
    """
    entries = {}
    digests = digests_by_table(shards)
    for name, (position, _) in plan.datasets.items():
        inputs = [result for item, result in zip(plan.inputs, ingested, strict=True) if item.source == position]
        results = [result["datasets"][name] for result in merged]
        lost_rows, lost_labels = Counter[str](), Counter[str]()
        for part in routed:
            lost_rows.update(part.get(name, {}).get("rows", {}))
            lost_labels.update(part.get(name, {}).get("labels", {}))
        for item in results:
            lost_rows.update(item["dropped_rows"])
            lost_labels.update(item["dropped_labels"])
        lost_rows[DropReason.NOT_SAMPLED] = sum(result["read"] - sum(result["rows"]) for result in inputs)
        lost_labels[DropReason.NOT_SAMPLED] = sum(result["unsampled_labels"][name] for result in inputs)
        splits = split_entries(name, [item["splits"] for item in results], digests)
        entries[name] = DatasetEntry(
            source=plan.sources[position].name,
            molecules=sum(item["molecules"] for item in results),
            rows=Accounting(
                read=sum(result["read"] for result in inputs),
                kept=sum(entry.rows for entry in splits.values()),
                merged=sum(item["merged_rows"] for item in results),
                dropped=_by_reason(lost_rows),
            ),
            labels=Accounting(
                read=sum(result["labels"][name] for result in inputs),
                kept=sum(entry.labels for entry in splits.values()),
                merged=sum(item["merged_labels"] for item in results),
                dropped=_by_reason(lost_labels),
            ),
            conflicts=sum(item["conflicts"] for item in results),
            splits=splits,
        )
    return entries


def _by_reason(counts: Mapping[str, int]) -> dict[DropReason, int]:
    return {reason: counts[reason] for reason in DropReason if counts.get(reason)}


def split_entries(config: str, results: list[Any], digests: Mapping[str, list[str]]) -> dict[Split, SplitEntry]:
    """Returns the manifest's entry of every split of a table, from the partitions' counts and the shards' digests."""
    return {
        split: SplitEntry(
            rows=sum(item[split]["rows"] for item in results if split in item),
            labels=sum(item[split]["labels"] for item in results if split in item),
            digest=add_digests(digests[f"{config}/{split}"]),
        )
        for split in SPLITS
        if any(split in item for item in results)
    }


def digests_by_table(shards: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Returns the digests of the shards of each `config/split`."""
    digests: dict[str, list[str]] = {}
    for shard in shards:
        config, _, file = shard["path"].partition("/")
        digests.setdefault(f"{config}/{file.partition('-')[0]}", []).append(shard["digest"])
    return digests
