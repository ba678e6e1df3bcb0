"""What a mix is: the sources it merges and the rule that splits them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from molmix_bench.specs.base import Spec
from molmix_bench.specs.source import Name, SourceSpec, Url

VERSION_PATTERN = r"^\d+\.\d+\.\d+$"
Version = Annotated[str, StringConstraints(pattern=VERSION_PATTERN)]


class SeenSpec(Spec):
    """The paper's fourth split: rows of some sources whose molecule is anywhere in another source.

    They become `test_seen`; the rows of that other source with the same molecules all go to its train.
    """

    sources: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Whose rows are set aside."""
    within: Name
    """The source that holds their molecules."""


class SplitSpec(Spec):
    """The rule that puts rows into splits; `build/split.py` states each in full."""

    method: Literal["paper", "published", "hash", "scaffold"] = "paper"
    """`published` takes the rows from each source's own split file."""
    validation: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Fraction of the rows (`paper`) or molecules (`hash`, `scaffold`)."""
    test: Annotated[float, Field(ge=0, lt=1)] = 0.1
    seed: int = 42
    strict: bool = False
    """One molecule, one split, in all datasets of the mix."""
    test_seen: SeenSpec | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation + test must be below 1, or nothing is left to train on")
        if self.test_seen is not None and self.strict:
            raise ValueError("test_seen holds molecules that are in train elsewhere, which strict rules out")
        if self.test_seen is not None and self.method not in ("paper", "published"):
            raise ValueError("test_seen belongs to the methods paper and published")
        return self


class MixSpec(Spec):
    """Datasets merged on molecule identity and split together."""

    name: Name
    version: Version
    title: str
    description: str
    homepage: Url | None = None
    citation: str
    sources: Annotated[tuple[Name | SourceSpec, ...], Field(min_length=1)]
    """Names of the catalog's sources, or whole source specs; in a YAML file also paths of files with a source."""
    datasets: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """The datasets to build; all of the sources' where null."""
    sample: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Keep this fraction of the rows, by a hash of the raw SMILES; splits are those of the whole."""
    split: SplitSpec = SplitSpec()

    @model_validator(mode="after")
    def _knows_the_sources_of_test_seen(self) -> Self:
        rule = self.split.test_seen
        if rule is not None:
            known = [source if isinstance(source, str) else source.name for source in self.sources]
            if strange := [name for name in (*rule.sources, rule.within) if name not in known]:
                raise ValueError(f"split.test_seen names {', '.join(strange)}, of the sources {', '.join(known)}")
            if rule.within in rule.sources:
                raise ValueError(f"split.test_seen takes {rule.within} from within itself")
        return self
