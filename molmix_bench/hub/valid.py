"""The condition of every publication: a finished mix without errors, of the version that is asked for."""

from __future__ import annotations

from pathlib import Path

from molmix_bench.errors import MixError, UsageError
from molmix_bench.mix import Mix
from molmix_bench.talk import say
from molmix_bench.validate.findings import Severity
from molmix_bench.validate.run import validate


def open_valid(path: Path, *, version: str | None, workers: int) -> Mix:
    """Returns the mix in a directory; shows warnings.

    Raises:
        MixError: the directory is no finished mix, or validation finds errors.
        UsageError: the mix has another version.
    """
    mix = Mix(path)
    if version not in (None, mix.version):
        raise UsageError(
            "--version",
            found=f"{version}, but {path} is version {mix.version}",
            expected=mix.version,
            fix=f"build the mix with --set version={version}",
        )
    findings = validate(path, workers=workers)
    for finding in findings:
        if finding.severity is Severity.WARNING:
            say(f"warning: {finding.check}, {finding.where}: {finding.message}")
    errors = [f"{item.check}, {item.where}: {item.message}" for item in findings if item.severity is Severity.ERROR]
    if errors:
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        raise MixError(
            str(path),
            found=f"{errors[0]}{more}",
            expected="a mix without errors",
            fix="nothing was published; molmix-bench validate lists them all",
        )
    return mix
