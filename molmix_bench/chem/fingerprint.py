"""Fingerprints: the bits by which molecules are compared at a glance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import rdFingerprintGenerator

RADIUS = 2


def morgan_bits(smiles: Sequence[str], *, num_bits: int = 1024) -> npt.NDArray[np.uint8]:
    """Returns the Morgan fingerprints (radius 2, no chirality) of stored SMILES.

    Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742.

    Shapes:
        returns: (len(smiles), num_bits), 0 or 1.

    >>> morgan_bits(["CCO", "OCC"]).sum(axis=1).tolist()
    [6, 6]
    """
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=num_bits)
    bits = np.zeros((len(smiles), num_bits), dtype=np.uint8)
    with rdBase.BlockLogs():
        for row, text in enumerate(smiles):
            mol = Chem.MolFromSmiles(text)
            if mol is None:
                raise ValueError(f"not a SMILES: {text!r}")
            bits[row] = generator.GetFingerprintAsNumPy(mol)
    return bits
