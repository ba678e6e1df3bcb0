"""Classes of molecules by size, shape and composition: the multiclass labels of MiniMix.

Each task cuts a number that RDKit computes at four thresholds, round numbers near those which cut MiniMix into five
parts, into five ordered classes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem import Descriptors, rdMolDescriptors

NUM_CLASSES = 5


@dataclass(frozen=True, slots=True)
class Binning:
    """A number of a molecule, and where it is cut."""

    compute: Callable[[Chem.Mol], float]
    thresholds: tuple[float, float, float, float]
    """Increasing; a molecule's class is the number of thresholds at or below its number."""


BINNINGS: dict[str, Binning] = {
    "molecular_weight": Binning(Descriptors.MolWt, (250, 300, 350, 400)),
    "rotatable_bonds": Binning(rdMolDescriptors.CalcNumRotatableBonds, (2, 4, 6, 8)),
    "hydrogen_acceptors": Binning(rdMolDescriptors.CalcNumHBA, (3, 4, 5, 6)),
    "aromatic_rings": Binning(rdMolDescriptors.CalcNumAromaticRings, (1, 2, 3, 4)),
    "sp3_fraction": Binning(rdMolDescriptors.CalcFractionCSP3, (0.1, 0.2, 0.35, 0.5)),
}
"""Task -> what is cut where, in task order."""


def find_classes(mol: Chem.Mol) -> dict[str, int]:
    """Returns the class of a sanitised molecule in each task, 0 to 4.

    >>> find_classes(Chem.MolFromSmiles("OCC"))
    {'molecular_weight': 0, 'rotatable_bonds': 0, 'hydrogen_acceptors': 0, 'aromatic_rings': 0, 'sp3_fraction': 4}
    """
    return {name: bisect_right(binning.thresholds, binning.compute(mol)) for name, binning in BINNINGS.items()}
