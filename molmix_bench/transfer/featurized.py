"""Molecules of a user's own as graphs in memory, ready for batches with their labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from molmix_bench.graphs.batch import Batch
from molmix_bench.graphs.collate import Collator
from molmix_bench.graphs.label_tables import DenseTable
from molmix_bench.graphs.loader import Loader
from molmix_bench.graphs.order import Order
from molmix_bench.graphs.piece import featurize_piece
from molmix_bench.graphs.source import LoaderSource
from molmix_bench.metrics.cells import FloatArray, IntArray
from molmix_bench.models.fingerprints import FingerprintArray
from molmix_bench.specs.model import FingerprintMlpSpec
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.predict import EVAL_BATCH_SIZE
from molmix_bench.vocab import MOL_ID


@dataclass(frozen=True, slots=True, eq=False)
class Featurized:
    """Molecules as a network sees them.

    Attributes:
        collate: makes a batch of molecules, given their places.
        fingerprints: of those networks that look at them.
    """

    mol_ids: pl.Series
    collate: Collator
    fingerprints: FingerprintArray | None = None

    def __len__(self) -> int:
        """Number of molecules."""
        return len(self.mol_ids)

    def loader(
        self, places: IntArray, labels: FloatArray, *, dataset: str, batch_size: int, order: tuple[int, int] | None
    ) -> Loader:
        """Returns batches of some molecules with the labels of one dataset.

        Args:
            places: which molecules, increasing.
            labels: of all molecules, (n, T); NaN is missing.
            dataset: as which the labels are known to a network.
            batch_size: molecules.
            order: seed and epoch of a training, which decide it; None for that of `places`.
        """
        every = np.arange(len(places), dtype=np.int32)
        table = DenseTable(every, np.ascontiguousarray(labels[places], np.float64))
        seed, epoch = (None, 0) if order is None else order
        source = LoaderSource(places, {dataset: table}, self.collate)
        trained = Order(join_single=order is not None)
        return Loader(source, batch_size=batch_size, seed=seed, epoch=epoch, only_labelled=False, order=trained)

    def batches(self, places: IntArray | None = None) -> Iterator[Batch]:
        """Yields batches of some molecules, or of all, without labels."""
        places = np.arange(len(self)) if places is None else places
        for first in range(0, len(places), EVAL_BATCH_SIZE):
            yield self.collate(places[first : first + EVAL_BATCH_SIZE])


def featurize_all(mol_ids: Sequence[str], smiles: Sequence[str], *, spec: RunSpec) -> Featurized:
    """Returns standard molecules as the networks of a run see them.

    Raises:
        StoreError: a molecule does not parse.
    """
    graphs, encodings = featurize_piece(spec.features, (list(mol_ids), list(smiles)))
    fingerprints = None
    if isinstance(spec.model, FingerprintMlpSpec):
        fingerprints = FingerprintArray.of(smiles, spec.model.fingerprint)
    return Featurized(pl.Series(MOL_ID, list(mol_ids), dtype=pl.String), Collator(graphs, encodings), fingerprints)
