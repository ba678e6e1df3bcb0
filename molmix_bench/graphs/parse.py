"""SMILES to RDKit's molecules, with every written atom: hydrogens too, some of which RDKit would by default remove."""

from __future__ import annotations

import re

from rdkit import Chem

_HAS_STEREO = re.compile(r"[@/\\]").search
_HAS_MORE = re.compile(r"\s").search
"""A blank separates a SMILES from the extensions of CXSMILES."""


def parse(smiles: str) -> Chem.Mol | None:
    """Returns the sanitised molecule of a SMILES, or None where RDKit finds none.

    >>> parse("[H]C").GetNumAtoms(), parse("C1CC")
    (2, None)
    """
    return Chem.MolFromSmiles(smiles, _SANITIZED)


def parse_quickly(smiles: str) -> Chem.Mol | None:
    """Returns the same molecule without notes on stereo that could be there and is not, which take a tenth of the time.

    Those are properties of atoms that nothing here reads. Everything else is done as RDKit's parser does it, in steps.
    """
    if _HAS_MORE(smiles):
        return parse(smiles)
    mol = Chem.MolFromSmiles(smiles, _UNSANITIZED)
    if mol is None or Chem.SanitizeMol(mol, catchErrors=True) != Chem.SANITIZE_NONE:
        return None
    if _HAS_STEREO(smiles):
        Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
    return mol


def _make_params(*, sanitize: bool) -> Chem.SmilesParserParams:
    params = Chem.SmilesParserParams()
    params.removeHs = False
    params.sanitize = sanitize
    return params


_SANITIZED, _UNSANITIZED = _make_params(sanitize=True), _make_params(sanitize=False)
