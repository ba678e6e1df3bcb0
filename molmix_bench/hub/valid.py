"""The condition of every publication: a finished mix without errors, of the version that is asked for."""

from __future__ import annotations

import re
from pathlib import Path

from molmix_bench.cards.croissant import CROISSANT_FILE
from molmix_bench.cards.loading import names_repository
from molmix_bench.errors import MixError, UsageError
from molmix_bench.mix import Mix
from molmix_bench.specs.mix import VERSION_PATTERN
from molmix_bench.talk import say
from molmix_bench.validate.findings import Severity
from molmix_bench.validate.run import validate
from molmix_bench.vocab import README_FILE


def open_valid(path: Path, *, version: str | None, workers: int) -> Mix:
    """Returns the mix in a directory; shows warnings.

    Raises:
        MixError: the directory is no finished mix, or validation finds errors.
        UsageError: the version is none, or the mix has another one.
    """
    if version is not None and not re.fullmatch(VERSION_PATTERN, version):
        raise UsageError("--version", found=repr(version), expected="three numbers, such as 1.0.0")
    mix = Mix(path)
    if version not in (None, mix.version):
        raise UsageError(
            "--version",
            found=f"{version}, but {path} is version {mix.version}",
            expected=mix.version,
            fix=f"leave it out, or build the mix with --set version={version}",
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


def warn_of_card(mix: Mix, repo: str | None = None) -> None:
    """Says where a mix has no dataset card yet, or one that tells its readers to load another repository."""
    if all(file.path != CROISSANT_FILE for file in mix.manifest.files):
        say(f"warning: {README_FILE} has no licence, counts or figures yet: molmix-bench card {mix.path}")
    elif repo is not None and not names_repository((mix.path / README_FILE).read_text(encoding="utf-8"), repo):
        say(
            f"warning: {README_FILE} tells its readers to load another repository than {repo}: "
            f"molmix-bench card {mix.path} --repository {repo}"
        )
