"""Tests of the whole page: complete, whole in itself, the same every time, nothing in it but what we wrote, legible."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from molmix_bench.errors import MissingExtraError
from molmix_bench.reports.read import read_run
from molmix_bench.reports.write import report_page
from molmix_bench.specs.base import validate_spec
from molmix_bench.specs.run import RunSpec
from molmix_bench.training.run import run
from tests.build.tiny import ALKANES, build_tiny, table_source
from tests.cards.browser import chromium
from tests.cards.conftest import NASTY
from tests.tags import Tags
from tests.training.small import DATASETS, fitted_spec

MAX_BYTES = 3_000_000
NUM_TASKS = 1_328
"""Of PCBA."""


@pytest.fixture(scope="module")
def page(chains, trained):
    """The page of the trained run."""
    return report_page(read_run(trained), chains)


def test_complete(page, trained):
    """Every section is there, every dataset, every excluded task and the worst molecules' ids."""
    found = Tags(page)
    ran = read_run(trained)
    for words in ("Scores", "Training", *DATASETS, "Worst molecules", "Tasks that were not scored", "Resources"):
        assert words in found.text
    assert all(f"{task}" in found.text for task in ran.scores.excluded["task"])
    assert "molmix-bench run run.yaml --mix tiny --out small" in found.text
    images = [attrs for tag, attrs in found.tags if tag == "img"]
    assert sum(image["src"].startswith("data:image/svg+xml;base64,") for image in images) == 49  # 9 molecules once
    assert sum(image["src"].startswith("data:image/png;base64,") for image in images) > 25
    assert len(page) < MAX_BYTES


def test_whole_in_itself(page):
    """It asks the network for nothing and runs no script."""
    found = Tags(page)
    policy = next(attrs["content"] for tag, attrs in found.tags if "http-equiv" in attrs)
    assert policy.startswith("default-src 'none'; img-src data:")
    assert not {"script", "link", "iframe", "object", "form", "a"} & {tag for tag, _ in found.tags}
    assert not any(name.startswith("on") for _, attrs in found.tags for name in attrs)
    sources = [value for _, attrs in found.tags for name, value in attrs.items() if name in ("src", "srcset")]
    assert {source.partition(":")[0] for source in sources} == {"data"}


def test_same_every_time(page, chains, trained, tmp_path, monkeypatch):
    """The same run gives the same bytes, wherever it lies and whichever folder it is called from."""
    copy = shutil.copytree(trained, tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    assert report_page(read_run(copy), chains) == page


def test_a_fitted_model(chains, fitted):
    """A run without epochs has a page that says there are no curves."""
    text = Tags(report_page(read_run(fitted), chains)).text
    assert "there are no curves" in text
    assert "there are no rates" in text


def test_names_stay_text(tmp_path):
    """Markup in the names of tasks, their units and the run's description is text on the page."""
    task = NASTY.replace("/", "")
    tasks = [{"name": task, "column": "y", "description": "-", "unit": NASTY}]
    rows = "".join(f"{text},{row}\n" for row, text in enumerate(ALKANES))
    mix = build_tiny(tmp_path, table_source("one", f"smiles,y\n{rows}", tmp_path, tasks=tasks), test=0.3)
    spec = fitted_spec("trivial").model_dump(mode="json") | {"description": NASTY}
    ran = run(validate_spec(RunSpec, spec, where="test"), mix, tmp_path / "run")
    found = Tags(report_page(read_run(ran.path), mix))
    assert not {"script", "b", "a", "iframe"} & {tag for tag, _ in found.tags}
    assert not any(name.startswith("on") for _, attrs in found.tags for name in attrs)
    assert NASTY in found.text
    assert task in found.text


@pytest.mark.slow
def test_as_many_tasks_as_pcba(tmp_path):
    """The best and the worst forty are named, and the page stays under three megabytes."""
    names = [f"t{task}" for task in range(NUM_TASKS)]
    rows = (
        ",".join(
            [text, *(str((row * 7 + task * row) % 5 % 2) if (row + task) % 3 else "" for task in range(NUM_TASKS))]
        )
        for row, text in enumerate(ALKANES)
    )
    source = table_source("many", "\n".join([f"smiles,{','.join(names)}", *rows, ""]), tmp_path, kind="binary")
    mix = build_tiny(tmp_path, source, validation=0.2, test=0.4)
    ran = run(fitted_spec("trivial"), mix, tmp_path / "run")
    page = report_page(read_run(ran.path), mix)
    assert "the best 40 and the worst 40 are named" in Tags(page).text
    assert len(page) < MAX_BYTES


def test_asks_for_the_extra(chains, trained, monkeypatch):
    """Without matplotlib the error says what to install."""
    monkeypatch.setattr("molmix_bench.extras.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"molmix-bench\[cards\]"):
        report_page(read_run(trained), chains)


@pytest.mark.browser
@pytest.mark.slow
def test_in_a_browser(page, tmp_path):
    """All figures show, nothing is wider than the page, small or large, and colours follow the reader's theme."""
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    backgrounds, figures = {}, {}
    with chromium() as browser:
        for theme in ("light", "dark"):
            for width in (390, 1280):
                browser.open(file, theme=theme, width=width)
                assert browser.ask("document.documentElement.scrollWidth") <= width
                _keep(browser.picture(), f"report-{theme}-{width}")
            backgrounds[theme] = browser.ask("getComputedStyle(document.body).backgroundColor")
            figures[theme] = browser.ask("[...document.images].map(i => i.currentSrc)")
            assert browser.ask("[...document.images].every(i => i.complete && i.naturalWidth >= 260)")
            assert (
                browser.ask("performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).length")
                == 0
            )
            # A panel is as wide as half of the page on a screen, two beside each other.
            tops = browser.ask("[...document.querySelectorAll('.grid')][0].children[1].getBoundingClientRect().top")
            first = browser.ask("[...document.querySelectorAll('.grid')][0].children[0].getBoundingClientRect().top")
            assert tops == first
            assert browser.ask("document.querySelector('details').open") is False
    assert backgrounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
    assert not set(figures["light"]) & set(figures["dark"])


def _keep(picture, name):
    """Keeps a picture to be looked at, where the environment says so."""
    if folder := os.environ.get("MOLMIX_PICTURES"):
        Path(folder, f"{name}.png").write_bytes(picture)
