"""Fingerprints: the bits by which molecules are compared at a glance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

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
            bits[row] = generator.GetFingerprintAsNumPy(_parse(text))
    return bits


def packed_morgan(smiles: Sequence[str], *, radius: int, num_bits: int) -> npt.NDArray[np.uint8]:
    """Returns Morgan fingerprints with chirality, eight bits in a byte, the first in its highest.

    Shapes:
        returns: (len(smiles), num_bits / 8).

    >>> np.unpackbits(packed_morgan(["CCO", "OCC"], radius=2, num_bits=1024), axis=1).sum(axis=1).tolist()
    [6, 6]
    """
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=num_bits, includeChirality=True)
    packed = np.zeros((len(smiles), num_bits // 8), dtype=np.uint8)
    with rdBase.BlockLogs():
        for row, text in enumerate(smiles):
            packed[row] = np.packbits(generator.GetFingerprintAsNumPy(_parse(text)))
    return packed


def descriptors(smiles: Sequence[str]) -> npt.NDArray[np.float32]:
    """Returns properties of whole molecules: RDKit's list of quick ones, and surface areas by contributions of atoms.

    They are `rdMolDescriptors.Properties` (weights, counts of rings and atoms, logP, TPSA, chi and kappa indices) and
    the vectors `SlogP_VSA`, `SMR_VSA` and `PEOE_VSA`. What is not finite, as charges of metals make it, is 0.

    Shapes:
        returns: (len(smiles), num_descriptors()).
    """
    properties = rdMolDescriptors.Properties()
    values = np.zeros((len(smiles), num_descriptors()), dtype=np.float32)
    with rdBase.BlockLogs():
        for row, text in enumerate(smiles):
            mol = _parse(text)
            values[row] = [*properties.ComputeProperties(mol), *_areas(mol)]
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def num_descriptors() -> int:
    """Returns how many numbers `descriptors` gives for a molecule."""
    return len(list(rdMolDescriptors.Properties().GetPropertyNames())) + len(_areas(Chem.MolFromSmiles("C")))


def _areas(mol: Chem.Mol) -> list[float]:
    return [
        *rdMolDescriptors.SlogP_VSA_(mol),
        *rdMolDescriptors.SMR_VSA_(mol),
        *rdMolDescriptors.PEOE_VSA_(mol),
    ]


def _parse(text: str) -> Chem.Mol:
    mol = Chem.MolFromSmiles(text)
    if mol is None:
        raise ValueError(f"not a SMILES: {text!r}")
    return mol
