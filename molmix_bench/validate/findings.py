"""What a check says of a mix."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is; only errors make `validate` fail."""

    ERROR = "error"
    """The mix contradicts its manifest, its schema or its declared split."""
    WARNING = "warning"
    """A user should know before drawing conclusions."""
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement of one check.

    Attributes:
        check: the check's name.
        where: a file, a dataset, a split.
        message: what was found, against what was expected.
        count: how many rows, labels or molecules it concerns; None where nothing is counted.
        examples: a few of them.
    """

    check: str
    severity: Severity
    where: str
    message: str
    count: int | None = None
    examples: tuple[str, ...] = ()


NUM_EXAMPLES = 3
