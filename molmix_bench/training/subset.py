"""Which molecules of the train split a run learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from molmix_bench.errors import RunError
from molmix_bench.graphs.sampling import quotas
from molmix_bench.graphs.store import GraphStore
from molmix_bench.specs.run import RunSpec, SubsetSpec
from molmix_bench.vocab import Split

Places = NDArray[np.int64]


def train_members(spec: RunSpec, store: GraphStore, datasets: Sequence[str]) -> Places | None:
    """Returns the places in the train split that a run learns from, increasing; None for all of them.

    Args:
        spec: of the run.
        store: of its mix.
        datasets: that are trained on.

    Raises:
        RunError: there are not as many molecules as the spec asks for.
    """
    if spec.subset is None:
        return None
    source = store.source(Split.TRAIN, datasets)
    labelled = {name: source.labelled_in(name) for name in datasets}
    keys = hash_keys(store.mol_ids[source.molecules].tolist(), spec.subset.draw)
    return choose_places(labelled, keys, spec.subset, where=f"run {spec.name}, subset")


def hash_keys(mol_ids: Sequence[bytes], draw: int) -> NDArray[np.uint64]:
    """Returns a number for each identity, (n,): its 64-bit blake2b, keyed by the number of the draw."""
    secret = f"molmix-subset-{draw}".encode()
    digests = b"".join(hashlib.blake2b(mol_id, digest_size=8, key=secret).digest() for mol_id in mol_ids)
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


def choose_places(labelled: Mapping[str, Places], keys: NDArray[np.uint64], spec: SubsetSpec, *, where: str) -> Places:
    """Returns the places of a subset, increasing.

    Args:
        labelled: the places that have labels in each dataset, increasing.
        keys: of all places; the lowest are chosen.
        spec: how many.
        where: what errors name.

    Raises:
        RunError: there are not as many.
    """
    every = np.unique(np.concatenate([np.empty(0, np.int64), *labelled.values()]))
    wanted = spec.molecules if spec.molecules is not None else max(1, round((spec.fraction or 1.0) * len(every)))
    if not spec.balanced:
        return _lowest(every, keys, wanted, where=where)
    free = np.ones(len(keys), bool)
    sizes = sorted(labelled, key=lambda name: (len(labelled[name]), name))
    for name, quota in quotas(dict.fromkeys(sizes, 1), wanted).items():
        places = labelled[name][free[labelled[name]]]
        free[_lowest(places, keys, quota, where=f"{where}, dataset {name}")] = False
    return np.flatnonzero(~free)


def _lowest(places: Places, keys: NDArray[np.uint64], wanted: int, *, where: str) -> Places:
    if wanted > len(places):
        fix = "ask for fewer, or leave the dataset out"
        raise RunError(where, found=f"{len(places):,} train molecules to choose from", expected=f"{wanted:,}", fix=fix)
    chosen: Places = np.sort(places[np.argsort(keys[places], kind="stable")[:wanted]])
    return chosen
