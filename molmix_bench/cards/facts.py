"""Everything that a card says and the manifest does not: counted from the tables, once, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from molmix_bench.cards.sample import sample_rows
from molmix_bench.cards.space import Space, embed
from molmix_bench.chem.molecule import count_atoms
from molmix_bench.mix import Dataset, Mix
from molmix_bench.validate.leakage import leakage_table
from molmix_bench.vocab import MOL_ID, SMILES, Kind, Level, Split

SAMPLE_ROWS = 5_000
"""Rows of each dataset that stand for it where all of them would change no picture."""
QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)


@dataclass(frozen=True, slots=True)
class Facts:
    """Statistics of a mix.

    Attributes:
        density: per dataset and split, the share of cells that hold a label; a cell is a task of a molecule, or of an
            atom for labels of atoms.
        shared: (num_datasets, num_datasets), molecules that two datasets have in common; on the diagonal its own.
        leakage: as `validate.leakage.leakage_table`; no rows where nothing is held out.
        num_atoms: per dataset, the atoms of each molecule of the sample.
        quantiles: per regression dataset, (num_tasks, 5): quantiles of the sample's labels, standardised by the train
            split; NaN for a task without labels in the sample.
    """

    density: dict[str, dict[Split, float]]
    shared: npt.NDArray[np.int64]
    leakage: pl.DataFrame
    num_atoms: dict[str, npt.NDArray[np.int64]]
    quantiles: dict[str, npt.NDArray[np.float64]]
    space: Space


def gather(mix: Mix, *, workers: int = 1) -> Facts:
    """Returns the statistics of a mix; the time goes into scaffolds for the leakage table."""
    samples = {name: sample_rows(mix, name, size=SAMPLE_ROWS) for name in mix.datasets}
    smiles = {name: table[SMILES].to_pylist() for name, table in samples.items()}
    return Facts(
        density={
            name: {split: _density(mix, dataset, split) for split in dataset.splits}
            for name, dataset in mix.datasets.items()
        },
        shared=_shared(mix),
        leakage=leakage_table(mix, workers=workers),
        num_atoms={name: np.array([count_atoms(text) for text in texts]) for name, texts in smiles.items()},
        quantiles={
            name: _quantiles(mix, dataset, samples[name])
            for name, dataset in mix.datasets.items()
            if dataset.kind is Kind.REGRESSION
        },
        space=embed(smiles),
    )


def _density(mix: Mix, dataset: Dataset, split: Split) -> float:
    entry = mix.manifest.datasets[dataset.name].splits[split]
    units = entry.rows if dataset.level is Level.GRAPH else _count_nodes(mix, dataset, split)
    return entry.labels / (units * len(dataset.tasks)) if units else 0.0


def _count_nodes(mix: Mix, dataset: Dataset, split: Split) -> int:
    """Returns the atoms of a split's molecules: a list of labels is as long as its molecule, or empty."""
    lengths = pl.max_horizontal(pl.col(task).list.len() for task in dataset.tasks)
    return int(mix.scan(dataset.name, split).select(lengths.sum()).collect(engine="streaming").item())


def _shared(mix: Mix) -> npt.NDArray[np.int64]:
    """Returns how many molecules each two datasets have in common, by 64-bit hashes: 8 bytes a molecule in memory."""
    molecules = []
    for name, dataset in mix.datasets.items():
        hashes = [mix.scan(name, split).select(pl.col(MOL_ID).hash()) for split in dataset.splits]
        molecules.append(np.unique(pl.concat(hashes).collect(engine="streaming").to_series().to_numpy()))
    shared = np.zeros((len(molecules), len(molecules)), dtype=np.int64)
    for row, ours in enumerate(molecules):
        for column, theirs in enumerate(molecules[: row + 1]):
            common = len(ours) if row == column else len(np.intersect1d(ours, theirs, assume_unique=True))
            shared[row, column] = shared[column, row] = common
    return shared


def _quantiles(mix: Mix, dataset: Dataset, sample: pa.Table) -> npt.NDArray[np.float64]:
    layout = dataset.layout
    tasks = mix.tasks.filter(pl.col("dataset") == dataset.name)
    found = np.full((len(dataset.tasks), len(QUANTILES)), np.nan)
    values = layout.task_values(sample.select(layout.schema.names).combine_chunks())
    moments = tasks.select("train_mean", "train_std").iter_rows()
    for task, (labels, (mean, std)) in enumerate(zip(values, moments, strict=True)):
        if len(labels):
            found[task] = (np.quantile(labels.astype(np.float64), QUANTILES) - (mean or 0.0)) / (std or 1.0)
    return found
