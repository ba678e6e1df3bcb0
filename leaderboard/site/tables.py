"""Raw scores and facts as CSV and JSON, beside the pages."""

from __future__ import annotations

import json
from typing import Any

from leaderboard.boards import Board, Section
from leaderboard.entries import Entry


def scores_csv(section: Section) -> str:
    """Returns everything scored in a section: means over seeds, and the seeds of what is taken over several tasks."""
    return section.scores.write_csv()


def differences_csv(board: Board) -> str:
    """Returns the paired differences of all models with their intervals, from which ranks follow."""
    return board.comparison.differences.write_csv()


def facts_json(board: Board) -> str:
    """Returns what is known of a board, its mix and its submissions, but scores."""
    mix = board.mix
    facts = {
        "mix": {"name": mix.name, "version": mix.version, "build_key": mix.manifest.build_key},
        "datasets": [
            {
                "dataset": section.dataset.name,
                "split": str(section.split),
                "labels_digest": section.digest,
                "num_molecules": section.num_molecules,
                "num_tasks": section.num_tasks,
                "num_reliable": section.num_reliable,
                "excluded": dict(section.excluded),
            }
            for section in board.sections
        ],
        "submissions": [_entry(entry) for entry in board.entries],
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def _entry(entry: Entry) -> dict[str, Any]:
    # How to reach the submitters is for maintainers.
    stated = entry.submission.spec.model_dump(mode="json", exclude={"contact"})
    files = [{"path": file.path, "sha256": file.sha256, "num_bytes": file.num_bytes} for file in entry.submission.files]
    return {"name": entry.name, "verification": str(entry.verification), "stated": stated, "files": files}
