"""A site served from memory, and a headless Chromium that reads it and fails on whatever goes wrong in it."""

from __future__ import annotations

import mimetypes
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from threading import Thread

import pytest

from leaderboard.site.assets import POLICY

DESKTOP, PHONE = 1280, 360


@contextmanager
def served(site: Mapping[str, bytes]) -> Iterator[str]:
    """Yields the address under which the files of a site are served, with the policy in a header too."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # the library's name
            path = self.path.partition("?")[0].lstrip("/") or "index.html"
            content = site.get(path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Type", mimetypes.guess_type(path)[0] or "application/octet-stream")
            self.send_header("Content-Security-Policy", f"{POLICY}; frame-ancestors 'none'")
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def chromium():
    """Yields a browser; skips where Chromium is not installed."""
    from playwright.sync_api import sync_playwright

    binary = shutil.which("chromium")
    if binary is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=binary, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def reading(browser, *, width: int = DESKTOP, theme: str = "light", scripts: bool = True):
    """Yields a page; afterwards nothing may have been refused by the policy, failed, or opened a dialog."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=theme, java_script_enabled=scripts
    )
    page, wrong = context.new_page(), []
    page.on("dialog", lambda dialog: wrong.append(dialog.message) or dialog.dismiss())
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("request", lambda request: wrong.append(request.url) if "//127.0.0.1:" not in request.url else None)
    try:
        yield page
        assert wrong == []
    finally:
        context.close()


def faults(page) -> list[str]:
    """Returns the serious accessibility faults that axe finds in a page."""
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{item['id']} ({item['impact']}): {node['html'][:160]}"
        for item in found
        if item["impact"] in ("serious", "critical", "moderate")
        for node in item["nodes"][:3]
    ]


def keep(page, name: str) -> None:
    """Keeps a picture to be looked at, where the environment says so."""
    if folder := os.environ.get("MOLMIX_PICTURES"):
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)
