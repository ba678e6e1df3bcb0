"""Three-dimensional structures as SMILES that keep the order of their atoms traceable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rdkit import Chem, rdBase
from rdkit.Chem import rdDetermineBonds
from rdkit.Geometry import Point3D

MAX_BOND_ITERATIONS = 10_000
"""Assignments of bond orders tried; drug-like molecules of 90 atoms take under 100, a millisecond in all."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What a structure file says of one molecule.

    Attributes:
        smiles: with explicit hydrogens; None where there is no readable molecule.
        problem: why there is none.
        order: for each atom of the SMILES, its number in the file.
        elements: atomic number of each atom in the file's order.
    """

    smiles: str | None
    problem: str | None
    order: tuple[int, ...] = ()
    elements: tuple[int, ...] = ()


def structure_of_block(block: str) -> Structure:
    """Returns the molecule of an MDL mol block with the bonds that it states; stereo from its coordinates."""
    with _quiet():
        mol = Chem.MolFromMolBlock(block, removeHs=False)
        if mol is not None:
            return _written(mol, _elements(mol))
        mol = Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
        if mol is None:
            return Structure(None, "RDKit cannot read the record's atoms and bonds")
        try:
            Chem.SanitizeMol(mol)
        except (Chem.MolSanitizeException, RuntimeError) as error:
            return Structure(None, _one_line(error), elements=_elements(mol))
    return Structure(None, "RDKit cannot tell the record's stereochemistry", elements=_elements(mol))


def structure_of_coordinates(
    elements: Sequence[int], positions: Sequence[tuple[float, float, float]], *, max_atoms: int
) -> Structure:
    """Returns the neutral molecule with these atoms, bonds perceived from their distances.

    Args:
        elements: atomic numbers.
        positions: in angstrom.
        max_atoms: bonds of larger molecules, hydrogens counted, are not looked for.
    """
    numbers = tuple(elements)
    if len(numbers) > max_atoms:
        return Structure(None, f"{len(numbers):,} atoms: bonds are perceived for at most {max_atoms:,}")
    mol = Chem.RWMol()
    conformer = Chem.Conformer(len(numbers))
    for index, (element, position) in enumerate(zip(numbers, positions, strict=True)):
        mol.AddAtom(Chem.Atom(element))
        conformer.SetAtomPosition(index, Point3D(*position))
    mol.AddConformer(conformer)
    with _quiet():
        try:
            rdDetermineBonds.DetermineBonds(mol, charge=0, maxIterations=MAX_BOND_ITERATIONS)
        except (ValueError, RuntimeError) as error:
            return Structure(None, f"no bonds fit the coordinates: {_one_line(error)}", elements=numbers)
    return _written(mol.GetMol(), numbers)


def positions_of_block(block: str) -> tuple[list[int], list[tuple[float, float, float]]] | None:
    """Returns atomic numbers and coordinates of an MDL mol block, whatever its bonds; None where it has none."""
    with _quiet():
        mol = Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
    if mol is None or mol.GetNumConformers() == 0:
        return None
    positions = mol.GetConformer().GetPositions()
    return list(_elements(mol)), [(x, y, z) for x, y, z in positions.tolist()]


def _written(mol: Chem.Mol, elements: tuple[int, ...]) -> Structure:
    with _quiet():
        smiles = Chem.MolToSmiles(mol)
    properties = mol.GetPropsAsDict(includePrivate=True, includeComputed=True)
    order = tuple(properties["_smilesAtomOutputOrder"]) if elements else ()
    return Structure(smiles, None, order, elements)


def _elements(mol: Chem.Mol) -> tuple[int, ...]:
    # By index: iterating over `GetAtoms` asks for the number of atoms at every step, and takes four times as long.
    return tuple(mol.GetAtomWithIdx(atom).GetAtomicNum() for atom in range(mol.GetNumAtoms()))


def _quiet() -> rdBase.BlockLogs:
    return rdBase.BlockLogs()


def _one_line(error: BaseException) -> str:
    # RDKit appends where in its own code it noticed.
    return " ".join(str(error).split()).partition(" Violation occurred")[0][:200]
