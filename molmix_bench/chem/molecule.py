"""SMILES to the standard molecule that everything else refers to, and its identity.

Nothing is removed, neutralised or tautomerised here: two inputs are one molecule when their InChIKeys with fixed
hydrogens agree, which tells tautomers and protonation states apart and joins resonance forms and aromaticity models.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from rdkit import Chem, rdBase

from molmix_bench.vocab import DropReason

INCHI_OPTIONS = "/FixedH /SUU /RecMet /KET /15T"
"""Fixed hydrogens; undefined stereo kept; metals reconnected; keto-enol and 1,5-tautomerism under one mobile layer."""
_NO_AUX = "/AuxNone"
"""Has InChI leave out its auxiliary information, on which no key depends: a thirtieth of the time a molecule takes."""
FALLBACK_PREFIX = "SMI-"
"""Marks identities of molecules that InChI cannot describe (dummy atoms, unspecified bonds, over 1,023 atoms)."""

_MAP = "molAtomMapNumber"
_RAW_INDEX = "_rawIndex"
_HYDROGEN = re.compile(r"\[\d*H[-+:\d]*\]")
_RENUMBERED = re.compile(r"\[\d*[H#DT]|\|")
"""Where a SMILES may write a hydrogen as an atom, as [H], [#1] or [D]; or where CXSMILES begins."""
_LOG_TIME = re.compile(r"^\[\d\d:\d\d:\d\d\]\s*")


@dataclass(frozen=True, slots=True)
class Molecule:
    """A molecule as the tables hold it."""

    mol_id: str
    smiles: str
    inchikey: str | None
    num_atoms: int
    """Atoms of `smiles`: heavy atoms and those hydrogens that RDKit keeps (isotopes, H2, bridging ones)."""
    numbering: Numbering | None = None
    """Where asked for, and where the SMILES has one."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """Which raw atom became which atom of the stored SMILES.

    Attributes:
        raw: for each atom of the stored SMILES in order, the number of the raw atom: its atom map where the raw SMILES
            has maps (0 included), else its place in the raw SMILES.
        num_raw: raw atoms, explicit hydrogens among them; their numbers are 0 .. num_raw - 1.
    """

    raw: tuple[int, ...]
    num_raw: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a SMILES gives no molecule."""

    reason: DropReason
    detail: str


def standardize(smiles: str, *, max_atoms: int, numbered: bool = False) -> Molecule | Rejected:
    """Returns the standard molecule of a SMILES, or why there is none.

    Args:
        smiles: CXSMILES too; coordinates count only where RDKit reads stereo marks off them.
        max_atoms: larger molecules are rejected; hydrogens that the stored SMILES does not keep are not counted.
        numbered: whether to tell raw atoms from stored ones, which labels of atoms need.

    >>> standardize("OCC", max_atoms=1000).smiles
    'CCO'
    >>> standardize("[CH3:2][CH2:0][OH:1]", max_atoms=1000, numbered=True).numbering
    Numbering(raw=(2, 0, 1), num_raw=3)
    >>> standardize("C1CC", max_atoms=1000).detail
    "unclosed ring for input: 'C1CC'"
    """
    return standardize_all([smiles], max_atoms=max_atoms, numbered=numbered)[0]


def standardize_all(smiles: Iterable[str], *, max_atoms: int, numbered: bool = False) -> list[Molecule | Rejected]:
    """Returns what `standardize` does for each of many SMILES, at 0.95 of the time.

    RDKit's messages are blocked once, where blocking them for each molecule costs 30 us of the half millisecond.
    """
    texts = [text.strip() for text in smiles]
    with rdBase.BlockLogs():
        found = [_standardize(text, max_atoms=max_atoms, numbered=numbered) for text in texts]
    # Explained out here: RDKit's messages cannot be collected while they are blocked.
    return [
        Rejected(DropReason.UNPARSABLE, explain_failure(text)) if item is None else item
        for text, item in zip(texts, found, strict=True)
    ]


def _standardize(text: str, *, max_atoms: int, numbered: bool) -> Molecule | Rejected | None:
    """Returns the molecule or why there is none, but None where the text does not parse."""
    if not text:
        return Rejected(DropReason.EMPTY_SMILES, "the SMILES is empty")
    # A colon is an atom map or a written aromatic bond; RDKit keeps mapped hydrogens, which unmapped ones are not.
    # A plain parse has every atom that is written, in its place, but for hydrogens.
    raw = _parse_raw(text) if ":" in text or (numbered and _RENUMBERED.search(text)) else None
    mol = Chem.MolFromSmiles(text) if raw is None else raw.mol
    if mol is None or not _is_plain(text):
        return None
    num_atoms = mol.GetNumAtoms()
    if num_atoms == 0:
        return Rejected(DropReason.NO_ATOMS, f"{text!r} holds no atom")
    if num_atoms > max_atoms:
        return Rejected(DropReason.TOO_LARGE, f"{num_atoms:,} atoms, more than {max_atoms:,}")
    molecule = _identify(mol)
    numbers = range(num_atoms) if raw is None else raw.numbers
    if not numbered or numbers is None:
        return molecule
    written = mol.GetPropsAsDict(includePrivate=True, includeComputed=True)["_smilesAtomOutputOrder"]
    num_raw = num_atoms if raw is None else raw.num_raw
    return replace(molecule, numbering=Numbering(tuple(numbers[atom] for atom in written), num_raw))


def _identify(mol: Chem.Mol) -> Molecule:
    """Returns the identity and canonical SMILES of a sanitised RDKit molecule without atom maps."""
    smiles = Chem.MolToSmiles(mol)
    mol_id = Chem.MolToInchiKey(mol, options=f"{INCHI_OPTIONS} {_NO_AUX}")
    inchikey = Chem.MolToInchiKey(mol, options=_NO_AUX)
    if not mol_id:
        mol_id = FALLBACK_PREFIX + hashlib.blake2b(smiles.encode(), digest_size=16).hexdigest()
    return Molecule(mol_id=mol_id, smiles=smiles, inchikey=inchikey or None, num_atoms=mol.GetNumAtoms())


@dataclass(frozen=True, slots=True)
class _RawMol:
    """A molecule parsed with all its atoms, then brought into the form that a plain parse gives.

    Attributes:
        mol: without atom maps and removable hydrogens; None where the text does not parse.
        numbers: the raw number of each atom of `mol`; None where atom maps do not number the atoms.
        num_raw: raw atoms.
    """

    mol: Chem.Mol | None
    numbers: list[int] | None
    num_raw: int


def _parse_raw(text: str) -> _RawMol:
    params = Chem.SmilesParserParams()
    params.removeHs = False
    raw = Chem.MolFromSmiles(text, params)
    if raw is None:
        return _RawMol(None, None, 0)
    maps = []
    for atom in raw.GetAtoms():
        # Map 0 is a property too, which MolToSmiles would repeat.
        if atom.HasProp(_MAP):
            maps.append(atom.GetIntProp(_MAP))
            atom.ClearProp(_MAP)
        atom.SetIntProp(_RAW_INDEX, atom.GetIdx())
    mol = Chem.RemoveHs(raw)
    # Marks that only the maps, or hydrogens written out, had made distinct are no stereo any more.
    Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
    num_raw = raw.GetNumAtoms()
    numbers: list[int] | None = None
    if not maps or sorted(maps) == list(range(num_raw)):
        places = [atom.GetIntProp(_RAW_INDEX) for atom in mol.GetAtoms()]
        numbers = [maps[place] for place in places] if maps else places
    return _RawMol(mol, numbers, num_raw)


def count_atoms(smiles: str) -> int:
    """Returns the number of atoms that a stored SMILES writes.

    >>> count_atoms("[2H]C")
    2
    """
    params = Chem.SmilesParserParams()
    params.removeHs = False
    params.sanitize = False
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles, params)
    if mol is None:
        raise ValueError(f"not a SMILES: {smiles!r}")
    return int(mol.GetNumAtoms())


def written_hydrogens(smiles: str) -> frozenset[int]:
    """Returns the places of the hydrogens that a stored SMILES writes as atoms.

    >>> sorted(written_hydrogens("[H]/N=C/C"))
    [0]
    """
    if not _HYDROGEN.search(smiles):
        return frozenset()
    params = Chem.SmilesParserParams()
    params.removeHs = False
    params.sanitize = False
    mol = Chem.MolFromSmiles(smiles, params)
    return frozenset(atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 1)


def _is_plain(smiles: str) -> bool:
    """Whether the SMILES is ASCII; RDKit cuts other letters off its end without a word, and so reads another one."""
    return smiles.isascii() or smiles.split(maxsplit=1)[0].isascii()


def explain_failure(smiles: str) -> str:
    """Returns what RDKit says of a SMILES that it cannot parse, without its time stamps."""
    if not _is_plain(smiles):
        return f"characters that no SMILES has: {smiles.split(maxsplit=1)[0]!a:.200}"
    with _captured_logs() as lines:
        Chem.MolFromSmiles(smiles)
    texts = [_LOG_TIME.sub("", line).removeprefix("SMILES Parse Error: ").strip() for line in lines]
    # RDKit adds lines that repeat the input and point at a column; the first one says what is wrong.
    return texts[0] if texts else "RDKit gives no reason"


def toolchain() -> dict[str, str]:
    """Returns the versions on which identities and canonical SMILES depend."""
    return {"rdkit": rdBase.rdkitVersion, "inchi": Chem.GetInchiVersion()}


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _captured_logs() -> Iterator[list[str]]:
    """Collects RDKit's messages; they go to the C++ streams again afterwards, where RDKit sends them by default."""
    logger = logging.getLogger("rdkit")
    handler, handlers, propagate = _Lines(), logger.handlers, logger.propagate
    rdBase.LogToPythonLogger()
    # RDKit's own handler writes to stderr.
    logger.handlers, logger.propagate = [handler], False
    try:
        yield handler.lines
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        rdBase.LogToCppStreams()
