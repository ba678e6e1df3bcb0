"""A site served from memory, and a headless Chromium that reads it and fails on whatever goes wrong in it."""

from __future__ import annotations

import json
import mimetypes
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from threading import Thread

import pytest

from leaderboard.site.assets import POLICY

DESKTOP, PHONE = 1280, 360
PATIENCE_MS = 30_000
"""For what a page is expected to become, on a machine that does other things too."""


Answer = tuple[int, object]
"""A status, and what is answered as JSON."""
Service = Callable[[str, str, Mapping[str, str], bytes], Answer]
"""Takes a method, an address, headers and a body."""


@contextmanager
def served(site: Mapping[str, bytes], service: Service | None = None) -> Iterator[str]:
    """Yields the address under which the files of a site are served, with the policy in a header too.

    Args:
        site: by path.
        service: answers what is asked below `api/`.
    """

    class Handler(BaseHTTPRequestHandler):
        def _serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = service(self.command, self.path, dict(self.headers), body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_POST = do_PUT = _serve  # noqa: N815  # the library's names

        def do_GET(self):  # the library's name
            path = self.path.partition("?")[0].lstrip("/") or "index.html"
            if service and path.startswith("api/"):
                self._serve()
                return
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
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
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
def reading(
    browser, *, width: int = DESKTOP, theme: str = "light", scripts: bool = True, statuses: tuple[int, ...] = ()
):
    """Yields a page; afterwards nothing may have been refused by the policy, failed, or opened a dialog.

    Args:
        browser: of `chromium`.
        width: of the window, pixels.
        theme: of the reader's system.
        scripts: whether they may run.
        statuses: of answers that are meant to come, which the browser calls errors.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=theme, java_script_enabled=scripts
    )
    page, wrong = context.new_page(), []
    page.on("dialog", lambda dialog: wrong.append(dialog.message) or dialog.dismiss())
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: _note(message, wrong, statuses))
    page.on("request", lambda request: wrong.append(request.url) if "//127.0.0.1:" not in request.url else None)
    try:
        yield page
        assert wrong == []
    finally:
        context.close()


def _note(message, wrong: list[str], statuses: tuple[int, ...]) -> None:
    """Notes what the browser complains of."""
    meant = any(f"status of {status} " in message.text for status in statuses)
    if message.type in ("error", "warning") and not meant:
        wrong.append(message.text)


def faults(page) -> list[str]:
    """Returns the serious accessibility faults that axe finds in a page."""
    if page.evaluate("window.axe === undefined"):
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
