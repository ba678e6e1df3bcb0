"""Check: identities are consistent, and molecules are in as many splits as the declared split allows."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from molmix_bench.mix import Mix
from molmix_bench.validate.findings import NUM_EXAMPLES, Finding, Severity
from molmix_bench.vocab import MIX_CONFIG, MOL_ID, SMILES

CHECK = "molecules"


def check_molecules(mix: Mix) -> Iterator[Finding]:
    """Yields molecules with several SMILES, SMILES with several molecules, and molecules in several splits."""
    every = pl.concat(
        [mix.scan(MIX_CONFIG, split).select(MOL_ID, SMILES, split=pl.lit(str(split))) for split in mix.splits]
    )
    tables = [
        mix.scan(name, split).select(MOL_ID, SMILES) for name, item in mix.datasets.items() for split in item.splits
    ]
    pairs = pl.concat(tables).unique()
    yield from _several(pairs, MOL_ID, SMILES, Severity.ERROR, "molecules have several SMILES; each may have one")
    yield from _several(
        pairs, SMILES, MOL_ID, Severity.WARNING, "SMILES stand for several molecules (their raw forms differed)"
    )
    # The paper's rule splits rows, so a molecule with several rows, or in several datasets, may be in two splits.
    split = mix.manifest.spec.split
    allowed = split.method == "paper" and not split.strict
    severity = Severity.WARNING if allowed else Severity.ERROR
    yield from _several(
        every, MOL_ID, "split", severity, f"molecules of the mix are in several splits ({split.method})"
    )
    for name, dataset in mix.datasets.items():
        rows = pl.concat([mix.scan(name, part).select(MOL_ID, split=pl.lit(str(part))) for part in dataset.splits])
        yield from _several(rows, MOL_ID, "split", severity, "molecules are in several splits", where=name)


def _several(
    frame: pl.LazyFrame, key: str, value: str, severity: Severity, message: str, *, where: str = MIX_CONFIG
) -> Iterator[Finding]:
    """Yields a finding where some keys go with more than one value."""
    found = (
        frame.group_by(key)
        .agg(pl.col(value).unique().sort())
        .filter(pl.col(value).list.len() > 1)
        .sort(key)
        .collect(engine="streaming")
    )
    if len(found):
        examples = tuple(f"{one}: {', '.join(several)}" for one, several in found.head(NUM_EXAMPLES).iter_rows())
        yield Finding(CHECK, severity, where, message, len(found), examples)
