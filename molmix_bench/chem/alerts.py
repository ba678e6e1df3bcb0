"""Structural alerts: which published filters a molecule sets off, the binary labels of MiniMix.

Catalogues are whole filter sets as RDKit holds them; families are groups of filters of one of them (Brenk et al.), so
that one pass over that catalogue answers for all.
"""

from __future__ import annotations

from functools import cache

from rdkit import Chem
from rdkit.Chem import FilterCatalog

from molmix_bench.errors import MissingExtraError

CATALOGUES = {
    "brenk": "BRENK",
    "chembl_lint": "CHEMBL_LINT",
    "chembl_mlsmr": "CHEMBL_MLSMR",
    "chembl_glaxo": "CHEMBL_Glaxo",
    "pains_a": "PAINS_A",
}
"""Alert -> RDKit's name of the catalogue."""

FAMILIES = {
    "nitro": ("nitro_group",),
    "michael_acceptor": (*(f"Michael_acceptor_{number}" for number in range(1, 6)), "conjugated_nitrile_group"),
    "aldehyde": ("aldehyde",),
    "catechol": ("catechol",),
    "imine": ("imine_1", "imine_2"),
    "thiocarbonyl": ("Thiocarbonyl_group",),
    "long_chain": ("Aliphatic_long_chain",),
}
"""Alert -> the filters of the Brenk catalogue that belong to it."""

ALERTS = (*CATALOGUES, *FAMILIES)
"""All alerts, in task order."""


def find_alerts(mol: Chem.Mol) -> dict[str, bool]:
    """Returns whether each of `ALERTS` matches a sanitised molecule.

    >>> [name for name, hit in find_alerts(Chem.MolFromSmiles("O=Cc1ccc(O)c(O)c1")).items() if hit]
    ['brenk', 'chembl_lint', 'chembl_mlsmr', 'aldehyde', 'catechol']
    """
    brenk = {str(entry.GetDescription()) for entry in _catalogue("BRENK").GetMatches(mol)}
    found = {"brenk": bool(brenk)}
    for alert, name in CATALOGUES.items():
        if alert not in found:
            found[alert] = bool(_catalogue(name).HasMatch(mol))
    for alert, filters in FAMILIES.items():
        found[alert] = not brenk.isdisjoint(filters)
    return found


@cache
def _catalogue(name: str) -> FilterCatalog.FilterCatalog:
    kind = getattr(FilterCatalog.FilterCatalogParams.FilterCatalogs, name)
    catalogue = FilterCatalog.FilterCatalog(FilterCatalog.FilterCatalogParams(kind))
    if name == "BRENK":
        known = {catalogue.GetEntry(index).GetDescription() for index in range(catalogue.GetNumEntries())}
        # A filter that RDKit renamed would otherwise never match, and its task would lose its positives unnoticed.
        if missing := sorted({name for filters in FAMILIES.values() for name in filters} - known):
            raise MissingExtraError(
                "RDKit's BRENK catalogue",
                found=f"no {', '.join(missing)}",
                fix="install a version within constraints.txt",
            )
    return catalogue
