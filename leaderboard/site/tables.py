"""Raw scores and facts as CSV and JSON, beside the pages."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import numpy as np
import polars as pl

from leaderboard.boards import Board
from leaderboard.entries import Entry
from leaderboard.site.views import MixView, SectionView
from molmix_bench.metrics.protocol import Aggregation

_DIGITS = 6
"""Of the scores that a page draws; the CSV has all."""


def scores_csv(section: SectionView) -> str:
    """Returns what is scored over several tasks of a section, of all models: means over seeds, and each seed."""
    return section.scores.write_csv()


def entry_csv(entry: Entry) -> bytes:
    """Returns everything that was scored of a submission, each task's too, as a gzipped CSV without a date in it."""
    return gzip.compress(entry.submission.table.table.write_csv().encode(), compresslevel=6, mtime=0)


def differences_csv(board: Board) -> str:
    """Returns the paired differences of all models with their intervals, from which ranks follow."""
    return board.comparison.differences.write_csv()


def tasks_json(entry: Entry, section: SectionView) -> str:
    """Returns the scores of each task of a submission in one section, in columns, rounded: what a page draws."""
    rows = entry.submission.table.table.filter(
        pl.col("seed").is_null(),
        dataset=section.dataset,
        split=str(section.split),
        aggregation=str(Aggregation.TASK),
    )
    metrics = {}
    tasks: pl.DataFrame | None = None
    for (name,), some in rows.group_by("metric", maintain_order=True):
        tasks = some.select("task", "n_labels") if tasks is None else tasks
        # Metrics have their rows in the order of the first one's tasks.
        ordered = tasks.select("task").join(some, on="task", how="left", maintain_order="left")
        metrics[str(name)] = {
            "direction": some["direction"][0],
            "values": _rounded(ordered["value"]),
            "low": _rounded(ordered["ci_low"]),
            "high": _rounded(ordered["ci_high"]),
        }
    facts = {
        "dataset": section.dataset,
        "split": str(section.split),
        "tasks": [] if tasks is None else tasks["task"].to_list(),
        "num_labels": [] if tasks is None else tasks["n_labels"].to_list(),
        "metrics": metrics,
    }
    return _compact(facts)


def replicates_json(entry: Entry, view: MixView) -> str:
    """Returns the scores that a submission is ranked by, with their replicates: what paired differences are made of.

    A replicate is written as its difference from the score, float32, little-endian, in base64.
    """
    macros = entry.submission.macros
    names = {(section.dataset, str(section.split)): section.name for section in view.sections}
    found = []
    for place, row in enumerate(macros.table.iter_rows(named=True)):
        if (section := names.get((row["dataset"], row["split"]))) is None or row["value"] is None:
            continue
        deviations = np.empty(0) if macros.replicates is None else macros.replicates[place] - row["value"]
        coded = base64.b64encode(deviations.astype("<f4").tobytes()).decode()
        keys = ("dataset", "split", "metric", "direction", "primary", "value", "ci_low", "ci_high")
        found.append({"section": section} | {key: row[key] for key in keys} | {"deviations": coded})
    return _compact({"name": entry.name, "scores": found})


def facts_json(view: MixView) -> str:
    """Returns what is known of a mix, its datasets and its submissions, but scores."""
    facts = {
        "mix": {"name": view.name, "version": view.version, "build_key": view.build_key},
        "datasets": [
            {
                "dataset": section.dataset,
                "split": str(section.split),
                "labels_digest": section.scored.digest,
                "num_molecules": section.scored.num_molecules,
                "num_tasks": section.scored.num_tasks,
                "num_reliable": section.scored.num_reliable,
                "excluded": dict(section.scored.excluded),
            }
            for section in view.sections
            if section.scored is not None
        ],
        "submissions": [_stated(entry) for entry in view.entries],
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def _stated(entry: Entry) -> dict[str, Any]:
    # How to reach the submitters is for maintainers.
    stated = entry.submission.spec.model_dump(mode="json", exclude={"contact"})
    files = [{"path": file.path, "sha256": file.sha256, "num_bytes": file.num_bytes} for file in entry.submission.files]
    submitted = None if entry.submitted is None else entry.submitted.isoformat()
    known = {"name": entry.name, "verification": str(entry.verification), "submitted": submitted}
    return known | {"stated": stated, "files": files}


def _rounded(values: pl.Series) -> list[float | None]:
    return values.round_sig_figs(_DIGITS).to_list()


def _compact(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
