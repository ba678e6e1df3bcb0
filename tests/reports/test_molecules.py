"""Tests of the worst molecules and their drawings."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from molmix_bench.cards.document import Code, Image, Paragraph
from molmix_bench.reports.molecules import HEIGHT, WIDTH, draw_molecule, molecule_cells, worst_cells
from molmix_bench.reports.panels import Figures


def test_worst_first(diagnoses):
    """One cell for each molecule, that of its largest error, by falling errors."""
    found = diagnoses["panel"]
    cells = worst_cells(found, 5)
    rows = found.rows[cells].tolist()
    assert len(set(rows)) == 5
    assert all(
        found.errors[cell] == found.errors[found.rows == row].max() for cell, row in zip(cells, rows, strict=True)
    )
    errors = found.errors[cells].tolist()
    assert errors == sorted(errors, reverse=True)
    others = ~np.isin(found.rows, rows)
    assert found.errors[others].max() <= errors[-1]


def test_ties_go_by_id(diagnoses):
    """Equal errors are told apart by the molecule's id, whatever the order of rows."""
    found = diagnoses["panel"]
    same = replace(found, errors=np.ones(len(found.errors)))
    ids = [found.mol_id[int(found.rows[cell])] for cell in worst_cells(same, 4)]
    assert ids == sorted(found.mol_id.gather(np.unique(found.rows)))[:4]


@pytest.mark.parametrize("smiles", ["[He]", "C.[Na+].[Cl-]", "F[P-](F)(F)(F)(F)F", "[2H]C", "C" * 150, "N->[Pt]"])
def test_drawings_have_one_size(smiles):
    """Well-formed SVG of fixed size, without scripts, comments or references, and other colours for dark pages."""
    light, dark = draw_molecule(smiles)
    assert light != dark or smiles.startswith("F")  # fluorine has one colour for both
    for data in (light, dark):
        root = ET.fromstring(data)  # noqa: S314  # our own drawing
        assert (root.get("width"), root.get("height")) == (f"{WIDTH}px", f"{HEIGHT}px")
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert tags <= {"svg", "path", "text", "ellipse", "rect", "polygon", "tspan"}
        assert b"<!--" not in data
        assert b"href" not in data
        assert data.startswith(b"<svg")
        assert len(data) < 50_000


def test_an_atom_is_marked():
    """A drawing with a marked atom has one ellipse more."""
    plain, marked = draw_molecule("CCO")[0], draw_molecule("CCO", atom=1)[0]
    assert marked.count(b"<ellipse") == plain.count(b"<ellipse") + 1


def test_a_hydrogen_keeps_its_place():
    """Labels of atoms count the hydrogens that a SMILES writes."""
    assert draw_molecule("[H]/N=C/C", atom=3)


def test_what_does_not_parse_is_not_drawn(diagnoses):
    """No drawing, no exception, and the page says so."""
    import polars as pl

    assert draw_molecule("C1CC") is None
    found = diagnoses["energies"]
    figures = Figures()
    cells = molecule_cells(replace(found, smiles=pl.Series(["C1CC"] * len(found.mol_id))), figures)
    assert figures.drawn == {}
    assert cells[0][0] == Paragraph("Not drawn: this RDKit does not read the SMILES.")


def test_a_blot_is_not_drawn(diagnoses):
    """A molecule of more atoms than the room holds is said to be one."""
    found = diagnoses["energies"]
    figures = Figures()
    cells = molecule_cells(replace(found, num_atoms=found.num_atoms + 150), figures)
    assert figures.drawn == {}
    assert cells[0][0] == Paragraph("Not drawn: more than 150 atoms.")


@pytest.mark.parametrize("name", ["energies", "groups", "grades", "panel", "atoms"])
def test_what_is_said_of_each(diagnoses, name):
    """Its task, label, prediction, error, id and SMILES stand beside the drawing."""
    found = diagnoses[name]
    cells = molecule_cells(found, Figures())
    assert len(cells) == min(10, len(np.unique(found.rows)))
    for cell, blocks in zip(worst_cells(found), cells, strict=True):
        row = int(found.rows[cell])
        drawing, task, outcome, mol_id, smiles = blocks
        assert isinstance(drawing, Image)
        assert task.text[1] == Code(found.dataset.tasks[found.tasks[cell]])
        assert (mol_id.text, smiles.text) == (Code(found.mol_id[row]), Code(found.smiles[row]))
        words = "label class" if name == "grades" else "label"
        assert outcome.text.startswith(f"{words} {found.labels[cell]:.6g}; predict")
        assert ("(marked)" in task.text[2]) is (name == "atoms")
