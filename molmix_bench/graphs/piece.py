"""The work of one worker process: some molecules, featurised. It imports no torch, so that workers start soon."""

from __future__ import annotations

from functools import cache

from threadpoolctl import ThreadpoolController

from molmix_bench.graphs.encodings import Encodings, encode
from molmix_bench.graphs.featurize import Graphs, featurize
from molmix_bench.specs.features import FeatureSpec


def featurize_piece(features: FeatureSpec, molecules: tuple[list[str], list[str]]) -> tuple[Graphs, Encodings]:
    """Returns the codes and encodings of some molecules.

    Args:
        features: which encodings.
        molecules: their identities, for errors, and SMILES.

    Raises:
        StoreError: RDKit cannot parse a molecule.
    """
    mol_ids, smiles = molecules
    graphs = featurize(smiles, mol_ids=mol_ids)
    # For molecules that are left to a BLAS, whose threads only slow matrices of their size down, up to twentyfold.
    with _thread_pools().limit(limits=1):
        return graphs, encode(graphs, features)


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()
