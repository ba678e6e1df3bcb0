"""What a build is going to do: the resolved spec, the raw files, the sizes of its partitions, its working folder."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from molmix_bench import __version__
from molmix_bench.chem.molecule import toolchain
from molmix_bench.specs.base import content_digest
from molmix_bench.specs.mix import MixSpec
from molmix_bench.specs.source import DatasetSpec, SourceSpec


@dataclass(frozen=True, slots=True)
class RawInput:
    """A raw file at hand, or a chunk of a generated source."""

    source: int
    """Position in the mix's sources."""
    name: str
    path: Path | None
    """None for generated chunks."""
    chunk: int
    """Which chunk of a generated source; 0 for files."""
    sha256: str
    num_bytes: int
    matches_upstream: bool | None
    companions: Mapping[str, Path] = field(default_factory=dict)
    """Files that the reader looks things up in, by name."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of the work's pieces: they bound memory and never show in the output's bytes."""

    rows_per_chunk: int = 65_536
    """Raw rows read and routed at once."""
    num_smiles_buckets: int = 128
    """By which SMILES are sorted, and at most so many pieces of the standardisation: many, so that workers finish
    together and little is lost in a crash."""
    rows_per_partition: int = 250_000
    """Raw rows merged at once, on average."""
    labels_per_partition: int = 32_000_000
    """Labels merged at once, on average: what bounds memory where rows hold many."""
    rows_per_standardize: int = 1_024
    """Raw rows standardised at once, at least, on average: some half a second, beside which files cost nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A build, fully determined: equal keys give equal bytes."""

    spec: MixSpec
    """With every source in full."""
    inputs: tuple[RawInput, ...]
    """Files and chunks with rows."""
    work: Path
    layout: Layout = Layout()
    companions: tuple[RawInput, ...] = ()
    """Files that are looked things up in: companions of readers, and split files."""
    split_files: tuple[Path | None, ...] = ()
    """Per source, its published split file where the mix asks for it."""
    notes: tuple[str, ...] = ()
    """What the manifest must tell of the plan."""

    @property
    def sources(self) -> tuple[SourceSpec, ...]:
        """The mix's sources in order."""
        return tuple(source for source in self.spec.sources if isinstance(source, SourceSpec))

    @property
    def datasets(self) -> dict[str, tuple[int, DatasetSpec]]:
        """Every dataset of the mix in order: its source's position and its spec."""
        return {
            name: (position, dataset)
            for position, source in enumerate(self.sources)
            for name, dataset in source.datasets.items()
        }

    @property
    def needs_scaffolds(self) -> bool:
        """Whether rows are split by their scaffold."""
        return self.spec.split.method == "scaffold"

    @property
    def key(self) -> str:
        """Digest of everything the output's bytes depend on."""
        return content_digest(
            {
                "spec": self.spec.model_dump(mode="json"),
                "inputs": [
                    [item.source, item.name, item.chunk, item.sha256] for item in (*self.inputs, *self.companions)
                ],
                "toolchain": versions(),
            }
        )

    def describe(self) -> dict[str, Any]:
        """Returns what the working folder records, so that a resumed build is known to be the same."""
        return {"key": self.key, "layout": [getattr(self.layout, name) for name in Layout.__slots__]}


def versions() -> dict[str, str]:
    """Returns the versions of what shapes the output's bytes."""
    return {
        "molmix_bench": __version__,
        **toolchain(),
        "numpy": np.__version__,
        "polars": pl.__version__,
        "pyarrow": pa.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }
