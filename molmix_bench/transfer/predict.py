"""`predict`: what an ensemble of networks says of new molecules, how far they agree, and how near training was."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from molmix_bench.atomic import written_whole
from molmix_bench.errors import UsageError
from molmix_bench.metrics.cells import BoolArray, FloatArray
from molmix_bench.mix import Mix
from molmix_bench.models.network import Network
from molmix_bench.specs.result import Target
from molmix_bench.training.trained import open_run
from molmix_bench.transfer.chunk import Chunk, Demand
from molmix_bench.transfer.ensemble import Ensemble, Member, predict_batch
from molmix_bench.transfer.outcome import is_finetuned
from molmix_bench.transfer.rows import (
    HEAD,
    TAIL,
    RowCounts,
    batches_of,
    fingerprints_of,
    head_columns,
    spread_out,
    tail_columns,
)
from molmix_bench.transfer.seen import NO_MIX, mix_of
from molmix_bench.transfer.stream import Reading, TableWriter, check_form, open_table, stream

NEAREST, FAR = "nearest", "far"
_RESERVED = frozenset({*(field.name for field in (*HEAD, *TAIL)), NEAREST, FAR})


@dataclass(frozen=True, slots=True)
class Distances:
    """How far from training a molecule may be.

    Attributes:
        mix: that a run was trained on; a fine-tuning knows its molecules by itself.
        far: the Tanimoto similarity to the nearest molecule of training below which one is far; None for that which 95
            of 100 molecules of training exceed, each compared with the rest.
    """

    mix: Mix | None = None
    far: float | None = None


def distances_of(
    path: str | Path, *, mix: str | Path | Mix | None = None, far: float | None = None
) -> Distances | None:
    """Returns what distances from the training of a run or fine-tuning are measured by; None where nobody asks.

    Args:
        path: its directory.
        mix: of a run, as `seen.mix_of` takes it.
        far: as in `Distances`.

    Raises:
        UsageError: the mix of a run is not at hand, or `far` is no similarity.
        RunError: it is another build than the run's.
    """
    if far is not None and not 0 <= far <= 1:
        raise UsageError("--far", found=f"{far:g}", expected="a similarity from 0 to 1")
    if mix == NO_MIX:
        return None
    if is_finetuned(Path(path)):
        return Distances(None, far)
    return Distances(mix_of(open_run(path), mix), far)


@dataclass(frozen=True, slots=True)
class Predicted:
    """What `predict_table` has written."""

    path: Path
    columns: tuple[str, ...]
    """With predictions; each has one of its spread, too."""
    networks: tuple[str, ...]
    rows: int
    predicted: int
    problems: dict[str, int]
    """Rows without a prediction, by reason."""
    threshold: float | None
    """Of `far`; None where nobody asked."""
    num_far: int | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is predicted by whom, and where it is written.

    Attributes:
        columns: by dataset, a name for each output.
    """

    members: tuple[Member, ...]
    networks: tuple[Network, ...]
    columns: dict[str, list[str]]
    device: torch.device | str
    threshold: float | None

    def schema(self) -> pa.Schema:
        fields = [
            pa.field(f"{name}{ending}", pa.float64())
            for names in self.columns.values()
            for name in names
            for ending in ("", "_spread")
        ]
        distance = [] if self.threshold is None else [pa.field(NEAREST, pa.float32()), pa.field(FAR, pa.bool_())]
        return pa.schema([*HEAD, *fields, *distance, *TAIL])


def predict_table(
    ensemble: Ensemble,
    path: Path,
    out: Path,
    *,
    distances: Distances | None = None,
    reading: Reading | None = None,
) -> Predicted:
    """Writes predictions for each molecule of a file, in the order of its rows, in memory that does not grow with them.

    A column has the mean over networks, in the task's unit or as a probability of 1 or of a class; `<column>_spread`
    their standard deviation (ddof=1), null where there is one network. What is no molecule has a row with the reason.

    Args:
        ensemble: the networks.
        path: CSV, TSV or parquet.
        out: the parquet or CSV file to write.
        distances: how far from training molecules may be; None where nobody asks.
        reading: columns, processes and device.

    Raises:
        UsageError: there is no such file or column, or nothing that is predicted of molecules.
        SourceError: the file is damaged.
    """
    check_form(out)
    reading = reading or Reading()
    if not ensemble.targets:
        found = "networks that predict labels of atoms alone"
        raise UsageError(str(ensemble.path), found=found, expected="labels of molecules", fix="predict a mix: --mix")
    table = open_table(path, reading.smiles)
    columns = name_columns(ensemble.targets)
    with tempfile.TemporaryDirectory() as folder:
        demand, threshold = Demand(ensemble.spec.features, ensemble.fingerprint), None
        if distances is not None:
            demand, threshold = _with_distances(ensemble, demand, distances, Path(folder))
        networks = tuple(member.open().to(reading.device) for member in ensemble.members)
        plan = _Plan(ensemble.members, networks, columns, reading.device, threshold)
        counts: RowCounts = RowCounts()
        num_far = 0
        with written_whole(out) as part, TableWriter(part, out, plan.schema()) as writer:
            for chunk in stream(table, demand, workers=reading.workers):
                rows, far = _rows(plan, chunk, counts)
                num_far += far
                writer.write(rows)
    return Predicted(
        path=out,
        columns=tuple(name for names in columns.values() for name in names),
        networks=tuple(member.name for member in ensemble.members),
        rows=counts.rows,
        predicted=counts.good,
        problems=dict(sorted(counts.problems.items())),
        threshold=threshold,
        num_far=None if threshold is None else num_far,
    )


def name_columns(targets: Sequence[Target]) -> dict[str, list[str]]:
    """Returns a name for each output, by dataset: its task's, after the dataset's where there are several.

    A task of several classes has a column for each, `<task>_<class>`.
    """
    repeated = Counter(task for target in targets for task in target.tasks)
    found = {}
    for target in targets:
        names = []
        for task in target.tasks:
            plain = len(targets) == 1 and task not in _RESERVED and repeated[task] == 1
            name = task if plain else f"{target.dataset}.{task}"
            names += [name] if target.num_classes is None else [f"{name}_{k}" for k in range(target.num_classes)]
        found[target.dataset] = names
    return found


def predict_chunk(plan: _Plan, chunk: Chunk) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Returns means over networks and their spread by dataset, (n, num_outputs) each; spread is NaN of one network."""
    table = fingerprints_of(chunk)
    made: dict[str, list[NDArray[np.floating]]] = {name: [] for name in plan.columns}
    for batch in batches_of(chunk):
        sent = batch.to(plan.device)
        found = [
            predict_batch(network, member, sent, table=table)
            for network, member in zip(plan.networks, plan.members, strict=True)
        ]
        for name, parts in made.items():
            parts.append(np.stack([item[name] for item in found]).astype(np.float64))
    means, spreads = {}, {}
    for name, parts in made.items():
        empty = np.empty((len(plan.networks), 0, len(plan.columns[name])))
        values = np.concatenate([empty, *parts], axis=1)
        means[name] = values.mean(axis=0)
        several = len(plan.networks) > 1
        spreads[name] = values.std(axis=0, ddof=1) if several else np.full(values.shape[1:], np.nan)
    return means, spreads


def _rows(plan: _Plan, chunk: Chunk, counts: RowCounts) -> tuple[pa.Table, int]:
    """Returns the rows of a chunk, and how many of them are far from training."""
    means, spreads = predict_chunk(plan, chunk)
    finite: BoolArray = np.ones(len(chunk.places), bool)
    for values in means.values():
        finite &= np.isfinite(values).all(axis=1)
    arrays = head_columns(chunk)
    for name, names in plan.columns.items():
        for place in range(len(names)):
            arrays.append(spread_out(means[name][:, place], chunk, finite))
            spread = spreads[name][:, place]
            arrays.append(spread_out(spread, chunk, finite & np.isfinite(spread)))
    num_far = 0
    if plan.threshold is not None and chunk.nearest is not None:
        every = np.ones(len(chunk.places), bool)
        far = chunk.nearest < plan.threshold
        arrays += [spread_out(chunk.nearest, chunk, every), spread_out(far, chunk, every)]
        num_far = int(far.sum())
    arrays += tail_columns(chunk, finite, counts)
    return pa.table(arrays, schema=plan.schema()), num_far


def _with_distances(ensemble: Ensemble, demand: Demand, distances: Distances, folder: Path) -> tuple[Demand, float]:
    """Returns what to ask of molecules with their distance from training, and the similarity below which it is far."""
    known = ensemble.trained_on(distances.mix)
    path = folder / "trained_on.npy"
    known.write(path)
    threshold = known.usual() if distances.far is None else distances.far
    return Demand(demand.features, demand.fingerprint, path), threshold
