"""The submission page in a real browser, against a stand-in for the service: folder, progress, ticket, verdict."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from playwright.sync_api import expect

from leaderboard.site.pages import site_files
from tests.leaderboard.served import DESKTOP, PHONE, chromium, faults, keep, reading, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TOKEN = "hf_reader"  # noqa: S105  # no secret
NASTY = "<img src=x onerror=alert(1)>"
PROBLEM = {"where": f"predictions/{NASTY}", "found": NASTY, "expected": "one", "fix": f"mend {NASTY}"}


class StandIn:
    """Answers as the service does, keeps what arrives, and can lose a piece or an answer on the way."""

    def __init__(self, *, verdict: str = "accepted", lose: int = 0) -> None:
        self.files: dict[str, bytearray] = {}
        self.sizes: dict[str, int] = {}
        self.tokens: set[str] = set()
        self.addresses: list[str] = []
        self.verdict, self.lose = verdict, lose
        self.states = ["queued", "checking", "scoring"] if verdict == "accepted" else ["queued", "checking"]

    def __call__(self, method, address, headers, body):
        """Returns status and answer."""
        self.addresses.append(address)
        token = headers["Authorization"].removeprefix("Bearer ")
        self.tokens.add(token)
        if token != TOKEN:
            return 401, {"problem": "no such token"}
        parts = urlsplit(address)
        path = unquote(parts.path).removeprefix("/api/")
        if method == "PUT":
            offset = int(parse_qs(parts.query)["offset"][0])
            return self._take(path.removeprefix("uploads/u1/files/"), offset, body)
        return self._uploads(path, body) if path.startswith("uploads") else (200, self._ticket())

    def _uploads(self, path, body):
        if path == "uploads":
            self.sizes = {item["path"]: item["num_bytes"] for item in json.loads(body)["files"]}
            self.files = {name: bytearray() for name in self.sizes}
        elif path == "uploads/u1/finish":
            assert {name: len(content) for name, content in self.files.items()} == self.sizes
            return 202, {"ticket": "t1"}
        return 200, {"upload": "u1", "files": self._state()}

    def _ticket(self):
        if self.states:
            return {"state": self.states.pop(0), "ahead": 2}
        problems = [PROBLEM] if self.verdict == "refused" else []
        return {"state": self.verdict, "problems": problems, "page": "tiny/index.html"}

    def _state(self):
        return [{"path": name, "received": len(content)} for name, content in self.files.items()]

    def _take(self, name, offset, body):
        if offset != len(self.files[name]):
            return 409, {"received": len(self.files[name])}
        if self.lose:
            self.lose -= 1
            # Half of it arrives, and the answer does not.
            self.files[name] += body[: len(body) // 2]
            return 503, {"problem": "busy"}
        self.files[name] += body
        return 200, {"received": len(self.files[name])}


@pytest.fixture(scope="module")
def browser():
    """One browser for all."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def site():
    """With a service behind it."""
    return site_files((), has_service=True)


@pytest.fixture
def folder(tmp_path):
    """A submission of 9 MB, and beside it what is none of it."""
    root = tmp_path / "mine"
    (root / "predictions" / "qm9" / "test").mkdir(parents=True)
    (root / "submission.yaml").write_text("format: molmix-submission-1\n", encoding="utf-8")
    (root / "predictions" / "qm9" / "test" / "seed=0.parquet").write_bytes(bytes(range(256)) * 36_000)
    (root / "notes & <b>.txt").write_text("mine", encoding="utf-8")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("secret", encoding="utf-8")
    return root


def _content(folder):
    path = folder / "predictions" / "qm9" / "test" / "seed=0.parquet"
    return {
        "submission.yaml": (folder / "submission.yaml").read_bytes(),
        "predictions/qm9/test/seed=0.parquet": path.read_bytes(),
    }


def _send(page, address, folder, token=TOKEN):
    page.goto(f"{address}/submit.html")
    page.set_input_files("#folder", folder)
    expect(page.locator(".what")).to_have_text(re.compile("2 files, 9.2 MB"))
    expect(page.locator(".left")).to_have_text("2 other files there, left out")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Send").click()


def _send_by_keyboard(page, address, folder):
    """Sends without a mouse: everything is reached by Tab, in order, and what happens is said."""
    page.goto(f"{address}/submit.html")
    page.locator("#main").focus()
    while page.evaluate("document.activeElement.id") != "folder":
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null"), "the folder is not reached"
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Enter")
    chosen.value.set_files(folder)
    expect(page.get_by_role("status").filter(has_text="Ready to send: 2 files, 9.2 MB.")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")


VERDICT = """
- region "Verdict":
  - heading "Verdict" [level=3]
  - paragraph:
    - text: Ticket
    - code: t1
    - text: accepted
  - status: "Scored: it stands on the board."
  - paragraph:
    - link "Its page"
"""
"""What a screen reader is told."""


@pytest.mark.parametrize(("width", "send"), [(DESKTOP, _send_by_keyboard), (PHONE, _send)])
def test_a_submission_is_sent_and_watched(browser, site, folder, width, send):
    """Bytes arrive whole, and only the submission's; the token stands in no address; the verdict leads to the board."""
    service = StandIn()
    with served(site, service) as address, reading(browser, width=width) as page:
        send(page, address, folder)
        expect(page.locator("#verdict .state")).to_have_text("accepted")
        expect(page.locator("main")).to_match_aria_snapshot(VERDICT)
        assert page.evaluate("document.activeElement.id") == "verdict"
        expect(page.get_by_role("link", name="Its page")).to_have_attribute("href", "tiny/index.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert faults(page) == []
        keep(page, f"submitted-{width}")
        kept = page.evaluate("JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])")
    assert {name: bytes(content) for name, content in service.files.items()} == _content(folder)
    assert not any(TOKEN in text for text in (*service.addresses, kept))


def test_a_refusal_says_everything_as_text(browser, site, folder):
    """Each problem with how to mend it; markup in them is text."""
    with served(site, StandIn(verdict="refused")) as address, reading(browser) as page:
        _send(page, address, folder)
        expect(page.locator("#verdict .state")).to_have_text("refused")
        expect(page.locator("#verdict .problems")).to_have_text(
            f"predictions/{NASTY}: found {NASTY}; expected one; mend {NASTY}"
        )
        assert page.locator("img").count() == 0
        keep(page, "refused")


def test_it_goes_on_where_it_was_interrupted(browser, site, folder):
    """Half a piece arrived and the answer got lost, twice: the rest is sent, and nothing twice."""
    service = StandIn(lose=2)
    with served(site, service) as address, reading(browser, statuses=(409, 503)) as page:
        _send(page, address, folder)
        expect(page.locator("#verdict .state")).to_have_text("accepted")
    assert {name: bytes(content) for name, content in service.files.items()} == _content(folder)


def test_a_wrong_token_is_said(browser, site, folder):
    """What the service answers is shown, and it can be tried again."""
    with served(site, StandIn()) as address, reading(browser, statuses=(401,)) as page:
        _send(page, address, folder, token="hf_wrong")
        expect(page.locator(".said")).to_contain_text("no such token")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#verdict .state")).to_have_text("accepted")


def test_a_folder_can_be_dropped(browser, site, folder):
    """From the system's files, folders in it too."""
    with served(site, StandIn()) as address, reading(browser) as page:
        page.goto(f"{address}/submit.html")
        box = page.locator(".drop").bounding_box()
        devtools = page.context.new_cdp_session(page)
        data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            devtools.send("Input.dispatchDragEvent", {"type": kind, "x": box["x"] + 9, "y": box["y"] + 9, "data": data})
        expect(page.locator(".what")).to_have_text("2 files, 9.2 MB")
        expect(page.locator(".files li")).to_have_text(
            [re.compile("predictions/qm9/test/seed=0.parquet"), re.compile("submission.yaml")]
        )


def test_a_folder_that_is_no_submission(browser, site, tmp_path):
    """It says what is missing, and nothing can be sent."""
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with served(site, StandIn()) as address, reading(browser) as page:
        page.goto(f"{address}/submit.html")
        page.set_input_files("#folder", tmp_path)
        expect(page.locator(".said")).to_contain_text("no submission.yaml")
        expect(page.get_by_role("button", name="Send")).to_be_disabled()
        assert faults(page) == []
