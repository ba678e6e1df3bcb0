"""Tests of the committed cards: a fresh generation gives them again."""

from __future__ import annotations

import re
from importlib.metadata import version

import numpy as np
import pytest
from PIL import Image

from molmix_bench.cards.check import read_front
from molmix_bench.cards.planned import planned_card
from molmix_bench.cards.published import PUBLISHED
from molmix_bench.errors import UsageError
from tests.cards.regenerate import BUILT, CARDS, write_built

HOW = "if the change is meant: python -m tests.cards.regenerate --raw FOLDER"


def test_all_cards_are_there():
    """Each mix that has a card has one folder, and nothing else lies there."""
    assert {path.name for path in CARDS.iterdir()} == {*PUBLISHED, *BUILT}


@pytest.mark.parametrize("name", PUBLISHED)
def test_planned_cards(name):
    """Cards from specs are what the specs and the published sizes give, and say that they are that."""
    text = (CARDS / name / "README.md").read_text(encoding="utf-8")
    assert text == planned_card(name), HOW
    assert "written from the spec, not from a build" in text
    front = read_front(CARDS / name / "README.md")
    assert front.configs == front.dataset_info == ()


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes_add_up(name):
    """Rows of the splits are the rows of the file; each source has its size, each dataset its number of tasks."""
    from molmix_bench.specs.catalog import load_mix_spec, resolve_sources

    sizes = PUBLISHED[name].sizes
    sources = resolve_sources(load_mix_spec(name))
    assert {source.name for source in sources} == set(sizes)
    datasets = {key: item for source in sources for key, item in source.datasets.items()}
    open_ended = {key for key, item in datasets.items() if any(task.is_pattern for task in item.tasks)}
    assert open_ended == set(dict(PUBLISHED[name].tasks))
    for size in sizes.values():
        assert not size.splits or sum(rows for _, rows in size.splits) == size.rows


def test_mix_without_published_sizes():
    """A catalog mix of which nothing is published is refused, with those that are."""
    with pytest.raises(UsageError, match="largemix"):
        planned_card("minimix")


def _same_as_committed(name, cards):
    """Compares text to the letter, and figures as pictures: rounding moves a point by a pixel on another machine."""
    kept, made = (folder / name / "README.md" for folder in (CARDS, cards))
    assert made.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8"), HOW
    figures = sorted(path.name for path in (kept.parent / "figures").iterdir())
    assert sorted(path.name for path in (made.parent / "figures").iterdir()) == figures
    for figure in figures:
        one, two = (np.asarray(Image.open(path.parent / "figures" / figure).convert("L")) for path in (kept, made))
        assert one.shape == two.shape, HOW
        assert np.abs(one.astype(int) - two).mean() < 1, f"{figure}: {HOW}"


def _skip_on_other_versions(name):
    """Skips where RDKit or another library is not the one that the committed card names: labels and ids follow it."""
    line = re.search(r"Made with (.*?)\. The same", (CARDS / name / "README.md").read_text(encoding="utf-8"))
    stated = dict(re.findall(r"(rdkit|numpy|polars|pyarrow) ([\w.]*\w)", line[1]))
    assert set(stated) == {"rdkit", "numpy", "polars", "pyarrow"}
    for library, wanted in stated.items():
        # RDKit writes 2026.09.1, its package 2026.9.1.
        found = version(library)
        if [int(part) for part in found.split(".")] != [int(part) for part in wanted.split(".")]:
            pytest.skip(f"the committed card is of {library} {wanted}, here is {found}")


@pytest.mark.slow
def test_minimix(tmp_path):
    """MiniMix, built and described, gives the committed card."""
    _skip_on_other_versions("minimix")
    write_built("minimix", None, tmp_path)
    _same_as_committed("minimix", tmp_path)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.timeout(1800)
def test_midmix(raw_data, tmp_path):
    """MidMix, built from the real files at hand and described, gives the committed card."""
    _skip_on_other_versions("midmix")
    write_built("midmix", raw_data, tmp_path)
    _same_as_committed("midmix", tmp_path)
