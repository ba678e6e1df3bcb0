"""Names of the files that the steps of a build hand to each other, in the working folder."""

from __future__ import annotations

from pathlib import Path

from molmix_bench.build.plan import Plan
from molmix_bench.vocab import Split


def part_name(input_index: int, chunk: int) -> str:
    """Returns the name of one chunk of one raw input.

    >>> part_name(2, 31)
    '00002-00031'
    """
    return f"{input_index:05d}-{chunk:05d}"


def rows_file(plan: Plan, part: str) -> Path:
    """Returns the file with a part's SMILES, bucketed by SMILES."""
    return plan.work / "ingest" / f"{part}.rows.arrow"


def numbers_file(plan: Plan, part: str) -> Path:
    """Returns the file with the raw row number of each of a part's rows."""
    return plan.work / "ingest" / f"{part}.numbers.arrow"


def labels_file(plan: Plan, part: str, dataset: str) -> Path:
    """Returns the file with a part's labels of one dataset, in the order of rows."""
    return plan.work / "ingest" / f"{part}.{dataset}.arrow"


def molecules_file(plan: Plan, first_bucket: int) -> Path:
    """Returns the file with the standard molecules of the rows of some buckets, the first of them named, by part."""
    return plan.work / "standardize" / f"{first_bucket:05d}.arrow"


def routed_file(plan: Plan, part: str, dataset: str) -> Path:
    """Returns the file with a part's rows of one dataset, bucketed by partition of molecules."""
    return plan.work / "route" / f"{part}.{dataset}.arrow"


def set_aside_file(plan: Plan, partition: int, source: int) -> Path:
    """Returns the file with the rows of a source, in one partition, that the `test_seen` rule sets aside."""
    return plan.work / "aside" / f"{partition:05d}.{source:05d}.npy"


def row_split_file(plan: Plan, source: int) -> Path:
    """Returns the file with the split of each raw row of a source."""
    return plan.work / "split" / f"{source:05d}.npy"


def merged_file(plan: Plan, partition: int, config: str, split: Split) -> Path:
    """Returns the file with a partition's merged rows of one dataset, or of the mix table, sorted by mol_id."""
    return plan.work / "merge" / f"{partition:05d}.{config}.{split}.arrow"


def findings_file(plan: Plan, step: str, item: str, kind: str) -> Path:
    """Returns the file with the drops or conflicts that one piece of a step found."""
    return plan.work / kind / f"{step}.{item}.arrow"


def staged_file(plan: Plan, relative: str) -> Path:
    """Returns where a file of the mix waits until the build is complete."""
    return plan.work / "mix" / relative
