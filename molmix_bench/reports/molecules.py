"""The molecules that a run predicts worst, drawn."""

from __future__ import annotations

import re

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem.Draw import rdMolDraw2D

from molmix_bench.cards.document import Block, Code, Paragraph
from molmix_bench.reports.diagnose import Diagnosis
from molmix_bench.reports.numbers import number
from molmix_bench.reports.panels import Figures
from molmix_bench.vocab import Kind

NUM_WORST = 10
WIDTH, HEIGHT = 260, 190
"""Pixels of a drawing, whatever the size of the molecule."""
MAX_SMILES = 400
"""Signs of a SMILES that are shown."""
MAX_ATOMS = 150
"""Of a molecule that is drawn: in that room, more are a blot."""
_NOISE = re.compile(
    r"<\?xml[^>]*\?>\s*|<!--.*?-->\s*|\s+(?:class|xmlns:\w+|xml:space|baseProfile)='[^']*'"
    # What every SVG has where nothing else is said: two thirds of a large molecule's bytes.
    r"|fill-rule:evenodd;|stroke-linecap:butt;|stroke-linejoin:miter;|;?(?:stroke|fill)-opacity:1(?=[;'])|;font-weight:normal",
    re.DOTALL,
)


def worst_cells(diagnosis: Diagnosis, count: int = NUM_WORST) -> list[int]:
    """Returns the cell with the largest error of each of the molecules whose such errors are largest.

    Of equal errors the molecule whose id comes first is taken first, and of one molecule the first cell.
    """
    highest = np.full(len(diagnosis.mol_id), -1.0)
    np.maximum.at(highest, diagnosis.rows, diagnosis.errors)
    labelled = np.flatnonzero(highest >= 0)
    ids = diagnosis.mol_id.to_list()
    rows = sorted(labelled.tolist(), key=lambda row: (-highest[row], ids[row]))[:count]
    cells = []
    for row in rows:
        own = np.flatnonzero(diagnosis.rows == row)
        cells.append(int(own[np.argmax(diagnosis.errors[own])]))
    return cells


def molecule_cells(diagnosis: Diagnosis, figures: Figures) -> list[list[Block]]:
    """Returns, for each of the worst molecules, its drawing and what was predicted of it."""
    return [_describe(diagnosis, cell, rank, figures) for rank, cell in enumerate(worst_cells(diagnosis), start=1)]


def _describe(diagnosis: Diagnosis, cell: int, rank: int, figures: Figures) -> list[Block]:
    row = int(diagnosis.rows[cell])
    smiles, place = diagnosis.smiles[row], int(diagnosis.tasks[cell])
    atom = None if diagnosis.reference.num_nodes is None else int(diagnosis.nodes[cell])
    is_large = diagnosis.num_atoms[row] > MAX_ATOMS
    drawing = None if is_large else draw_molecule(smiles, atom=atom)
    unit = diagnosis.reference.units[place]
    blocks: list[Block] = []
    if drawing is None:
        reason = f"more than {MAX_ATOMS} atoms" if is_large else "this RDKit does not read the SMILES"
        blocks.append(Paragraph(f"Not drawn: {reason}."))
    else:
        blocks.append(figures.keep(drawing, f"Molecule {diagnosis.mol_id[row]}", width=WIDTH))
    of_atom = "" if atom is None else f", atom {atom} (marked)"
    error = number(float(diagnosis.errors[cell]))
    cut = smiles if len(smiles) <= MAX_SMILES else smiles[:MAX_SMILES] + "…"
    return [
        *blocks,
        Paragraph((f"{rank}. ", Code(diagnosis.dataset.tasks[place]), f"{of_atom}{f', in {unit}' if unit else ''}")),
        Paragraph(f"{_outcome(diagnosis, cell)}; error {error}; {diagnosis.num_atoms[row]:,} atoms"),
        Paragraph(Code(diagnosis.mol_id[row])),
        Paragraph(Code(cut)),
    ]


def _outcome(diagnosis: Diagnosis, cell: int) -> str:
    """Returns label and prediction in words; the prediction is the mean over seeds."""
    value = float(diagnosis.labels[cell])
    given = diagnosis.predictions[:, cell].mean(axis=0)
    if diagnosis.dataset.kind is Kind.MULTICLASS:
        top = int(given.argmax())
        return f"label class {value:.0f}; predicted {top} ({given[top]:.3f}), the right one {given[int(value)]:.3f}"
    if diagnosis.dataset.kind is Kind.BINARY:
        return f"label {value:.0f}; prediction {number(float(given))}"
    # Of total energies the first digits say nothing.
    return f"label {value:.6g}; prediction {float(given):.6g}"


def draw_molecule(smiles: str, *, atom: int | None = None) -> tuple[bytes, bytes] | None:
    """Returns a molecule as SVG for light and for dark pages; nothing where RDKit does not read the SMILES.

    Args:
        smiles: as stored.
        atom: one to mark, counted along the SMILES.
    """
    params = Chem.SmilesParserParams()
    # Labels of atoms are counted with the hydrogens that the SMILES writes.
    params.removeHs = False
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles, params)
    if mol is None:
        return None
    return _draw(mol, atom, dark=False), _draw(mol, atom, dark=True)


def _draw(mol: Chem.Mol, atom: int | None, *, dark: bool) -> bytes:
    # Letters as text, not as outlines, are a third of the bytes; RDKit takes that by its place alone.
    drawer = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT, -1, -1, True)
    options = drawer.drawOptions()
    if dark:
        rdMolDraw2D.SetDarkMode(options)
    options.clearBackground = False
    options.padding = 0.04
    options.minFontSize = 10
    # As long as that in pixels, so that ethane does not fill its drawing; shorter in large molecules.
    options.fixedBondLength = 28
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol, highlightAtoms=[] if atom is None else [atom])
    drawer.FinishDrawing()
    return _NOISE.sub("", drawer.GetDrawingText()).strip().encode()
