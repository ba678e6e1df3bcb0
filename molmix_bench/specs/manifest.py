"""`manifest.json`: what a built mix is made of, how, and the digests that prove it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from molmix_bench.specs.base import Spec
from molmix_bench.specs.mix import MixSpec
from molmix_bench.specs.readers import FileName
from molmix_bench.specs.source import Name, Sha256
from molmix_bench.vocab import DropReason, Split

RelativePath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$")
]
"""A path inside the mix: no leading slash, no `..`, no hidden file."""
Count = Annotated[int, Field(ge=0)]
FORMAT: Literal["molmix-1"] = "molmix-1"


class Accounting(Spec):
    """Where everything that was read has gone: `read == kept + merged + dropped`, always."""

    read: Count
    kept: Count
    merged: Count
    """Taken into another row of the same molecule in the same split."""
    dropped: dict[DropReason, Count] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        dropped = sum(self.dropped.values())
        if self.read != self.kept + self.merged + dropped:
            raise ValueError(f"read {self.read} is not kept {self.kept} + merged {self.merged} + dropped {dropped}")
        return self


class RawFile(Spec):
    """A file the build read, as found."""

    source: Name
    name: FileName
    sha256: Sha256
    num_bytes: Count
    rows: Count | None
    """Null for files without rows of their own."""
    matches_upstream: bool | None
    """Whether the checksum is the catalog's; null where the catalog knows none."""


class BuiltFile(Spec):
    """A file of the mix."""

    path: RelativePath
    sha256: Sha256
    num_bytes: Count
    rows: Count | None
    """Null for files that are no tables."""


class SplitEntry(Spec):
    """One split of a dataset, or of the mix table."""

    rows: Count
    labels: Count
    digest: str
    """Order-independent: the sum modulo 2**128 of the rows' hashes, as 32 hex digits."""


class DatasetEntry(Spec):
    """One dataset of a mix."""

    source: Name
    molecules: Count
    """Distinct molecules over all splits."""
    rows: Accounting
    labels: Accounting
    conflicts: Count
    """Cells in which duplicates disagreed; each is a row of `conflicts.parquet`."""
    splits: dict[Split, SplitEntry]


class Manifest(Spec):
    """A whole mix; `spec` holds every source in full, so that it alone says how to build it again."""

    format: Literal["molmix-1"]
    name: Name
    version: str
    build_key: Sha256
    """Digest of the spec, the raw files' checksums and the toolchain: equal keys, equal bytes."""
    toolchain: dict[str, str]
    spec: MixSpec
    raw: tuple[RawFile, ...]
    datasets: dict[Name, DatasetEntry]
    mix: dict[Split, SplitEntry]
    molecules: Count
    files: tuple[BuiltFile, ...]
    notes: tuple[str, ...] = ()
    """What a reader must know of this build, such as raw files that differ from upstream's."""
