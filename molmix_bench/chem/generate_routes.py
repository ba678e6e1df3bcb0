"""The reactions of the generated molecules, and the routes: which reactions meet which blocks, and how often."""

from __future__ import annotations

from dataclasses import dataclass

_AMINE = "[NX3;H1,H2;!$(N-[C,S,P]=[O,S,N]);!$(N-[#7,#8])"
_ALDEHYDE = "[CX3;H1:1](=O)-[#6:2]"

REACTIONS = {
    # Couplings.
    "amide": f"[C:1](=[O:2])-[OX2H1].{_AMINE}:3]>>[C:1](=[O:2])-[N:3]",
    "sulfonamide": f"[S:1]-Cl.{_AMINE}:2]>>[S:1]-[N:2]",
    "urea": f"[N:1]=[C:2]=[O,S:3].{_AMINE}:4]>>[N:1]-[C:2](=[*:3])-[N:4]",
    "boc_removal": "[N:1]-C(=O)-O-C(-[CH3])(-[CH3])-[CH3]>>[N:1]",
    "reductive_amination": f"{_ALDEHYDE}.{_AMINE}:3]>>[#6:2]-[C:1]-[N:3]",
    "snar": f"[c;$(c:n):1]-Cl.{_AMINE}:2]>>[c:1]-[N:2]",
    "buchwald": f"[c:1]-Br.{_AMINE}:2]>>[c:1]-[N:2]",
    "suzuki": "[c:1]-Br.[#6:2]-B(-[OH])-[OH]>>[c:1]-[#6:2]",
    "sonogashira": "[c:1]-Br.[CH1:2]#[C:3]>>[c:1]-[C:2]#[C:3]",
    "ester": "[C:1](=[O:2])-[OX2H1].[OX2H1:3]-[#6:4]>>[C:1](=[O:2])-[O:3]-[#6:4]",
    "ether": "[c:1]-[OX2H1:2].Br-[CH2:3]>>[c:1]-[O:2]-[C:3]",
    "thioether": "[SX2H1:1].Cl-[CH2:2]-[C:3]=[O:4]>>[S:1]-[C:2]-[C:3]=[O:4]",
    "quaternization": "[NX3H0,nX2;+0;!$(N-C=O):1].Br-[CH2:2]>>[*+:1]-[C:2]",
    "azo_coupling": "[NH2:1]-[c:2].[cH1;$(c1ccc([OH,NX3])cc1):3]>>[c:2]/[N:1]=N/[c:3]",
    # Condensations.
    "hydrazone": f"{_ALDEHYDE}.[NH2:3]-[NH1:4]>>[#6:2]/[C:1]=[N:3]/[N:4]",
    "knoevenagel": f"{_ALDEHYDE}.[CH2;$(C-C#N),$(C-[C;R]=O):3]>>[#6:2]-[C:1]=[C:3]",
    "aldol_condensation": f"{_ALDEHYDE}.[CH3:3]-[C;$(C-c):4]=[O:5]>>[#6:2]/[C:1]=[C:3]/[C:4]=[O:5]",
    # Ring formations; written with single and double bonds where RDKit is to find the aromaticity itself.
    "click": "[N-:1]=[N+:2]=[N:3].[CH1:4]#[C:5]>>[N+0:3]1-[C:4]=[C:5]-[N+0:1]=[N+0:2]-1",
    "thiazole": "[C:1](=O)-[CH2:2]-Br.[NH2:3]-[C:4]=[S:5]>>[C:1]1=[C:2]-[S:5]-[C:4]=[N:3]-1",
    "imidazopyridine": "[NH2:1]-[c:2]:[nX2:3].[C:4](=O)-[CH2:5]-Br>>[n:1]1:[c:2]:[n:3]:[c:5]:[c:4]:1",
    "benzazole": f"[NH2:3]-[c:4]:[c:5]-[N,O,S;!H0:6].{_ALDEHYDE}>>[N:3]1=[C:1](-[#6:2])-[*:6]-[c:5]:[c:4]-1",
    "oxadiazole": "[C:1](=O)-[OX2H1].[NH2:2]-[C:3]=[N:4]-[OH:5]>>[C:1]1-[O:5]-[N:4]=[C:3]-[N:2]=1",
    "pyrazole": "[C:1](=O)-[CX4:2]-[C:3]=O.[NH2:4]-[NH1:5]>>[C:1]1=[C:2]-[C:3]=[N:4]-[N:5]-1",
    "fischer_indole": "[NH2]-[NH1:1]-[c:2]:[cH1:3].[CH2:4]-[C:5]=O>>[N:1]1-[c:2]:[c:3]-[C:4]=[C:5]-1",
    "pictet_spengler": "[NH2:3]-[C:4]-[C:5]-[c:6]:[cH1;$(c[nH]):7]."
    f"{_ALDEHYDE}>>[N:3]1-[C:4]-[C:5]-[c:6]:[c:7]-[C:1]-1-[#6:2]",
    "biginelli": f"{_ALDEHYDE}.[C;$(C-[CH3]):3](=O)-[CH2:4]-[C:5]=[O:6].[NH2:7]-[C:8](=[O,S:9])-[NH2,NH1:10]>>"
    "[N:7]1-[C:8](=[*:9])-[N:10]-[C:3]=[C:4](-[C:5]=[O:6])-[C:1]-1-[#6:2]",
}
"""Name -> reaction SMARTS, reactants in the order in which a `Step` names them."""


@dataclass(frozen=True, slots=True)
class Step:
    """A reaction of `REACTIONS` on blocks or on what earlier steps gave."""

    reaction: str
    inputs: tuple[Step | str, ...]
    """Steps, or classes of `BLOCKS`, several joined by `+`."""


@dataclass(frozen=True, slots=True)
class Route:
    """A way to make molecules: one for every choice of blocks."""

    name: str
    weight: float
    """Its share among the first molecules, relative to the other routes', until it runs out of choices."""
    last: Step


def _do(reaction: str, *inputs: Step | str) -> Step:
    return Step(reaction, inputs)


_ALIPHATIC_AMINES = "cyclic_amines+primary_amines"
_AMINES = f"{_ALIPHATIC_AMINES}+anilines"
_CYANATES = "isocyanates+isothiocyanates"

_ACYL_AMINO_ACID = _do("amide", "small_acids", "amino_acids")
_SULFONYL_AMINO_ACID = _do("sulfonamide", "sulfonyl_chlorides", "amino_acids")
_ACYL_DIAMINE = _do("boc_removal", _do("amide", "acids", "boc_diamines"))
_SMALL_ACYL_DIAMINE = _do("boc_removal", _do("amide", "small_acids", "boc_diamines"))
_SULFONYL_DIAMINE = _do("boc_removal", _do("sulfonamide", "sulfonyl_chlorides", "boc_diamines"))
_BROMO_SULFONANILIDE = _do("sulfonamide", "sulfonyl_chlorides", "halo_anilines")
_CARBOLINE = _do("pictet_spengler", "tryptamines", "aldehydes")
_ETHER_ALDEHYDE = _do("ether", "hydroxybenzaldehydes", "alkyl_halides")
_CHLOROACETAMIDE = _do("amide", "chloroacetic", "primary_amines+anilines")
_SECONDARY_AMINE = _do("reductive_amination", "aldehydes", "small_amines")
_PYRAZOLE_ACID = _do("pyrazole", "diketones", "hydrazinobenzoic_acids")
_THIOSEMICARBAZONE = _do("hydrazone", "aldehydes", "thiosemicarbazide")

ROUTES = (
    # Two blocks.
    Route("amide", 9.0, _do("amide", "acids", _AMINES)),
    Route("sulfonamide", 4.0, _do("sulfonamide", "sulfonyl_chlorides", _AMINES)),
    Route("urea", 5.5, _do("urea", _CYANATES, _ALIPHATIC_AMINES)),
    Route("benzylamine", 3.0, _do("reductive_amination", "aldehydes", "cyclic_amines+anilines")),
    Route("aminoheteroarene", 4.0, _do("snar", "hetaryl_chlorides", _AMINES)),
    Route("arylamine", 3.0, _do("buchwald", "aryl_bromides", "cyclic_amines+anilines")),
    Route("biaryl", 3.0, _do("suzuki", "aryl_bromides", "boronic_acids")),
    Route("arylalkyne", 1.5, _do("sonogashira", "aryl_bromides", "alkynes")),
    Route("ester", 3.0, _do("ester", "acids", "alcohols")),
    Route("ether", 1.5, _do("ether", "phenols", "alkyl_halides")),
    Route("ether_aldehyde", 0.8, _ETHER_ALDEHYDE),
    Route("ammonium", 2.0, _do("quaternization", "tertiary_amines", "alkyl_halides")),
    Route("azobenzene", 2.0, _do("azo_coupling", "anilines", "couplers")),
    Route("hydrazone", 3.5, _do("hydrazone", "aldehydes", "hydrazides")),
    Route("acrylonitrile", 3.0, _do("knoevenagel", "aldehydes", "active_methylenes")),
    Route("chalcone", 2.0, _do("aldol_condensation", "aldehydes", "methyl_ketones")),
    Route("triazole", 1.0, _do("click", "azides", "alkynes")),
    Route("thiazole", 1.5, _do("thiazole", "bromoketones", "thioamides")),
    Route("imidazopyridine", 1.0, _do("imidazopyridine", "aminopyridines", "bromoketones")),
    Route("benzazole", 2.5, _do("benzazole", "ortho_diamines", "aldehydes")),
    Route("oxadiazole", 3.0, _do("oxadiazole", "acids", "amidoximes")),
    Route("pyrazole", 0.6, _do("pyrazole", "diketones", "hydrazines")),
    Route("indole", 0.8, _do("fischer_indole", "hydrazines", "cyclic_ketones")),
    Route("carboline", 1.0, _CARBOLINE),
    # Three blocks.
    Route("dihydropyrimidinone", 3.5, _do("biginelli", "aldehydes", "acetoacetates", "ureas")),
    Route("peptide", 6.0, _do("amide", _ACYL_AMINO_ACID, "primary_amines")),
    Route("sulfonyl_amino_amide", 5.0, _do("amide", _SULFONYL_AMINO_ACID, "cyclic_amines")),
    Route("biaryl_amide", 6.0, _do("suzuki", _do("amide", "halo_acids", _ALIPHATIC_AMINES), "boronic_acids")),
    Route("biaryl_anilide", 3.0, _do("suzuki", _do("amide", "small_acids", "halo_anilines"), "boronic_acids")),
    Route("biaryl_sulfonamide", 2.0, _do("suzuki", _BROMO_SULFONANILIDE, "boronic_acids")),
    Route("diamine_sulfonamide", 4.0, _do("sulfonamide", "sulfonyl_chlorides", _ACYL_DIAMINE)),
    Route("diamine_heteroarene", 5.0, _do("snar", "hetaryl_chlorides", _ACYL_DIAMINE)),
    Route("diamine_urea", 4.5, _do("urea", _CYANATES, _SMALL_ACYL_DIAMINE)),
    Route("diamine_benzyl", 4.0, _do("reductive_amination", "aldehydes", _SULFONYL_DIAMINE)),
    Route("triazole_amide", 3.0, _do("click", "azides", _do("amide", "acids", "alkynyl_amines"))),
    Route("thioether_amide", 4.0, _do("thioether", "thiols", _CHLOROACETAMIDE)),
    Route("acylaminothiazole", 3.0, _do("amide", "acids", _do("thiazole", "bromoketones", "thiourea"))),
    Route("acylcarboline", 2.0, _do("amide", "small_acids", _CARBOLINE)),
    Route("tertiary_amide", 4.0, _do("amide", "acids", _SECONDARY_AMINE)),
    Route("pyrazole_amide", 2.0, _do("amide", _PYRAZOLE_ACID, _AMINES)),
    Route("hydrazonothiazole", 2.5, _do("thiazole", "bromoketones", _THIOSEMICARBAZONE)),
    Route("ether_chalcone", 2.0, _do("aldol_condensation", _ETHER_ALDEHYDE, "methyl_ketones")),
    Route("ether_acrylonitrile", 2.0, _do("knoevenagel", _ETHER_ALDEHYDE, "active_methylenes")),
    Route("ether_hydrazone", 3.0, _do("hydrazone", _ETHER_ALDEHYDE, "hydrazides")),
)
