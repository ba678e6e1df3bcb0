"""The cell that reads the labels of one dataset from every layer of a network by linear probes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from molmix_bench.errors import RunError
from molmix_bench.graphs.batch_labels import DenseLabels, SparseLabels
from molmix_bench.graphs.cached import open_store
from molmix_bench.graphs.store import GraphStore
from molmix_bench.metrics.cells import FloatArray, IntArray
from molmix_bench.metrics.evaluate import evaluate_reference
from molmix_bench.metrics.protocol import RELIABLE_PER_CLASS, RELIABLE_VALUES, REPLICATES, is_reliable
from molmix_bench.metrics.reference import label_stats
from molmix_bench.models.network import Network
from molmix_bench.specs.run import RunSpec
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.cells import Factors, Measured, Score, cell_key, label_of, macro_scores
from molmix_bench.studies.train_cell import TrainCell
from molmix_bench.training.selection import selection_value
from molmix_bench.training.subset import hash_keys
from molmix_bench.training.validation import macro_values
from molmix_bench.transfer.layers import embed_layers, probe_predictions, untrained
from molmix_bench.transfer.probe import Probe, fit_probe
from molmix_bench.transfer.scoring import make_reference
from molmix_bench.transfer.start import make_target
from molmix_bench.vocab import MOL_ID, Split

_SPLITS = (Split.TRAIN, Split.VALIDATION, Split.TEST)


@dataclass(frozen=True)
class ProbeCell:
    """The labels of one dataset, from one network.

    Attributes:
        body: the cell that trained it; or the spec of a network that nobody trained.
        mix: as the spec names it, and which build that is.
        dataset: whose labels are predicted.
        size: molecules to fit on, and to test on, at most; and tasks.
    """

    body: TrainCell | RunSpec
    mix: tuple[str, str]
    dataset: str
    size: tuple[int, int]
    seed: int
    factors: Factors = field(hash=False)

    @cached_property
    def key(self) -> str:
        """As `Cell`."""
        body = self.body.key if isinstance(self.body, TrainCell) else [self.body.model_dump(mode="json"), self.seed]
        content = {"body": body, "build": self.mix[1], "dataset": self.dataset, "size": list(self.size)}
        return cell_key("probe", content)

    @property
    def label(self) -> str:
        """As `Cell`."""
        return label_of(f"probe {self.dataset}", self.factors, self.seed)

    @property
    def needs(self) -> tuple[str, ...]:
        """As `Cell`."""
        return (self.body.key,) if isinstance(self.body, TrainCell) else ()

    @property
    def work(self) -> float:
        """As `Cell`."""
        return 10.0 * self.size[0]

    def measure(self, folder: Path, bench: Bench) -> Measured:  # noqa: ARG002  # as `Cell`
        """Fits and scores a probe for each layer."""
        network, spec = open_body(self.body, self.seed, bench)
        store = open_store(bench.mix(self.mix[0]), spec.features)
        sample = _Sample.of(store, self.dataset, self.size)
        layers = embed_layers(network, store, sample.molecules)
        scores: list[Score] = []
        for number, embeddings in enumerate(layers):
            scores += sample.score(embeddings, layer=number, seed=self.seed)
        return Measured(tuple(scores), {"num_tasks": len(sample.tasks), "num_tested": len(sample.parts[2])})


def open_body(body: TrainCell | RunSpec, seed: int, bench: Bench) -> tuple[Network, RunSpec]:
    """Returns a network, in evaluation mode, and the spec that it is of."""
    if isinstance(body, RunSpec):
        return untrained(body, seed), body
    done = bench.run(body.key)
    return done.network(seed), done.spec


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Molecules of one dataset with their labels in some tasks.

    Shapes:
        molecules: (n,), rows of the store.
        labels: (n, num_tasks); NaN is missing.
    """

    store: GraphStore
    dataset: str
    tasks: tuple[str, ...]
    molecules: IntArray
    labels: FloatArray
    parts: tuple[IntArray, IntArray, IntArray]
    """Places of those to fit on, to choose the penalty by, and to test on."""

    @classmethod
    def of(cls, store: GraphStore, dataset: str, size: tuple[int, int]) -> _Sample:
        """Returns the molecules of the lowest hashes, and the reliable tasks that have the most labels to fit on.

        An average precision of two or three positives would say nothing of a network.

        Raises:
            RunError: the dataset has nothing in a split, or no reliable task among the molecules to test on.
        """
        molecules, labels, parts, begin = [], [], [], 0
        for split in _SPLITS:
            there, found = _labelled(store, dataset, split, most=size[0])
            molecules.append(there)
            labels.append(found)
            parts.append(np.arange(begin, begin + len(there)))
            begin += len(there)
        kind = store.datasets[dataset].kind
        stats = [label_stats(kind, tested[~np.isnan(tested)]) for tested in labels[2].T]
        reliable = np.flatnonzero([item.num_labels > 0 and is_reliable(kind, item) for item in stats])
        if not len(reliable):
            raise RunError(
                f"dataset {dataset}",
                found=f"no reliable task among {len(labels[2]):,} test molecules",
                expected=f"{RELIABLE_PER_CLASS} labels of each class of a task, or {RELIABLE_VALUES} values",
                fix="raise probe_molecules",
            )
        counts = (~np.isnan(labels[0][:, reliable])).sum(axis=0)
        chosen = np.sort(reliable[np.argsort(-counts, kind="stable")[: size[1]]])
        tasks = tuple(store.datasets[dataset].tasks[task] for task in chosen.tolist())
        every = np.concatenate(labels)[:, chosen]
        return cls(store, dataset, tasks, np.concatenate(molecules), every, (parts[0], parts[1], parts[2]))

    def score(self, embeddings: FloatArray, *, layer: int, seed: int) -> tuple[Score, ...]:
        """Returns the scores of a probe of embeddings, (n, width), on the molecules to test on."""
        train, validation, test = self.parts
        facts, known = self.store.datasets[self.dataset], self.labels[self.parts[0]]
        target = make_target(self.dataset, self.tasks, facts.kind, known, facts.num_classes)
        ids = pl.Series(MOL_ID, self.store.mol_ids[self.molecules].astype(str))
        chooser = make_reference(
            target, ids.gather(validation), self.labels[validation], train=known, split=Split.VALIDATION
        )
        tested = make_reference(
            target, ids.gather(test), self.labels[test], train=known, resampled=("probe", REPLICATES)
        )

        def _select(probe: Probe) -> float | None:
            found = probe_predictions(probe, embeddings[validation], target)
            scores = evaluate_reference(chooser, mol_id=chooser.mol_id, prediction=found, seed=seed, where="probe")
            return selection_value(macro_values(scores), {self.dataset: facts.kind})

        probe = fit_probe(embeddings, self.labels, train, target=target, select=_select)
        found = probe_predictions(probe, embeddings[test], target)
        scores = evaluate_reference(tested, mol_id=tested.mol_id, prediction=found, seed=seed, where="probe")
        return macro_scores(scores, layer=layer)


def _labelled(store: GraphStore, dataset: str, split: Split, *, most: int) -> tuple[IntArray, FloatArray]:
    """Returns some labelled molecules of a split, rows of the store, and all of their labels, (n, num_tasks)."""
    source = store.source(split, [dataset]) if split in store.splits else None
    places = np.empty(0, np.int64) if source is None else source.labelled()
    if source is None or not len(places):
        raise RunError(f"dataset {dataset}", found=f"no molecule in {split}", expected="some in each split to probe on")
    keys = hash_keys(store.mol_ids[source.molecules[places]].tolist(), 0)
    chosen = np.sort(places[np.argsort(keys, kind="stable")[:most]])
    found = source.labels[dataset].gather(chosen, np.zeros(len(chosen) + 1, np.int64))
    labels = np.full((len(chosen), len(store.datasets[dataset].tasks)), np.nan)
    if isinstance(found, DenseLabels):
        labels[found.rows.numpy()] = found.values.numpy()
    elif isinstance(found, SparseLabels):
        labels[found.rows.numpy()[found.owners.numpy()], found.tasks.numpy()] = found.values.numpy()
    else:
        raise RunError(f"dataset {dataset}", found="labels of atoms", expected="labels of molecules to probe")
    return source.molecules[chosen], labels
