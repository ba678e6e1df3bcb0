"""Known issues of a built mix: what its reader must weigh, found in the manifest and the statistics."""

from __future__ import annotations

import polars as pl

from molmix_bench.cards.document import Block, Bullets, Heading, Text
from molmix_bench.cards.facts import Facts
from molmix_bench.mix import Mix
from molmix_bench.vocab import MOL_ID, SPLITS, Level, Split

_NAMED = 5
"""Tasks that are named; of more, the number is told."""


def known_issues(mix: Mix, facts: Facts) -> list[Block]:
    """Returns the section of known issues."""
    items: list[Text] = [
        *mix.manifest.notes,
        *_raw_files(mix),
        *_unscorable(mix),
        *_absent(mix),
        *_shared_splits(mix, facts),
    ]
    version = mix.manifest.toolchain.get("rdkit", "unknown")
    items.append(
        f"Identities and SMILES are those of RDKit {version}; another version writes a few of them differently, so "
        "join on the mol_id of this table, not on one computed anew."
    )
    if any(item.level is Level.NODE for item in mix.datasets.values()):
        items.append(
            "Labels of atoms follow the atoms of smiles as stored; another SMILES of the same molecule has them in "
            "another order."
        )
    return [Heading(2, "Known issues"), Bullets(items)]


def _raw_files(mix: Mix) -> list[Text]:
    raw = mix.manifest.raw
    other = [file.name for file in raw if file.matches_upstream is False]
    unknown = [file.name for file in raw if file.matches_upstream is None]
    items: list[Text] = []
    if other:
        items.append(f"Raw files that are not upstream's, byte for byte: {', '.join(other)}.")
    if unknown:
        items.append(f"Raw files of which upstream's checksum is not known: {', '.join(unknown)}.")
    return items


def _unscorable(mix: Mix) -> list[Text]:
    """Returns, per dataset and split, the tasks that no score can be computed for."""
    items: list[Text] = []
    for name, dataset in mix.datasets.items():
        tasks = mix.tasks.filter(pl.col("dataset") == name)
        for split in dataset.splits:
            out = tasks.filter(~pl.col(f"{split}_scorable"))["task"].to_list()
            if out:
                which = f": {', '.join(out)}" if len(out) <= _NAMED else ""
                items.append(
                    f"{name}, {split}: {len(out):,} of {len(tasks):,} tasks cannot be scored, having too few labels or "
                    f"only one class{which}."
                )
    return items


def _absent(mix: Mix) -> list[Text]:
    """Returns the datasets that lack a split which the mix has; `test_seen` is of some datasets by its rule."""
    items: list[Text] = []
    for name, dataset in mix.datasets.items():
        if absent := [
            str(split) for split in SPLITS if split in mix.splits and split not in (*dataset.splits, Split.TEST_SEEN)
        ]:
            items.append(f"{name} has no labels in {', '.join(absent)}, and no such split.")
    return items


def _shared_splits(mix: Mix, facts: Facts) -> list[Text]:
    same = (pl.col("dataset") == pl.col("train_dataset")) & (pl.col("identity") == MOL_ID) & (pl.col("shared") > 0)
    found = facts.leakage.filter(same) if len(facts.leakage) else facts.leakage
    return [
        f"{row['dataset']}: {row['shared']:,} of {row['molecules']:,} molecules of {row['split']} are in its own train "
        f"split too, as the split rule {mix.manifest.spec.split.method} allows."
        for row in found.iter_rows(named=True)
    ]
