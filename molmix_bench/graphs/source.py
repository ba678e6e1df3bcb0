"""One split of a store as its readers see it: molecules, labels, and batches of any of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molmix_bench.graphs.batch import Batch
from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.label_tables import ABSENT, LabelTable


@dataclass(frozen=True, slots=True)
class LoaderSource:
    """What a loader draws from: the molecules of one split, how to batch them, and their labels by dataset.

    Attributes:
        mapped: the arrays that all this is read from, where they are a store's.

    Shapes:
        molecules: (n,) int64, rows of the store, increasing.
    """

    molecules: NDArray[np.int64]
    labels: Mapping[str, LabelTable]
    collate: Collator
    mapped: tuple[NDArray[Any], ...] = ()

    def batch(self, positions: NDArray[np.int64]) -> Batch:
        """Returns a batch with labels of the molecules at some places of the split, in the order given."""
        batch = self.collate(self.molecules[positions])
        node_ptr = batch.ptr.numpy()
        return replace(batch, labels={name: table.gather(positions, node_ptr) for name, table in self.labels.items()})

    def only(self, positions: NDArray[np.int64]) -> LoaderSource:
        """Returns the source of the molecules at some places, increasing, as if the split had no others."""
        labels = {name: table.only(positions) for name, table in self.labels.items()}
        return replace(self, molecules=self.molecules[positions], labels=labels)

    def labelled(self) -> NDArray[np.int64]:
        """Returns the places of the molecules that have a label in any of the datasets, increasing."""
        labelled = np.zeros(len(self.molecules), bool)
        for table in self.labels.values():
            labelled |= table.row != ABSENT
        return np.flatnonzero(labelled)

    def labelled_in(self, dataset: str) -> NDArray[np.int64]:
        """Returns the places of the molecules that have a label in one dataset, increasing."""
        return np.flatnonzero(self.labels[dataset].row != ABSENT)

    def num_nodes(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the number of atoms of the molecules at some places, (n,)."""
        return self.collate.num_nodes(self.molecules[positions])
