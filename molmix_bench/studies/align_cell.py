"""The cell that compares two networks layer by layer, on the same molecules."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from molmix_bench.graphs.cached import open_store
from molmix_bench.graphs.store import GraphStore
from molmix_bench.metrics.cells import IntArray
from molmix_bench.specs.run import RunSpec
from molmix_bench.studies.alignment import cka, cka_replicates
from molmix_bench.studies.bench import Bench
from molmix_bench.studies.cells import Factors, Measured, Score, cell_key, label_of
from molmix_bench.studies.probe_cell import open_body
from molmix_bench.studies.train_cell import TrainCell
from molmix_bench.training.subset import hash_keys
from molmix_bench.transfer.layers import embed_layers
from molmix_bench.vocab import Split

CKA = "cka"
"""The metric, and in place of a dataset what it is of."""


@dataclass(frozen=True)
class AlignCell:
    """Two networks.

    Attributes:
        bodies: the cells that trained them; or the spec of one that nobody trained.
        seeds: of both.
        mix: as the spec names it, and which build that is.
        datasets: whose test molecules are looked at.
        most: molecules, at most.
    """

    bodies: tuple[TrainCell | RunSpec, TrainCell | RunSpec]
    seeds: tuple[int, int]
    mix: tuple[str, str]
    datasets: tuple[str, ...]
    most: int
    factors: Factors = field(hash=False)

    @cached_property
    def key(self) -> str:
        """As `Cell`."""
        bodies = [
            body.key if isinstance(body, TrainCell) else [body.model_dump(mode="json"), seed]
            for body, seed in zip(self.bodies, self.seeds, strict=True)
        ]
        content = {"bodies": bodies, "build": self.mix[1], "datasets": self.datasets, "most": self.most}
        return cell_key("align", content)

    @property
    def label(self) -> str:
        """As `Cell`."""
        return label_of("compare", self.factors, self.seed)

    @property
    def seed(self) -> int:
        """As `Cell`."""
        return self.seeds[0]

    @property
    def needs(self) -> tuple[str, ...]:
        """As `Cell`."""
        return tuple(body.key for body in self.bodies if isinstance(body, TrainCell))

    @property
    def work(self) -> float:
        """As `Cell`."""
        return 2.0 * self.most

    def measure(self, folder: Path, bench: Bench) -> Measured:  # noqa: ARG002  # as `Cell`
        """Compares layers of the same number."""
        (first, spec), (second, _) = (
            open_body(body, seed, bench) for body, seed in zip(self.bodies, self.seeds, strict=True)
        )
        store = open_store(bench.mix(self.mix[0]), spec.features)
        molecules = tested_molecules(store, self.datasets, self.most)
        both = zip(embed_layers(first, store, molecules), embed_layers(second, store, molecules), strict=True)
        scores = []
        for layer, (mine, other) in enumerate(both):
            value = cka(mine, other)
            if np.isfinite(value):
                scores.append(Score(CKA, CKA, "higher", True, value, cka_replicates(mine, other), {"layer": layer}))
        return Measured(tuple(scores), {"num_tested": len(molecules)})


def tested_molecules(store: GraphStore, datasets: tuple[str, ...], most: int) -> IntArray:
    """Returns test molecules with labels in some datasets, as many of each: rows of the store, increasing."""
    source = store.source(Split.TEST, datasets)
    keys = hash_keys(store.mol_ids[source.molecules].tolist(), 0)
    share = max(1, most // len(datasets))
    chosen = []
    for name in datasets:
        places = source.labelled_in(name)
        chosen.append(places[np.argsort(keys[places], kind="stable")[:share]])
    return np.asarray(source.molecules[np.unique(np.concatenate(chosen))])
