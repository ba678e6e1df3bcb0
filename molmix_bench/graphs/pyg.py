"""A split of a store as a dataset of PyTorch Geometric."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from torch_geometric.data import Data, Dataset

from molmix_bench.graphs.source import LoaderSource
from molmix_bench.vocab import Split


class _Store(Protocol):
    """What of a store is needed; it is pickled as its path."""

    def source(self, split: str | Split, datasets: Iterable[str] | None = None) -> LoaderSource:
        """Returns one split."""


class PyGDataset(Dataset):  # type: ignore[misc]  # PyG has no types
    """The molecules of one split, each as the `Data` that a batch of it alone gives.

    What a graph holds is described at `Batch.to_pyg`. Graphs are made when asked for. A worker process that is not
    forked opens the store again, as it is the path that is pickled.

    A sparse dataset's `y_<dataset>` has as many rows as the molecule has labels: loaders that should tell which graph
    of a batch each belongs to are given `follow_batch=["y_<dataset>"]`.

    Args:
        store: which is pickled as its path.
        split: which molecules.
        datasets: only molecules with labels in these, and only these labels; None for all molecules and labels.
    """

    def __init__(self, store: _Store, split: str | Split, *, datasets: Iterable[str] | None = None) -> None:
        super().__init__()
        self.store = store
        self.split = split
        self.datasets = None if datasets is None else tuple(datasets)
        self._open()

    def len(self) -> int:
        """Returns the number of molecules."""
        return len(self._positions)

    def get(self, idx: int) -> Data:
        """Returns a molecule, in the order of the store.

        Raises:
            IndexError: there are not so many.
        """
        batch = self._source.batch(self._positions[[idx]])
        # No need to separate one graph from others: that takes PyG longer than all the rest.
        return Data(**{name: values for name, (values, _) in batch.pyg_parts().items()})

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_source", "_positions")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def _open(self) -> None:
        self._source = self.store.source(self.split, self.datasets)
        everything = self.datasets is None
        self._positions = np.arange(len(self._source.molecules)) if everything else self._source.labelled()
