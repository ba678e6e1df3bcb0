"""Chemical space in two dimensions: the principal components of Morgan fingerprints.

Principal components, since they are the same on every machine up to rounding, take a second for thousands of molecules,
and distances in them mean something; t-SNE and UMAP look better and do neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

from molmix_bench.chem.fingerprint import morgan_bits

MAX_POINTS = 6_000
"""Over all datasets: what a figure of card width can show."""


@dataclass(frozen=True, slots=True)
class Space:
    """Where a sample of each dataset's molecules lies.

    Attributes:
        points: per dataset, (num_molecules, 2).
        explained: the share of the fingerprints' variance along each of the two axes.
    """

    points: dict[str, npt.NDArray[np.float64]]
    explained: tuple[float, float]


def embed(smiles: dict[str, list[str]]) -> Space:
    """Returns the two first principal components of each dataset's molecules, found over all of them.

    Fingerprints are scaled to length 1, so that large molecules are not far out for their size alone.
    """
    per_dataset = max(1, MAX_POINTS // max(1, len(smiles)))
    chosen = {name: texts[:per_dataset] for name, texts in smiles.items()}
    bits = morgan_bits([text for texts in chosen.values() for text in texts]).astype(np.float64)
    bits /= np.maximum(np.linalg.norm(bits, axis=1, keepdims=True), 1)
    bits -= bits.mean(axis=0)
    # One thread: sums of several come in another order, and a waiting one costs more than it helps.
    with threadpool_limits(1):
        scatter = bits.T @ bits
        values, vectors = eigh(scatter, subset_by_index=[len(scatter) - 2, len(scatter) - 1])
        axes = vectors[:, ::-1].copy()
    # An eigenvector's sign is arbitrary and differs between machines.
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    total = max(float(np.trace(scatter)), np.finfo(float).tiny)
    ends = np.cumsum([len(texts) for texts in chosen.values()])[:-1]
    return Space(
        points=dict(zip(chosen, np.split(bits @ axes, ends), strict=True)),
        explained=(float(values[1] / total), float(values[0] / total)),
    )
