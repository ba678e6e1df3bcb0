"""Check: how much of each held-out split is known from train, within and across datasets, by three identities.

The same molecule (mol_id), the same skeleton (first block of the InChIKey: stereoisomers, isotopologues, protonation
states), the same Murcko scaffold. What the declared split rules out is an error; the rest is for the reader to weigh.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from molmix_bench.chem.scaffold import scaffold_group
from molmix_bench.mix import Mix
from molmix_bench.parallel import map_in_order
from molmix_bench.validate.findings import Finding, Severity
from molmix_bench.vocab import INCHIKEY, MOL_ID, SMILES, Split

CHECK = "leakage"
SKELETON, SCAFFOLD = "skeleton", "scaffold"
IDENTITIES = (MOL_ID, SKELETON, SCAFFOLD)
TRAIN_COLUMNS = ["train_dataset", "shared", "molecules"]
_CHUNK = 1_000


def check_leakage(mix: Mix, *, workers: int = 1) -> Iterator[Finding]:
    """Yields, per held-out split and identity, how many of its molecules the train splits know."""
    table = leakage_table(mix, workers=workers).filter(pl.col("shared") > 0)
    for (dataset, split, identity), rows in table.group_by("dataset", "split", "identity", maintain_order=True):
        shares = ", ".join(f"{name} {count / total:.1%}" for name, count, total in rows[TRAIN_COLUMNS].iter_rows())
        message = f"of {rows['molecules'][0]:,} molecules share their {identity} with train of {shares}"
        severity = _severity(mix, str(identity))
        yield Finding(CHECK, severity, f"{dataset}/{split}", message, int(rows["shared_any"][0]))


def leakage_table(mix: Mix, *, workers: int = 1) -> pl.DataFrame:
    """Returns how many molecules of each held-out split are in each dataset's train, by each identity.

    Columns: dataset, split, identity, train_dataset, molecules (of the split), shared (with that train),
    shared_any (with train of any dataset).
    """
    identities = _identities(mix, workers)
    members = {
        (name, split): mix.scan(name, split).select(MOL_ID).collect().join(identities, on=MOL_ID, how="left")
        for name, dataset in mix.datasets.items()
        for split in dataset.splits
    }
    trains = {name: frame for (name, split), frame in members.items() if split is Split.TRAIN}
    rows = []
    for (name, split), held_out in members.items():
        if split is Split.TRAIN:
            continue
        for identity in IDENTITIES:
            known = {other: held_out[identity].is_in(train[identity].implode()) for other, train in trains.items()}
            shared_any = pl.DataFrame(known).select(pl.any_horizontal(pl.all())).to_series().sum() if known else 0
            rows += [
                (name, str(split), identity, other, len(held_out), shared.sum(), shared_any)
                for other, shared in known.items()
            ]
    columns = ["dataset", "split", "identity", "train_dataset", "molecules", "shared", "shared_any"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def _severity(mix: Mix, identity: str) -> Severity:
    split = mix.manifest.spec.split
    if identity == MOL_ID:
        return Severity.WARNING if split.method == "paper" and not split.strict else Severity.ERROR
    if identity == SCAFFOLD and split.method == "scaffold":
        return Severity.ERROR
    return Severity.INFO


def _identities(mix: Mix, workers: int) -> pl.DataFrame:
    tables = [mix.scan(name, part) for name, item in mix.datasets.items() for part in item.splits]
    molecules = (
        pl.concat([table.select(MOL_ID, SMILES, INCHIKEY) for table in tables]).unique(MOL_ID).sort(MOL_ID).collect()
    )
    skeleton = pl.coalesce(pl.col(INCHIKEY).str.slice(0, 14), pl.col(MOL_ID))
    scaffolds = _scaffolds(molecules[SMILES].to_list(), molecules[MOL_ID].to_list(), workers)
    return molecules.select(MOL_ID, skeleton.alias(SKELETON), pl.Series(SCAFFOLD, scaffolds))


def _scaffolds(smiles: list[str], mol_ids: list[str], workers: int) -> list[str]:
    starts = range(0, len(smiles), _CHUNK)
    chunks = ((smiles[start : start + _CHUNK], mol_ids[start : start + _CHUNK]) for start in starts)
    return [group for groups in map_in_order(_scaffold_chunk, chunks, workers=workers) for group in groups]


def _scaffold_chunk(chunk: tuple[list[str], list[str]]) -> list[str]:
    return list(map(scaffold_group, *chunk))
