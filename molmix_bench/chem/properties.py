"""Properties computed from the molecular graph alone: the regression labels of MiniMix.

Every function takes a sanitised RDKit molecule. Properties of whole molecules stand here, those of single atoms in
`atom_properties.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from rdkit import Chem, RDConfig
from rdkit.Chem import QED, rdMolDescriptors

from molmix_bench.errors import MissingExtraError


def logp(mol: Chem.Mol) -> float:
    """Returns the octanol-water partition coefficient, log10, by Wildman and Crippen's atom contributions.

    J. Chem. Inf. Comput. Sci. 1999, 39, 868.
    """
    return float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0])


def molar_refractivity(mol: Chem.Mol) -> float:
    """Returns the molar refractivity in cm^3/mol by Wildman and Crippen's atom contributions."""
    return float(rdMolDescriptors.CalcCrippenDescriptors(mol)[1])


def tpsa(mol: Chem.Mol) -> float:
    """Returns the topological polar surface area of nitrogen and oxygen in A^2.

    Ertl, Rohde and Selzer, J. Med. Chem. 2000, 43, 3714.

    >>> round(tpsa(Chem.MolFromSmiles("CCO")), 2)  # one hydroxyl group
    20.23
    """
    return float(rdMolDescriptors.CalcTPSA(mol))


def qed(mol: Chem.Mol) -> float:
    """Returns the quantitative estimate of drug-likeness, from 0 (unlike) to 1 (like a drug).

    Bickerton et al., Nature Chem. 2012, 4, 90, with the paper's mean weights.
    """
    return float(QED.qed(mol))


def sa_score(mol: Chem.Mol) -> float:
    """Returns the synthetic accessibility score, from 1 (easy to make) to 10 (hard).

    Ertl and Schuffenhauer, J. Cheminform. 2009, 1, 8, as RDKit's Contrib directory computes it.

    Raises:
        MissingExtraError: this RDKit came without its Contrib directory.
    """
    return _sa_scorer()(mol)


PROPERTIES: dict[str, Callable[[Chem.Mol], float]] = {
    "logp": logp,
    "sa_score": sa_score,
    "qed": qed,
    "tpsa": tpsa,
    "molar_refractivity": molar_refractivity,
}
"""Name -> function, in task order."""


@cache
def _sa_scorer() -> Callable[[Chem.Mol], float]:
    """Returns the scoring function of RDKit's Contrib directory, which is no importable package."""
    folder = Path(RDConfig.RDContribDir) / "SA_Score"
    for name in ("sascorer.py", "fpscores.pkl.gz"):
        if not (folder / name).is_file():
            raise MissingExtraError(
                str(folder / name),
                found="no such file",
                expected="RDKit's Contrib/SA_Score",
                fix="install rdkit from PyPI or conda-forge; their packages bring it",
            )
    spec = spec_from_file_location("sascorer", folder / "sascorer.py")
    if spec is None or spec.loader is None:
        raise MissingExtraError(str(folder), found="no loadable module", expected="RDKit's Contrib/SA_Score")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    score: Callable[[Chem.Mol], float] = module.calculateScore
    return score
