"""The skeleton of a molecule: what it has in common with its salts, its protonated forms and its stereoisomers."""

from __future__ import annotations

import polars as pl
from rdkit import Chem, rdBase

from molmix_bench.chem.molecule import FALLBACK_PREFIX, INCHI_OPTIONS
from molmix_bench.vocab import MOL_ID, SMILES

_LENGTH = 14
"""Letters of an InChIKey that stand for atoms and bonds; stereo, isotopes and added protons come after them."""
SKELETON = "skeleton"
_SEVERAL = pl.col(SMILES).str.contains(".", literal=True)
"""Whether there are several components."""
_BY_IDENTITY = (
    pl.when(pl.col(MOL_ID).str.starts_with(FALLBACK_PREFIX))
    .then(pl.col(MOL_ID))
    .otherwise(pl.col(MOL_ID).str.slice(0, _LENGTH))
)
"""The skeleton of what is one component; what has no InChIKey is like itself alone."""


def skeletons(molecules: pl.DataFrame) -> pl.Series:
    """Returns the skeleton of each molecule, in order: that of its component with the most heavy atoms.

    >>> keys = ["QTBSBXVTEAMEQO-UHFFFAOYNA-N", "VMHLLURERBWHNL-UHFFFAOYNA-M"]
    >>> skeletons(pl.DataFrame({"mol_id": keys, "smiles": ["CC(=O)O", "CC(=O)[O-].[Na+]"]})).to_list()
    ['QTBSBXVTEAMEQO', 'QTBSBXVTEAMEQO']

    Args:
        molecules: with mol_id and smiles, as mixes have them.
    """
    table = molecules.select(_BY_IDENTITY.alias(SKELETON), SMILES, _SEVERAL.alias("several"))
    found = table[SKELETON].to_list()
    with rdBase.BlockLogs():  # RDKit's remarks on components, such as those on single hydrogens
        for place in table["several"].arg_true().to_list():
            found[place] = _largest(table[SMILES][place]) or molecules[MOL_ID][place]
    return pl.Series(SKELETON, found, dtype=pl.String)


def among(wanted: pl.Series, molecules: pl.LazyFrame) -> pl.Series:
    """Returns which skeletons molecules have, without holding more of them in memory than salts and mixtures.

    Args:
        wanted: skeletons, (n,).
        molecules: with mol_id and smiles.

    Returns:
        (n,) bool.
    """
    single = molecules.filter(~_SEVERAL).select(_BY_IDENTITY.alias(SKELETON))
    known = wanted.to_frame(SKELETON).lazy().join(single, on=SKELETON, how="semi").collect()[SKELETON]
    others = skeletons(molecules.filter(_SEVERAL).select(MOL_ID, SMILES).collect())
    return wanted.is_in(pl.concat([known, others]).unique().to_list())


def _largest(smiles: str) -> str:
    """Returns the skeleton of the largest component; nothing where InChI knows none."""
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        return ""
    pieces = Chem.GetMolFrags(mol, asMols=True)
    # Of components of one size, any will do as long as it is always the same one.
    largest = max(pieces, key=lambda piece: (piece.GetNumHeavyAtoms(), Chem.MolToSmiles(piece)))
    key: str = Chem.MolToInchiKey(largest, options=INCHI_OPTIONS)
    return key[:_LENGTH]
