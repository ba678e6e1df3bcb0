"""Which atom of one SMILES is which atom of another, where both are one molecule in two forms (resonance, charges)."""

from __future__ import annotations

import re
from collections import defaultdict

from rdkit import Chem, rdBase

from molmix_bench.chem.molecule import INCHI_OPTIONS, count_atoms

_MAIN = re.compile(r"/N:([^/]*)")
_FIXED = re.compile(r"/F:([^/]*)")
_REPEATED = re.compile(r"(\d*)m")


def corresponding_atoms(smiles: str, stored: str) -> tuple[int | None, ...]:
    """Returns, for each atom of `stored`, the atom of `smiles` that InChI numbers alike; None where there is none.

    InChI numbers the atoms of a molecule canonically, whichever form it is drawn in, and says so in its auxiliary
    information; atoms that its symmetry makes equivalent may be exchanged. It numbers no hydrogens.

    >>> corresponding_atoms("OCC", "CCO")
    (2, 1, 0)
    """
    one, other = _canonical_numbers(smiles), _canonical_numbers(stored)
    place = {number: atom for atom, number in one.items()}
    return tuple(place.get(other[atom]) if atom in other else None for atom in range(count_atoms(stored)))


def _canonical_numbers(smiles: str) -> dict[int, tuple[int, int, int]]:
    """Returns the canonical number of each atom that InChI numbers: component, place in it, and which of equal ones."""
    params = Chem.SmilesParserParams()
    params.removeHs = False  # atoms are counted as they are written
    with rdBase.BlockLogs():
        _, auxiliary = Chem.MolToInchiAndAuxInfo(Chem.MolFromSmiles(smiles, params), options=INCHI_OPTIONS)
    main = _components(_MAIN.search(auxiliary))
    fixed = _FIXED.search(auxiliary)
    components = _with_fixed_hydrogens(main, fixed.group(1)) if fixed else main
    numbers: dict[int, tuple[int, int, int]] = {}
    seen: dict[tuple[int, int], int] = defaultdict(int)
    for component, atoms in enumerate(components):
        for place, atom in enumerate(atoms):
            seen[component, place] += 1
            numbers[atom] = (component, place, seen[component, place])
    return numbers


def _components(match: re.Match[str] | None) -> list[list[int]]:
    if match is None:
        return []
    return [[int(atom) - 1 for atom in part.split(",")] for part in match.group(1).split(";") if part]


def _with_fixed_hydrogens(main: list[list[int]], text: str) -> list[list[int]]:
    """Returns the numbering of the layer with fixed hydrogens, where `2m` is two components as in the main one."""
    components: list[list[int]] = []
    for part in text.split(";"):
        if repeated := _REPEATED.fullmatch(part):
            count = int(repeated.group(1) or 1)
            components += main[len(components) : len(components) + count]
        elif part:
            components.append([int(atom) - 1 for atom in part.split(",")])
    return components if len(components) == len(main) else main
