"""Properties of single atoms, computed from the molecular graph alone: the node-level labels of MiniMix."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors, rdPartialCharges

ATOM_PROPERTIES = ("partial_charge", "logp_contribution", "refractivity_contribution")
"""In task order."""


def compute_atom_properties(mol: Chem.Mol) -> dict[str, list[float]]:
    """Returns each of `ATOM_PROPERTIES` as a list in the order of a sanitised molecule's atoms.

    The partial charge is Gasteiger and Marsili's, in elementary charges (Tetrahedron 1980, 36, 3219). Contributions are
    those of Wildman and Crippen (J. Chem. Inf. Comput. Sci. 1999, 39, 868), each atom's with those of its implicit
    hydrogens, so that they sum to the molecule's own values.

    >>> found = compute_atom_properties(Chem.MolFromSmiles("CO"))
    >>> [round(value, 4) for value in found["logp_contribution"]]  # C3 and three H1; O2 and one H2
    [0.1655, -0.557]
    """
    logp, refractivity = _crippen_contributions(mol)
    return dict(zip(ATOM_PROPERTIES, (_partial_charges(mol), logp, refractivity), strict=True))


def _partial_charges(mol: Chem.Mol) -> list[float]:
    charged = Chem.Mol(mol)  # the charges are left on the atoms, and the caller's molecule is not ours to change
    rdPartialCharges.ComputeGasteigerCharges(charged)
    return [atom.GetDoubleProp("_GasteigerCharge") for atom in charged.GetAtoms()]


def _crippen_contributions(mol: Chem.Mol) -> tuple[list[float], list[float]]:
    """Returns logP and molar refractivity (cm^3/mol) by atom."""
    full = Chem.AddHs(mol)  # appends the hydrogens, so that the atoms before them keep their numbers
    num_atoms = mol.GetNumAtoms()
    logp, refractivity = [0.0] * num_atoms, [0.0] * num_atoms
    # RDKit's only name for the single contributions begins with an underscore; its own documentation uses it.
    for atom, contributions in zip(full.GetAtoms(), rdMolDescriptors._CalcCrippenContribs(full), strict=True):  # noqa: SLF001
        index = atom.GetIdx()
        owner = index if index < num_atoms else atom.GetNeighbors()[0].GetIdx()
        logp[owner] += contributions[0]
        refractivity[owner] += contributions[1]
    return logp, refractivity
