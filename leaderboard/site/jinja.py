"""Templates filled in; every text from outside is escaped."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaderboard.entries import Entry, Verification
from leaderboard.site.assets import POLICY
from leaderboard.site.charts import FOOT, HEIGHT, WIDTH, size_chart, time_chart
from leaderboard.site.numbers import Axis, interval, number, whole
from leaderboard.site.scales import compact
from leaderboard.site.slugs import slug
from leaderboard.site.views import MixView, SectionView, leading
from molmix_bench.errors import MissingExtraError
from molmix_bench.metrics.protocol import METRICS, PROTOCOL, REPLICATES
from molmix_bench.specs.submission import SubmissionSpec
from molmix_bench.submissions.entry import HashedFile

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
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
VERIFICATIONS = {
    Verification.REPORTED: "numbers only, as in a paper; never ranked",
    Verification.SCORED: "from predictions, on labels that are public",
    Verification.REPRODUCED: "a maintainer ran the stated command again",
    Verification.BLIND: "from predictions, on labels that were withheld",
}
_CLOSED = "LicenseRef-"
"""Begins a licence that is in no list of SPDX; of weights that nobody else may have, `LicenseRef-Proprietary`."""


def render(template: str, **context: Any) -> str:
    """Returns a template filled in.

    Raises:
        MissingExtraError: Jinja is not installed.
    """
    return _environment().get_template(template).render({"root": "", "here": ""} | context)


def is_open(spec: SubmissionSpec) -> bool:
    """Whether the weights come under a licence that SPDX lists."""
    return not spec.licence.weights.startswith(_CLOSED)


def training_note(spec: SubmissionSpec, view: MixView) -> str:
    """Returns what is to be said of a submission that was trained on some of a mix's datasets, else nothing."""
    used = {name for mix in spec.training_data.mixes if mix.name == view.name for name in mix.datasets}
    if not used or used >= {section.dataset for section in view.sections}:
        return ""
    return f"trained on {min(used)} alone" if len(used) == 1 else f"trained on {len(used)} datasets"


def files_of(entry: Entry, section: SectionView) -> tuple[HashedFile, ...]:
    """Returns the prediction files of one section."""
    middle = f"/{section.dataset}/{section.split}/"
    return tuple(file for file in entry.submission.files if middle in f"/{file.path}")


def day(at: datetime | None) -> str:
    """Returns the day of a time.

    >>> day(datetime(2026, 3, 14, 15, 9)), day(None)
    ('2026-03-14', '-')
    """
    return "-" if at is None else f"{at:%Y-%m-%d}"


@cache
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
    environment.filters |= {
        "number": number,
        "interval": interval,
        "whole": whole,
        "compact": compact,
        "axis": Axis,
        "slug": slug,
        "day": day,
        "is_open": is_open,
    }
    environment.globals |= {
        "policy": POLICY,
        "protocol": PROTOCOL,
        "replicates": REPLICATES,
        "metrics": METRICS,
        "metric_names": METRIC_NAMES,
        "max_hashes": MAX_HASHES_SHOWN,
        "verifications": VERIFICATIONS,
        "size_chart": size_chart,
        "time_chart": time_chart,
        "chart_size": (WIDTH, HEIGHT),
        "chart_foot": FOOT,
        "files_of": files_of,
        "leading": leading,
        "training_note": training_note,
    }
    return environment
