"""Boards as pages: templates filled in, every text from outside escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaderboard.boards import Board
from leaderboard.entries import Refused
from leaderboard.site.numbers import Axis, interval, number, whole
from leaderboard.site.tables import differences_csv, facts_json, scores_csv
from molmix_bench.errors import MissingExtraError
from molmix_bench.metrics.protocol import PROTOCOL, REPLICATES

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
MAX_TASKS_SHOWN = 60
"""Of a dataset, for a table of its tasks on the page; the file of scores has them all."""
MAX_HASHES_SHOWN = 100
METRIC_NAMES = {
    "mae_standardised": "MAE, standardised",
    "mae": "MAE",
    "pearson": "Pearson",
    "spearman": "Spearman",
    "r2": "R²",
    "ap": "Average precision",
    "auroc": "AUROC",
    "bce": "Cross-entropy",
    "ce": "Cross-entropy",
}


def site_files(boards: Sequence[Board], refused: Sequence[Refused]) -> dict[str, str]:
    """Returns the text of each file of a site by its path: a page for each mix, its raw scores, and a first page.

    Raises:
        MissingExtraError: Jinja is not installed.
    """
    environment = _environment()
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    shared: dict[str, Any] = {
        "style": style,
        # Nothing is loaded, no script runs, and no style but this one.
        "policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        "protocol": PROTOCOL,
        "replicates": REPLICATES,
    }
    index = environment.get_template("index.html").render(shared, boards=boards, refused=refused)
    files = {"index.html": index}
    for board in boards:
        here = [item for item in refused if item.mix == board.mix.name]
        page = environment.get_template("board.html").render(shared, board=board, refused=here)
        files[f"{board.mix.name}/index.html"] = page
        files[f"{board.mix.name}/submissions.json"] = facts_json(board)
        files[f"{board.mix.name}/differences.csv"] = differences_csv(board)
        files |= {f"{board.mix.name}/{section.name}.csv": scores_csv(section) for section in board.sections}
    return files


def _environment() -> Environment:
    if find_spec("jinja2") is None:
        raise MissingExtraError(
            "the leaderboard",
            found="jinja2 not installed",
            fix='install the extra: pip install "molmix-bench[leaderboard]"',
        )
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "interval": interval, "whole": whole, "axis": Axis}
    environment.globals |= {
        "metric_names": METRIC_NAMES,
        "max_tasks": MAX_TASKS_SHOWN,
        "max_hashes": MAX_HASHES_SHOWN,
    }
    return environment
