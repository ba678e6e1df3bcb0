"""What a study has come to, as its `answer.json` says it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, NonNegativeFloat, NonNegativeInt, PositiveInt

from molmix_bench.specs.base import Spec

ANSWER_FILE, STUDY_SPEC_FILE = "answer.json", "spec.yaml"
"""What a study has come to, and the spec that makes it again, in its directory."""


class Verdict(StrEnum):
    """What may be said of an effect, among all that a study looks at."""

    ESTABLISHED = "established"
    SUGGESTED = "suggested"
    OPEN = "open"


class ClaimRecord(Spec):
    """One comparison or slope, and what may be said of it."""

    about: str
    """The dataset or task."""
    question: str
    verdict: Verdict
    """Among all claims of the study, by Holm's rule."""
    sentence: str
    value: FiniteFloat
    """Above 0 is better, whichever way the metric is."""
    error: NonNegativeFloat | None
    """The standard error; null where seeds are too few to tell, and then there is no interval either."""
    of_seeds: tuple[tuple[NonNegativeFloat, PositiveInt], ...]
    """Each variance that seeds make, of the value, with its degrees of freedom."""
    of_molecules: NonNegativeFloat
    """The variance that test molecules make."""
    low: FiniteFloat | None
    high: FiniteFloat | None
    """Ends of its own 95 % interval."""
    p_value: Annotated[float, Field(ge=0, le=1)] | None
    seeds: NonNegativeInt
    sides: tuple[str, str] | None
    """Names of the levels compared; null where several are looked at together, as for a slope."""


class StudyAnswer(Spec):
    """`answer.json`: everything that the page says in words."""

    format: Literal["molmix-study-1"] = "molmix-study-1"
    study: str
    name: str
    question: str
    how: str
    mixes: dict[str, str]
    """By name in the spec, which build it was."""
    finished: NonNegativeInt
    failed: dict[str, str]
    """Cells, and why."""
    waiting: tuple[str, ...]
    """Cells not begun."""
    cpu_seconds: NonNegativeFloat
    """Processor time of the finished cells, as far as it is known."""
    hardware: tuple[str, ...]
    caveats: tuple[str, ...]
    claims: tuple[ClaimRecord, ...]

    def sentences(self, verdict: Verdict) -> tuple[str, ...]:
        """Returns what is said of the claims with a verdict."""
        return tuple(claim.sentence for claim in self.claims if claim.verdict is verdict)
