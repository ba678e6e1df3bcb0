"""SMILES found by identifier in a companion table."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from molmix_bench.sources.frames import read_frames
from molmix_bench.specs.readers import LookupSpec

_ROWS = 1 << 20
"""Rows read at once; identifiers and SMILES of the whole table are held."""


class Lookup:
    """The SMILES of a companion table, by identifier."""

    def __init__(self, spec: LookupSpec, path: Path) -> None:
        frames = list(read_frames(path, [spec.key, spec.smiles], _ROWS))
        table = pl.concat(frames).select(key=spec.key, found=pl.col(spec.smiles).str.strip_chars())
        self._file = path.name
        # An identifier that is there twice is taken at its first place.
        self._table = table.unique("key", keep="first")
        self._missing = list(spec.missing)

    def __call__(self, keys: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Returns the SMILES of each identifier, and why there is none."""
        joined = keys.to_frame("key").join(self._table, on="key", how="left", maintain_order="left")
        known = joined["found"].is_not_null() & ~joined["found"].is_in(self._missing)
        why = pl.format(
            "{} has no SMILES in {}", pl.col("key").fill_null("a row without identifier"), pl.lit(self._file)
        )
        result = joined.select(
            found=pl.when(known).then("found").otherwise(None), problem=pl.when(known).then(None).otherwise(why)
        )
        return result["found"], result["problem"]
