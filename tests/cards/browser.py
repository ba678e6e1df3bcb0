"""A headless Chromium, spoken to over WebDriver: what it shows of a page, in light and in dark."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager

import pytest

ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]


class Browser:
    """One session."""

    def __init__(self, address):
        self._address = address
        options = {"args": ARGUMENTS, "binary": shutil.which("chromium")}
        capabilities = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        self._session = f"/session/{self._call('/session', {'capabilities': capabilities})['sessionId']}"

    def _call(self, path, data, *, method="POST"):
        body = json.dumps(data).encode() if method == "POST" else None
        request = urllib.request.Request(  # noqa: S310 - our own driver on this machine
            self._address + path, body, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.loads(answer.read())["value"]

    def command(self, name, **params):
        """Sends a command of the DevTools protocol."""
        return self._call(f"{self._session}/goog/cdp/execute", {"cmd": name, "params": params})

    def open(self, path, *, theme, width=900):
        """Opens a file as a reader whose system is light or dark would see it."""
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
        self._call(f"{self._session}/url", {"url": path.resolve().as_uri()})

    def ask(self, expression):
        """Returns the value of a JavaScript expression."""
        return self._call(f"{self._session}/execute/sync", {"script": f"return {expression};", "args": []})

    def picture(self):
        """Returns a PNG of the whole page."""
        return base64.b64decode(self.command("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def close(self):
        """Ends the session, and with it Chromium."""
        self._call(self._session, None, method="DELETE")


@contextmanager
def chromium():
    """Yields a browser; skips where Chromium or its driver is not installed."""
    driver = shutil.which("chromedriver")
    if driver is None or shutil.which("chromium") is None:
        pytest.skip("no chromium and chromedriver on this machine (apt-get install chromium chromium-driver)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        browser = Browser(f"http://127.0.0.1:{port}")
        try:
            yield browser
        finally:
            browser.close()
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port):
    for _ in range(300):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(port)
