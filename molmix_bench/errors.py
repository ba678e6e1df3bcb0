"""Every error this package raises on purpose.

    MolmixError
    ├── UsageError            an argument, an option or a name the caller gave (exit status 2)
    ├── SpecError             a YAML file of ours or of the user
    ├── MissingExtraError     an optional dependency is not installed
    ├── WorkerError           a worker process was killed
    ├── SourceError           raw data
    │   ├── DownloadError
    │   └── ChecksumError
    ├── BuildError            a build that cannot go on
    ├── MixError              a built mix that cannot be read
    ├── StoreError            featurised graphs that cannot be read or written
    ├── RunError              training and prediction
    ├── HubError              a Hub or a folder that is published to or fetched from
    ├── LeaderboardError      a leaderboard's service that is submitted to
    └── SubmissionError       predictions or a submission folder

A molecule that cannot be read is no error but a row in `drops.parquet`.
"""

from __future__ import annotations

__all__ = [
    "BuildError",
    "ChecksumError",
    "DownloadError",
    "HubError",
    "LeaderboardError",
    "MissingExtraError",
    "MixError",
    "MolmixError",
    "RunError",
    "SourceError",
    "SpecError",
    "StoreError",
    "SubmissionError",
    "UsageError",
    "WorkerError",
]


class MolmixError(Exception):
    """Says where something went wrong, what was found, what was expected and what to do.

    Args:
        where: the file, row, key or argument at fault.
        found: what is there.
        expected: what should be there; empty where `found` says it all.
        fix: what the reader can do about it; empty where there is nothing to do.

    >>> print(MolmixError("mix.yaml", found="key 'fraction'", expected="'fractions'", fix="rename the key"))
    mix.yaml: found key 'fraction'; expected 'fractions'; rename the key
    """

    def __init__(self, where: str, *, found: str, expected: str = "", fix: str = "") -> None:
        self.where = where
        self.found = found
        self.expected = expected
        self.fix = fix
        super().__init__(where, found, expected, fix)

    def __str__(self) -> str:
        parts = [f"found {self.found}" if self.expected else self.found]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.fix:
            parts.append(self.fix)
        return f"{self.where}: " + "; ".join(parts)

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes send errors back pickled, and keyword-only arguments do not survive by themselves.
        return (_rebuild, (type(self), self.where, self.found, self.expected, self.fix))


def _rebuild(kind: type[MolmixError], where: str, found: str, expected: str, fix: str) -> MolmixError:
    return kind(where, found=found, expected=expected, fix=fix)


class UsageError(MolmixError):
    """The caller named something that does not exist or asked for what cannot be."""


class SpecError(MolmixError):
    """A YAML file does not say what its schema asks for."""


class MissingExtraError(MolmixError):
    """An optional part of the package was called without its dependencies."""


class WorkerError(MolmixError):
    """A worker process was killed, most likely by the system for want of memory."""


class SourceError(MolmixError):
    """Raw data cannot be read as their source spec says."""


class DownloadError(SourceError):
    """A raw file cannot be fetched from any of its addresses."""


class ChecksumError(SourceError):
    """A raw file is not the file it was before or should be."""


class BuildError(MolmixError):
    """A build cannot go on."""


class MixError(MolmixError):
    """A directory is not a finished mix, or not an intact one."""


class StoreError(MolmixError):
    """A store of featurised graphs is truncated, foreign or of another version."""


class RunError(MolmixError):
    """Training or prediction cannot go on."""


class HubError(MolmixError):
    """A Hub, or a folder to publish to, cannot be reached, refuses, or holds something else."""


class LeaderboardError(MolmixError):
    """A leaderboard's service cannot be reached, or refuses."""


class SubmissionError(MolmixError):
    """Predictions or a submission folder break the rules of scoring."""
