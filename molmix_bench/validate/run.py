"""All checks of a mix, in order; a mix that cannot be opened is a finding too."""

from __future__ import annotations

from pathlib import Path

from molmix_bench.errors import MixError, SpecError
from molmix_bench.mix import Mix
from molmix_bench.validate.counts import check_counts
from molmix_bench.validate.files import check_files
from molmix_bench.validate.findings import Finding, Severity
from molmix_bench.validate.labels import check_labels
from molmix_bench.validate.leakage import check_leakage
from molmix_bench.validate.molecules import check_molecules
from molmix_bench.validate.schema import check_schema


def validate(path: Path, *, workers: int = 1) -> list[Finding]:
    """Returns what all checks find in the mix at `path`; never raises on bad data."""
    try:
        mix = Mix(path)
    except (MixError, SpecError) as error:
        return [Finding("open", Severity.ERROR, str(path), str(error))]
    findings: list[Finding] = []
    # Without the right bytes and columns the later checks would only repeat, less clearly, what these say.
    for check in (check_files, check_schema):
        findings += check(mix)
        if any(finding.severity is Severity.ERROR for finding in findings):
            return findings
    findings += [*check_counts(mix), *check_molecules(mix), *check_labels(mix), *check_leakage(mix, workers=workers)]
    return findings
