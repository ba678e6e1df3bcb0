"""Step 8: the files that describe the whole mix, the manifest last."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from molmix_bench.build.account import digests_by_table, split_entries
from molmix_bench.build.describe import TASKS_SCHEMA
from molmix_bench.build.ledger import CONFLICTS_SCHEMA, DROPS_SCHEMA
from molmix_bench.build.paths import staged_file
from molmix_bench.build.plan import Plan, RawInput, versions
from molmix_bench.build.readme import render_readme
from molmix_bench.build.sort import sorted_rows
from molmix_bench.build.write import ROWS_PER_GROUP, regroup, write_parquet
from molmix_bench.sources.download import file_sha256
from molmix_bench.specs.manifest import FORMAT, BuiltFile, DatasetEntry, Manifest, RawFile
from molmix_bench.vocab import (
    CONFLICTS_FILE,
    DROPS_FILE,
    MANIFEST_FILE,
    MIX_CONFIG,
    README_FILE,
    TASKS_FILE,
)

_ROWS_SORTED_AT_ONCE = 131_072
"""Of drops or conflicts: some tens of MB."""


def write_ledger(plan: Plan, name: str, pieces: Iterable[Path], order: tuple[str, ...]) -> int:
    """Writes `drops.parquet` or `conflicts.parquet` from what the steps found, sorted; returns its rows."""
    schema = DROPS_SCHEMA if name == DROPS_FILE else CONFLICTS_SCHEMA
    rows = sorted_rows(list(pieces), order, scratch=plan.work / "sort" / name, at_once=_ROWS_SORTED_AT_ONCE)
    groups = regroup(rows, ROWS_PER_GROUP)
    # A file without rows has a group, too.
    return write_parquet(staged_file(plan, name), chain([next(groups, schema.empty_table())], groups))


def write_tasks(plan: Plan, tasks: list[dict[str, Any]]) -> int:
    """Writes `tasks.parquet`; returns its rows."""
    return write_parquet(staged_file(plan, TASKS_FILE), [pa.Table.from_pylist(tasks, schema=TASKS_SCHEMA)])


def write_manifest(
    plan: Plan,
    *,
    ingested: list[Any],
    datasets: dict[str, DatasetEntry],
    merged: list[Any],
    shards: list[Any],
    notes: list[str],
) -> Manifest:
    """Writes `README.md` and, last of all, `manifest.json`."""
    mix = split_entries(MIX_CONFIG, [result["mix"] for result in merged], digests_by_table(shards))
    draft = Manifest(
        format=FORMAT,
        name=plan.spec.name,
        version=plan.spec.version,
        build_key=plan.key,
        toolchain=versions(),
        spec=plan.spec,
        raw=tuple(
            _raw_file(plan, item, rows)
            for item, rows in [
                *((item, result["read"]) for item, result in zip(plan.inputs, ingested, strict=True) if item.path),
                *((item, None) for item in plan.companions),
            ]
        ),
        datasets=datasets,
        mix=mix,
        molecules=sum(result["molecules"] for result in merged),
        files=tuple(BuiltFile(**{key: shard[key] for key in BuiltFile.model_fields}) for shard in shards),
        notes=tuple(notes),
    )
    staged_file(plan, README_FILE).write_text(render_readme(draft), encoding="utf-8")
    files = [*draft.files, *(_built_file(plan, name) for name in (TASKS_FILE, DROPS_FILE, CONFLICTS_FILE, README_FILE))]
    manifest = draft.model_copy(update={"files": tuple(files)})
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False)
    staged_file(plan, MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")
    return manifest


def _raw_file(plan: Plan, item: RawInput, rows: int | None) -> RawFile:
    return RawFile(
        source=plan.sources[item.source].name,
        name=item.name,
        sha256=item.sha256,
        num_bytes=item.num_bytes,
        rows=rows,
        matches_upstream=item.matches_upstream,
    )


def _built_file(plan: Plan, name: str) -> BuiltFile:
    path = staged_file(plan, name)
    rows = pq.read_metadata(path).num_rows if path.suffix == ".parquet" else None
    return BuiltFile(path=name, sha256=file_sha256(path), num_bytes=path.stat().st_size, rows=rows)
