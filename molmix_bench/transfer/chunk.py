"""Some rows of a table of molecules, made ready for networks by a worker process. It imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molmix_bench.chem.apart import standardize_apart
from molmix_bench.chem.fingerprint import descriptors, packed_morgan
from molmix_bench.chem.molecule import Molecule, Rejected
from molmix_bench.errors import StoreError
from molmix_bench.graphs.encodings import Encodings
from molmix_bench.graphs.featurize import Graphs
from molmix_bench.graphs.piece import featurize_piece
from molmix_bench.specs.features import FeatureSpec
from molmix_bench.specs.model import FingerprintSpec
from molmix_bench.transfer.nearest import Neighbours, read_neighbours
from molmix_bench.vocab import DropReason

MAX_ATOMS = 1_000
"""Of a molecule; larger ones get a reason, as in mixes."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What networks ask of molecules.

    Attributes:
        features: encodings of atoms.
        fingerprint: of networks that look at them.
        neighbours: file of the molecules trained on, for the nearest of them; None where nobody asks.
    """

    features: FeatureSpec
    fingerprint: FingerprintSpec | None = None
    neighbours: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Consecutive rows; what is of molecules is of the `places` of those that could be read.

    Shapes:
        places: (n,) int64, counted from the first row here.
        bits, descriptors: (n, ...), where the networks look at them.
        nearest: (n,) float32, where it was asked for.
    """

    start: int
    smiles: list[str | None]
    places: NDArray[np.int64]
    molecules: list[Molecule]
    rejected: dict[int, Rejected]
    """By place."""
    graphs: Graphs
    encodings: Encodings
    bits: NDArray[np.uint8] | None = None
    descriptors: NDArray[np.float32] | None = None
    nearest: NDArray[np.float32] | None = None


def prepare(demand: Demand, rows: tuple[int, list[str | None]]) -> Chunk:
    """Returns some rows, standardised and featurised; those that are no molecules with their reasons.

    Args:
        demand: what is asked for.
        rows: the number of the first, and the SMILES.

    Raises:
        WorkerError: the process that runs RDKit was killed.
    """
    start, texts = rows
    found = standardize_apart([text or "" for text in texts], max_atoms=MAX_ATOMS)
    rejected = {place: item for place, item in enumerate(found) if isinstance(item, Rejected)}
    kept = [(place, item) for place, item in enumerate(found) if isinstance(item, Molecule)]
    try:
        graphs, encodings = _featurize(demand, [item for _, item in kept])
    except StoreError:
        # A standard SMILES that RDKit does not read again is rare; one by one, it is found.
        unreadable = {place: _unreadable(item) for place, item in kept if not _is_readable(demand, item)}
        rejected |= unreadable
        kept = [(place, item) for place, item in kept if place not in unreadable]
        graphs, encodings = _featurize(demand, [item for _, item in kept])
    molecules = [item for _, item in kept]
    smiles = [item.smiles for item in molecules]
    spec = demand.fingerprint
    return Chunk(
        start=start,
        smiles=texts,
        places=np.array([place for place, _ in kept], np.int64),
        molecules=molecules,
        rejected=rejected,
        graphs=graphs,
        encodings=encodings,
        bits=None if spec is None else packed_morgan(smiles, radius=spec.radius, num_bits=spec.bits),
        descriptors=descriptors(smiles) if spec is not None and spec.descriptors else None,
        nearest=None if demand.neighbours is None else _neighbours(demand.neighbours).nearest(smiles),
    )


def _featurize(demand: Demand, molecules: Sequence[Molecule]) -> tuple[Graphs, Encodings]:
    ids = [item.mol_id for item in molecules]
    return featurize_piece(demand.features, (ids, [item.smiles for item in molecules]))


def _is_readable(demand: Demand, molecule: Molecule) -> bool:
    try:
        _featurize(demand, [molecule])
    except StoreError:
        return False
    return True


def _unreadable(molecule: Molecule) -> Rejected:
    return Rejected(DropReason.UNPARSABLE, f"its standard SMILES {molecule.smiles!r:.100} cannot be read again")


@cache
def _neighbours(path: Path) -> Neighbours:
    return read_neighbours(path)
