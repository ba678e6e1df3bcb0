"""The site in a real browser: on a phone and a desk, in light and in dark."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cards.browser import chromium

HIDDEN = """[...document.querySelectorAll('td, th, dd, li')].filter(e => {
  const box = e.getBoundingClientRect();
  return e.checkVisibility() && !e.closest('thead, .scroll') && box.width > 0 && box.right > innerWidth + 1;
}).length"""


@pytest.mark.browser
@pytest.mark.slow
def test_pages_are_legible(rendered):
    """Nothing is wider than the page, everything can be opened without a script, colours follow the reader's system."""
    with chromium() as browser:
        for name in ("index.html", "tiny/index.html"):
            backgrounds = {}
            for theme in ("light", "dark"):
                for width in (390, 1280):
                    browser.open(rendered[0] / name, theme=theme, width=width)
                    browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
                    assert browser.ask("document.documentElement.scrollWidth") <= width
                    assert browser.ask(HIDDEN) == 0
                    assert browser.ask("performance.getEntriesByType('resource').length") == 0
                    # The policy lets the page's own style in.
                    assert browser.ask("getComputedStyle(document.body).maxWidth") == "1216px"
                    if folder := os.environ.get("MOLMIX_PICTURES"):
                        Path(folder, f"{name.replace('/', '-')}-{theme}-{width}.png").write_bytes(browser.picture())
                backgrounds[theme] = browser.ask("getComputedStyle(document.body).backgroundColor")
            assert backgrounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
