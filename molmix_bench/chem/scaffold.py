"""Bemis-Murcko scaffolds, and the key by which scaffold splits group molecules."""

from __future__ import annotations

from rdkit import Chem, rdBase
from rdkit.Chem.Scaffolds import MurckoScaffold

from molmix_bench.chem.molecule import FALLBACK_PREFIX


def scaffold_smiles(smiles: str) -> str:
    """Returns the Murcko scaffold without stereo marks, as canonical SMILES; empty for molecules without rings.

    Follows Bemis and Murcko, J. Med. Chem. 1996, 39, 2887, in RDKit's form (exocyclic double bonds are kept).

    >>> scaffold_smiles("CCc1ccccc1"), scaffold_smiles("CCO")
    ('c1ccccc1', '')
    """
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        if mol is None:
            raise ValueError(f"not a SMILES: {smiles!r}")
        scaffold: str = Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol), isomericSmiles=False)
    return scaffold


def scaffold_group(smiles: str, mol_id: str) -> str:
    """Returns the group a molecule moves with in a scaffold split.

    Molecules without rings have no scaffold; each is a group of its own (with its stereoisomers), since the one huge
    group that the empty scaffold would make could fall whole into the test split.

    >>> scaffold_group("CCO", "LFQSCWFLJHTTHZ-UHFFFAOYNA-N")
    'acyclic:LFQSCWFLJHTTHZ'
    """
    if scaffold := scaffold_smiles(smiles):
        return scaffold
    skeleton = mol_id if mol_id.startswith(FALLBACK_PREFIX) else mol_id.partition("-")[0]
    return f"acyclic:{skeleton}"
