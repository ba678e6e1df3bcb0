"""Tests of the HTML page: whole in itself, nothing in it but what we wrote, legible in light and dark."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from molmix_bench.cards import write
from molmix_bench.cards.document import Code, Heading, Image, Link, Listing, Paragraph, Table
from molmix_bench.cards.page import Fold, Grid, render_page
from molmix_bench.cards.write import page_of
from tests.cards.browser import chromium
from tests.cards.conftest import NASTY, figures_of
from tests.command import run_here
from tests.tags import Tags

FETCHED = "performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).length"


def test_data_stay_text():
    """Markup in any place of any block is text on the page."""
    blocks = [
        Heading(1, NASTY),
        Paragraph((NASTY, Code(NASTY))),
        Table((NASTY,), [[NASTY]]),
        Listing(NASTY, NASTY),
        Paragraph(Link(NASTY, 'https://a.b/" onclick="x')),
        Paragraph(Link("z", "javascript:alert(1)")),
        Image("figure", NASTY),
    ]
    page = Tags(render_page(NASTY, blocks, {"figure": (b"light", b"dark")}))
    assert [tag for tag, _ in page.tags if tag in ("img", "script", "b", "a")] == ["a", "img"]
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert page.text.count(NASTY) == 8
    sources = [attrs.get("src") or attrs.get("srcset") or attrs.get("href") for _, attrs in page.tags]
    assert {source.partition(":")[0] for source in sources if source} == {"data", "https"}


def test_no_figure_that_was_not_drawn():
    """An image without a figure is left out."""
    assert "<img" not in render_page("x", [Image("figure", "x")], {})


def test_grids_and_folds():
    """Blocks beside each other and those behind a line are written as any others, SVG figures as images."""
    cells = [[Paragraph("a"), Image("drawing", NASTY, 260)], [Paragraph("b")]]
    page = Tags(
        render_page("x", [Grid(cells, 260), Fold(NASTY, [Paragraph("c")])], {"drawing": (b"<svg/>", b"<svg />")})
    )
    assert [tag for tag, _ in page.tags if tag in ("div", "details", "summary", "p", "img")] == [
        *("div", "div", "p", "img", "div", "p", "details", "summary", "p")
    ]
    image = next(attrs for tag, attrs in page.tags if tag == "img")
    assert image["src"].startswith("data:image/svg+xml;base64,")
    assert (image["width"], image["alt"]) == ("260", NASTY)


def test_whole_page(nasty, monkeypatch):
    """A mix's page asks the network for nothing and runs no script."""
    monkeypatch.setattr(write, "_draw", lambda mix, _: figures_of(mix))
    page = Tags(page_of(nasty))
    assert "default-src 'none'" in next(attrs["content"] for tag, attrs in page.tags if "http-equiv" in attrs)
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert all(attrs["src"].startswith("data:image/png;base64,") for tag, attrs in page.tags if tag == "img")
    assert sum(tag == "img" for tag, _ in page.tags) == 5


@pytest.mark.browser
@pytest.mark.slow
def test_in_a_browser(carded, nasty, tmp_path):
    """All figures show, nothing is wider than the page, colours follow the reader's theme, no script of data runs."""
    with chromium() as browser:
        for mix, count in ((carded, 6), (nasty, 5)):
            file = tmp_path / "page.html"
            file.write_text(page_of(mix), encoding="utf-8")
            backgrounds, figures = {}, {}
            for theme in ("light", "dark"):
                for width in (400, 900):
                    browser.open(file, theme=theme, width=width)
                    assert browser.ask("document.documentElement.scrollWidth") <= width
                backgrounds[theme] = browser.ask("getComputedStyle(document.body).backgroundColor")
                figures[theme] = browser.ask("[...document.images].map(i => i.currentSrc)")
                sizes = browser.ask("[...document.images].map(i => i.naturalWidth)")
                assert sizes == [1200] * count
                assert browser.ask(FETCHED) == 0
                assert browser.ask("document.querySelectorAll('script, [onerror]').length") == 0
                _keep(browser.picture(), f"{mix.name}-{count}-{theme}")
            assert backgrounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
            assert not set(figures["light"]) & set(figures["dark"])


def _keep(picture, name):
    """Keeps a picture to be looked at, where the environment says so."""
    if folder := os.environ.get("MOLMIX_PICTURES"):
        Path(folder, f"{name}.png").write_bytes(picture)


def test_commands(built, tmp_path):
    """`card` prints what it wrote, `info --html` writes the page, and what is no mix exits with 1 and a reason."""
    mix = shutil.copytree(built, tmp_path / "mix")
    written = run_here("card", mix, "--workers", "1", "--published", "2024-05-01", env={})
    assert written.returncode == 0, written.stderr
    assert written.stdout.splitlines()[:2] == [str(mix / "README.md"), str(mix / "croissant.json")]
    assert '"datePublished": "2024-05-01"' in (mix / "croissant.json").read_text()
    page = run_here("info", mix, "--html", tmp_path / "page.html", env={})
    assert page.stdout.strip() == str(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    bad = run_here("card", tmp_path, env={})
    assert bad.returncode == 1
    assert "no manifest.json" in bad.stderr
    assert run_here("card", mix, "--published", "soon", env={}).returncode == 2
