"""`molmix-bench validate`: check a built mix."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from molmix_bench.cli.output import JsonOption, WorkersOption, print_json, print_table
from molmix_bench.validate.findings import Severity
from molmix_bench.validate.run import validate


def validate_mix(
    path: Annotated[Path, typer.Argument(metavar="DIR", help="A built mix.")],
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Check files, schema, counts, molecules, labels and leakage; exit 1 on errors, not on warnings."""
    findings = validate(path, workers=workers or os.cpu_count() or 1)
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        rows = [[str(item.severity), item.check, item.where, item.count, item.message] for item in findings]
        print_table(("severity", "check", "where", "count", "message"), rows)
        counts = Counter(item.severity for item in findings)
        print(", ".join(f"{counts[severity]} {severity}" for severity in Severity))
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(1)
