"""Predictions of a network, in the form in which they are written and scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from molmix_bench.errors import RunError
from molmix_bench.graphs.batch import Batch
from molmix_bench.graphs.label_tables import ABSENT
from molmix_bench.graphs.store import GraphStore
from molmix_bench.metrics.predictions import prediction_path, write_predictions
from molmix_bench.models.network import Network
from molmix_bench.specs.result import Target
from molmix_bench.training.memory import enough_memory
from molmix_bench.training.objective import Objective
from molmix_bench.vocab import MOL_ID, DType, Level, Split

EVAL_BATCH_SIZE = 1_024
"""Molecules; without gradients it decides only speed and memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """One dataset's predictions for one split.

    Shapes:
        mol_id: (n,)
        values: (n, num_outputs) float32 or float64, tasks in the mix's order: in each task's unit, as probabilities of
            1, or as a probability for each class of a task; for labels of atoms (num_nodes.sum(), num_outputs).
        num_nodes: (n,) int64, atoms of each molecule; None where labels are of molecules.
    """

    mol_id: pl.Series
    values: NDArray[np.floating]
    num_nodes: NDArray[np.int64] | None = None
    num_classes: int | None = None
    """Multiclass only."""


def predict_split(
    network: Network, objectives: Mapping[str, Objective], *, store: GraphStore, split: Split, device: torch.device
) -> dict[str, Predictions]:
    """Returns predictions for the molecules that each dataset has in a split, by dataset that has any.

    The labels are not looked at. The network is left in evaluation mode. The predictions of the split are held in
    memory, once: those for 62,000 molecules and 1,328 tasks are 330 MB.

    Raises:
        RunError: a prediction is not finite.
    """
    batches = store.loader(split, batch_size=EVAL_BATCH_SIZE, datasets=objectives)
    tables = {name: allocate(store, split, objective.target) for name, objective in objectives.items()}
    filled = dict.fromkeys(tables, 0)
    for made in predict(network, batches, objectives, device=device):
        for name, values in made.items():
            end = filled[name] + len(values)
            tables[name].values[filled[name] : end] = values
            filled[name] = end
    found = {name: table for name, table in tables.items() if len(table.mol_id)}
    for name, table in found.items():
        if not (finite := np.isfinite(table.values)).all():
            raise RunError(
                f"predictions of {name}/{split}",
                found=f"{int((~finite).sum()):,} values that are not finite",
                fix="a lower learning rate or training.optimizer.clip_norm may help",
            )
    return found


def allocate(store: GraphStore, split: Split, target: Target) -> Predictions:
    """Returns room for the predictions of one dataset, molecules in the order of the store, as its loader has them."""
    labelled = store.labels(target.dataset, split).row != ABSENT
    molecules = store.molecules(split)[labelled]
    atom_ptr = store.graphs.atom_ptr
    num_nodes = atom_ptr[molecules + 1] - atom_ptr[molecules] if target.level is Level.NODE else None
    num_rows = len(molecules) if num_nodes is None else int(num_nodes.sum())
    dtype = np.float64 if target.dtype is DType.FLOAT64 else np.float32
    mol_id = pl.Series(MOL_ID, store.mol_ids[molecules].astype(str))
    return Predictions(mol_id, np.empty((num_rows, target.num_outputs), dtype), num_nodes, target.num_classes)


def predict(
    network: Network, batches: Iterable[Batch], objectives: Mapping[str, Objective], *, device: torch.device
) -> Iterator[dict[str, NDArray[np.floating]]]:
    """Yields the predictions for each batch, by dataset that it has labels of.

    Rows are molecules as in the labels' `rows`, or, for labels of atoms, all atoms of these molecules.

    Raises:
        RunError: memory does not suffice.
    """
    network.eval()
    for batch in batches:
        with torch.inference_mode(), enough_memory("predicting", batch, fix="make the network smaller"):
            outputs = network(batch.to(device), every_atom=True)
            made = {name: objectives[name].predictions(output).cpu().numpy() for name, output in outputs.items()}
        yield made


def write_split(folder: Path, predictions: Mapping[str, Predictions], *, split: Split, seed: int) -> tuple[Path, ...]:
    """Writes the predictions of one network for one split and returns the files."""
    paths = []
    for name, found in predictions.items():
        paths.append(prediction_path(folder, name, split=split, seed=seed))
        write_predictions(
            paths[-1], found.mol_id, found.values, num_nodes=found.num_nodes, num_classes=found.num_classes
        )
    return tuple(paths)
