"""What is said of atoms and bonds, as codes.

Each feature takes one of a short list of values; its code is the value's position in that list, and every value that
is not listed has the code after the last, "other".
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from rdkit.Chem.rdchem import BondStereo, BondType, HybridizationType


@dataclass(frozen=True, slots=True)
class Feature:
    """One attribute of atoms or bonds and the values that have codes of their own."""

    name: str
    values: tuple[Hashable, ...]

    @property
    def size(self) -> int:
        """Number of codes: one per value, and "other"."""
        return len(self.values) + 1

    def code(self, value: Hashable) -> int:
        """Returns the code of a value.

        >>> degree = Feature("degree", tuple(range(5)))
        >>> degree.code(3), degree.code(12)
        (3, 5)
        """
        return self.values.index(value) if value in self.values else len(self.values)


_NO_YES = (False, True)

ATOM_FEATURES: tuple[Feature, ...] = (
    Feature("element", tuple(range(119))),  # the atomic number; 0 is a dummy atom
    Feature("degree", tuple(range(13))),  # neighbours that are atoms of the graph
    Feature("charge", (0, *range(1, 8), *range(-1, -8, -1))),
    Feature("hydrogens", tuple(range(9))),  # those that are not atoms of the graph, implicit or written in brackets
    Feature("radical_electrons", tuple(range(6))),
    Feature(
        "hybridization",
        (
            HybridizationType.UNSPECIFIED,
            HybridizationType.S,
            HybridizationType.SP,
            HybridizationType.SP2,
            HybridizationType.SP3,
            HybridizationType.SP2D,
            HybridizationType.SP3D,
            HybridizationType.SP3D2,
        ),
    ),
    Feature("aromatic", _NO_YES),
    Feature("in_ring", _NO_YES),
    # CIP labels, since RDKit's tags (@, @@) depend on the order of the atoms. "other" is a centre that has a tag and
    # no label, as in rings whose two halves differ in nothing but their orientation.
    Feature("chirality", ("", "R", "S")),
)
"""The columns of an atom's row, in order."""

BOND_FEATURES: tuple[Feature, ...] = (
    Feature(
        "type",
        (
            BondType.SINGLE,
            BondType.DOUBLE,
            BondType.TRIPLE,
            BondType.AROMATIC,
            BondType.DATIVE,
            BondType.QUADRUPLE,
            BondType.ZERO,
            BondType.HYDROGEN,
            BondType.UNSPECIFIED,
        ),
    ),
    Feature(
        "stereo",
        (
            BondStereo.STEREONONE,
            BondStereo.STEREOANY,
            BondStereo.STEREOZ,
            BondStereo.STEREOE,
            BondStereo.STEREOCIS,
            BondStereo.STEREOTRANS,
            BondStereo.STEREOATROPCW,
            BondStereo.STEREOATROPCCW,
        ),
    ),
    Feature("conjugated", _NO_YES),
    Feature("in_ring", _NO_YES),
)
"""The columns of a bond's row, in order."""

ATOM_FEATURE_SIZES: tuple[int, ...] = tuple(feature.size for feature in ATOM_FEATURES)
BOND_FEATURE_SIZES: tuple[int, ...] = tuple(feature.size for feature in BOND_FEATURES)
