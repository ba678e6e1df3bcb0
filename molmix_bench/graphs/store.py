"""A store: the featurised molecules and labels of one mix, memory-mapped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from molmix_bench.errors import StoreError, UsageError
from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.encodings import Encodings
from molmix_bench.graphs.featurize import Graphs
from molmix_bench.graphs.label_tables import TABLES, LabelTable
from molmix_bench.graphs.layout import (
    REBUILD,
    StoredDataset,
    array_file,
    label_array,
    open_array,
    read_header,
    split_array,
)
from molmix_bench.graphs.loader import Loader
from molmix_bench.graphs.order import Order
from molmix_bench.graphs.source import LoaderSource
from molmix_bench.specs.base import nearest
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.vocab import MOL_ID, Split

if TYPE_CHECKING:
    from molmix_bench.graphs.pyg import PyGDataset

Arrays = TypeVar("Arrays", Graphs, Encodings)


class GraphStore:
    """Featurised molecules with their labels, by increasing mol_id, opened for reading.

    Numbers are read from the disk where they are used, and processes that open the same store share the pages. A store
    that is sent to another process is opened there again.

    Args:
        path: the folder of the store.

    Raises:
        StoreError: the folder holds no store, one of another format, or one with a file missing or of another size.

    Attributes:
        mol_ids: (num_graphs,) identities as bytes, sorted.
        graphs: atoms and bonds.
        encodings: of the atoms.
        collate: makes a `Batch` of any molecules, given their rows as an int64 array; without labels.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.header = read_header(self.path)
        self.mol_ids: NDArray[np.bytes_] = open_array(self.path, MOL_ID, self.header)
        self.graphs = self._open_all(Graphs)
        self.encodings = self._open_all(Encodings)
        self.collate = Collator(self.graphs, self.encodings)
        self._molecules = {
            split: open_array(self.path, split_array(split), self.header) for split in self.header.splits
        }
        self._labels = {
            (name, split): self._open_labels(name, split) for name in self.datasets for split in self.splits
        }

    def __repr__(self) -> str:
        return f"GraphStore({str(self.path)!r}: {self.header.mix}, {self.num_graphs:,} molecules)"

    def __reduce__(self) -> tuple[type[GraphStore], tuple[Path]]:
        return GraphStore, (self.path,)

    @property
    def num_graphs(self) -> int:
        """Molecules in the store, over all splits."""
        return len(self.mol_ids)

    @property
    def features(self) -> FeatureSpec:
        """Which encodings there are."""
        return self.header.features

    @property
    def datasets(self) -> dict[str, StoredDataset]:
        """The datasets of the mix by name, in its order."""
        return self.header.datasets

    @property
    def splits(self) -> dict[Split, int]:
        """Molecules of each split."""
        return {split: len(molecules) for split, molecules in self._molecules.items()}

    def molecules(self, split: str | Split) -> NDArray[np.int64]:
        """Returns the rows of the store that a split has, increasing."""
        return self._molecules[self._check_split(split)]

    def labels(self, dataset: str, split: str | Split) -> LabelTable:
        """Returns the labels of one dataset in one split; no rows where the dataset has nothing there."""
        return self._labels[self._check_dataset(dataset), self._check_split(split)]

    def loader(
        self,
        split: str | Split,
        *,
        batch_size: int,
        seed: int | None = None,
        epoch: int = 0,
        datasets: Iterable[str] | None = None,
        order: Order | None = None,
    ) -> Loader:
        """Returns the batches of one epoch; see `Loader` for their order.

        Args:
            split: which molecules.
            batch_size: molecules per batch.
            seed: 0 or more; None for the order of the store.
            epoch: 0 or more; together with the seed, it decides the order.
            datasets: only molecules with labels in these, and only these labels; None for all molecules and labels.
            order: batches by atoms, sampling by dataset, shuffling by blocks for a store larger than memory, shares of
                several processes; None for none of these.

        Raises:
            UsageError: there is no such split or dataset, or a number is out of range.
        """
        source = self.source(split, datasets)
        return Loader(
            source, batch_size=batch_size, seed=seed, epoch=epoch, only_labelled=datasets is not None, order=order
        )

    def source(self, split: str | Split, datasets: Iterable[str] | None = None) -> LoaderSource:
        """Returns what loaders draw from: all molecules of a split, and their labels in some datasets or in all.

        Raises:
            UsageError: there is no such split or dataset.
        """
        split = self._check_split(split)
        if isinstance(datasets, str):
            found, fix = f"one name, {datasets!r}", f"write datasets=[{datasets!r}]"
            raise UsageError(f"store of {self.header.mix}", found=found, expected="a list of datasets", fix=fix)
        names = list(self.datasets) if datasets is None else [self._check_dataset(name) for name in datasets]
        labels = {name: self._labels[name, split] for name in names}
        parts = (self.graphs, self.encodings, *labels.values())
        mapped = tuple(array for part in parts for array in _arrays_of(part))
        return LoaderSource(self._molecules[split], labels, self.collate, (self._molecules[split], *mapped))

    def to_pyg(self, split: str | Split, *, datasets: Iterable[str] | None = None) -> PyGDataset:
        """Returns a split as a `torch_geometric.data.Dataset`, for PyG's own loaders and transforms.

        Args:
            split: which molecules.
            datasets: only molecules with labels in these, and only these labels; None for all molecules and labels.

        Raises:
            UsageError: there is no such split or dataset.
        """
        # Importing PyG takes seconds, and ours needs nothing of it.
        from molmix_bench.graphs.pyg import PyGDataset

        return PyGDataset(self, split, datasets=datasets)

    def verify(self) -> None:
        """Reads every byte of the store and compares it with what was written.

        Raises:
            StoreError: an array has changed.
        """
        for file, found in self.damages():
            raise StoreError(str(file), found=found, fix=REBUILD)

    def damages(self) -> Iterator[tuple[Path, str]]:
        """Yields every file that is not as it was written, and what is there instead; reads every byte."""
        for name, entry in self.header.arrays.items():
            file = array_file(self.path, name)
            if not file.is_file():
                yield file, "no such file"
                continue
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if digest != entry.sha256:
                yield file, "other bytes than were written"

    def _open_all(self, kind: type[Arrays]) -> Arrays:
        return kind(**{field.name: open_array(self.path, field.name, self.header) for field in fields(kind)})

    def _open_labels(self, dataset: str, split: Split) -> LabelTable:
        kind = TABLES[self.datasets[dataset].form]
        arrays = {
            field.name: open_array(self.path, label_array(dataset, split, field.name), self.header)
            for field in fields(kind)
        }
        return kind(**arrays)

    def _check_split(self, split: str | Split) -> Split:
        if split not in self._molecules:
            known = [str(name) for name in self._molecules]
            found = f"no split {str(split)!r}{nearest(str(split), known)}"
            raise UsageError(f"store of {self.header.mix}", found=found, expected=f"one of {', '.join(known)}")
        return Split(split)

    def _check_dataset(self, dataset: str) -> str:
        if dataset not in self.datasets:
            found = f"no dataset {dataset!r}{nearest(dataset, self.datasets)}"
            raise UsageError(f"store of {self.header.mix}", found=found, expected=f"one of {', '.join(self.datasets)}")
        return dataset


def _arrays_of(part: Any) -> list[NDArray[Any]]:
    """Returns what a dataclass of arrays holds."""
    return [getattr(part, field.name) for field in fields(part)]
