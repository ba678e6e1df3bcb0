"""What a submission says of itself: `submission.yaml`, beside its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FiniteFloat,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from molmix_bench.errors import SpecError
from molmix_bench.specs.base import Spec, read_yaml, spec_problems, validate_spec
from molmix_bench.specs.run import RunName, Seed
from molmix_bench.specs.source import Name, Sha256
from molmix_bench.vocab import Split

SUBMISSION_FILE = "submission.yaml"
MAX_SUBMISSION_BYTES = 64 << 10
"""Of the file; an honest one has one or two kB."""
MAX_SEEDS = 20
"""Of a submission: each costs a reader as much as all of its predictions."""
FILL_IN = "FILL IN"
"""Begins a text that a person still has to write; no value of a submission may begin so."""


def _filled(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith(FILL_IN):
        raise ValueError("still to be filled in")
    return value


def _printable(value: str) -> str:
    # Invisible characters and those that turn the direction of writing make a name look like another.
    if not value.isprintable() or value != value.strip():
        raise ValueError("holds characters that do not print, or spaces around it")
    return value


def _orcid(value: str) -> str:
    """Returns an ORCID whose last character is the checksum of the others, ISO 7064 MOD 11-2.

    >>> _orcid("0000-0002-1825-0097")
    '0000-0002-1825-0097'
    """
    digits = value.replace("-", "")
    total, last = 0, digits[-1]
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    checksum = "0123456789X"[(12 - total % 11) % 11]
    if last != checksum:
        raise ValueError(f"its last character would be {checksum}, by its checksum; is a digit mistyped?")
    return value


_Filled = BeforeValidator(_filled)
Line = Annotated[str, _Filled, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Command = Annotated[str, _Filled, StringConstraints(min_length=1, max_length=2_000), AfterValidator(_printable)]
Orcid = Annotated[
    str, _Filled, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]$"), AfterValidator(_orcid)
]
Licence = Annotated[str, _Filled, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+() -]{0,99}$")]
Commit = Annotated[str, _Filled, StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
WebAddress = Annotated[str, _Filled, StringConstraints(pattern=r"^https?://[!-~]{1,300}$")]
Contact = Annotated[
    str, _Filled, StringConstraints(pattern=r"^([!-?A-~]{1,64}@[!-?A-~]{1,200}|https?://[!-~]{1,300})$")
]
Version = Annotated[str, _Filled, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$")]
Datasets = Annotated[tuple[Name, ...], Field(min_length=1, max_length=1_000)]
# A page has to show them: Python reads integers of 4,300 digits.
Hours = Annotated[FiniteFloat, Field(ge=0, le=1e9)]
Parameters = Annotated[PositiveInt, Field(le=10**15)]


class Author(Spec):
    """Who stands for the submission."""

    name: Line
    orcid: Orcid | None = None
    """As 0000-0002-1825-0097, without its address."""


class Licences(Spec):
    """SPDX identifiers or expressions; `LicenseRef-Proprietary` where the thing is not open."""

    code: Licence
    weights: Licence


class Code(Spec):
    """The source of the model."""

    url: WebAddress
    commit: Commit
    """Whole: 40 or 64 hexadecimal digits."""


class MixUse(Spec):
    """A mix, and the datasets in it that are meant."""

    name: Name
    version: Version
    build_key: Sha256 | None = None
    """Of the manifest: equal keys, equal labels. Null where it is not known."""
    datasets: Datasets


class PredictedMix(MixUse):
    """The mix whose molecules are predicted."""

    splits: Annotated[tuple[Split, ...], Field(min_length=1)]
    """`test`, and any others that have predictions."""


class ExternalData(Spec):
    """Data, or weights trained on data, that are in no mix."""

    name: Line
    url: WebAddress | None = None
    use: Line
    """What they were used for, and whether test molecules can be among them."""


class TrainingData(Spec):
    """All that the weights were fitted to."""

    mixes: Annotated[tuple[MixUse, ...], Field(max_length=100)]
    external_data: Annotated[tuple[ExternalData, ...], Field(max_length=100)]
    """Empty where there are none; it has to be said."""


class SubmissionSpec(Spec):
    """`submission.yaml`, complete."""

    format: Literal["molmix-submission-1"]
    model: Annotated[RunName, _Filled]
    version: Version
    authors: Annotated[tuple[Author, ...], Field(min_length=1, max_length=200)]
    contact: Contact
    """A mail address or a web address."""
    licence: Licences
    code: Code
    command: Command
    """That trains and predicts again, from the code's commit."""
    parameters: Parameters
    """Trainable, of one seed's model."""
    predicts: PredictedMix
    training_data: TrainingData
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MAX_SEEDS)]
    hardware: Line
    hours: Hours
    """Of training, all seeds together."""
    energy_kwh: Hours | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        uses = [self.predicts.datasets, *(mix.datasets for mix in self.training_data.mixes)]
        if any(len(set(items)) < len(items) for items in (self.seeds, self.predicts.splits, *uses)):
            raise ValueError("seeds, splits or datasets repeat")
        if Split.TEST not in self.predicts.splits or Split.TRAIN in self.predicts.splits:
            raise ValueError("predicts.splits has to name test, and cannot name train")
        return self


class Declared(Spec):
    """The part of a submission that its files are compared with, for one whose other keys are still wrong."""

    predicts: PredictedMix
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MAX_SEEDS)]


def declared(data: Mapping[str, Any]) -> Declared | None:
    """Returns which predictions a submission says it has, or nothing where that part is wrong."""
    part = {key: data[key] for key in ("predicts", "seeds") if key in data}
    return None if spec_problems(Declared, part) else Declared.model_validate(part)


def read_submission_data(path: Path) -> dict[str, Any]:
    """Returns the mapping in a `submission.yaml`, not yet checked against the model.

    Raises:
        SpecError: the file is too large, a link, or no YAML of the strict kind.
        UsageError: there is none.
    """
    if path.is_symlink():
        raise SpecError(str(path), found="a link", expected="a file", fix="copy the file itself")
    if path.is_file() and (size := path.stat().st_size) > MAX_SUBMISSION_BYTES:
        raise SpecError(str(path), found=f"{size:,} bytes", expected=f"at most {MAX_SUBMISSION_BYTES:,}")
    return read_yaml(path)


def read_submission(path: Path) -> SubmissionSpec:
    """Returns what a `submission.yaml` says; raises as `read_submission_data`, and `SpecError` naming wrong keys."""
    return validate_spec(SubmissionSpec, read_submission_data(path), where=str(path))


def submission_schema() -> dict[str, Any]:
    """Returns the JSON schema of `submission.yaml`, made from the model that checks it."""
    schema = SubmissionSpec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
