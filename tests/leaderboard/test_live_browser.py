"""The whole path in a real browser: sent, watched, seen on the board, marked, and in the log; by real processes."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.leaderboard.conftest import invoke
from tests.leaderboard.live import living, local_client
from tests.leaderboard.served import DESKTOP, chromium, faults, keep, reading

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SLOW_MS = 120_000


def test_from_a_folder_to_a_row(honest, honest_mix, tmp_path):
    """A folder is sent from the page and watched; its row stands on the board; a maintainer's mark shows by itself."""
    with living(tmp_path / "data", "--mix", honest_mix.path) as live, chromium() as browser:
        live.work()
        token = local_client(live.url, live.data, "ann").token
        with reading(browser, width=DESKTOP) as page:
            page.goto(f"{live.url}/submit.html")
            page.set_input_files("#folder", honest)
            page.get_by_label("Token").fill(token)
            page.get_by_role("button", name="Send").click()
            expect(page.locator("#verdict .state")).to_have_text("accepted", timeout=SLOW_MS)
            keep(page, "live-accepted")
            page.get_by_role("link", name="Its page").click()
            expect(page.get_by_role("heading", level=1)).to_contain_text("mean")
            assert faults(page) == []
            page.goto(f"{live.url}/tiny/")
            expect(page.locator("table").first).to_contain_text("mean")
            keep(page, "live-board")
            done = invoke("mark", "mean-1-0-0", "reproduced", "--data", live.data, "--why", "rerun here")
            assert done.exit_code == 0
            page.goto(f"{live.url}/log.html")
            while "rerun here" not in page.locator("main").inner_text():
                page.wait_for_timeout(250)
                page.reload()
            page.goto(f"{live.url}/docs")
            expect(page.get_by_role("heading", level=1)).to_contain_text("API")
            assert faults(page) == []
            keep(page, "live-docs")
        assert token not in live.log.read_text(encoding="utf-8")


def test_a_refusal_is_read_on_the_page(honest, honest_mix, tmp_path):
    """What the check says there, with how to mend it."""
    (honest_bad := tmp_path / "bad").mkdir()
    for path in honest.rglob("*"):
        if path.is_file():
            target = honest_bad / path.relative_to(honest)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes() if "seed=1" not in path.name else b"PAR1")
    with living(tmp_path / "data", "--mix", honest_mix.path) as live, chromium() as browser:
        live.work()
        token = local_client(live.url, live.data, "ann").token
        with reading(browser, width=DESKTOP) as page:
            page.goto(f"{live.url}/submit.html")
            page.set_input_files("#folder", honest_bad)
            page.get_by_label("Token").fill(token)
            page.get_by_role("button", name="Send").click()
            expect(page.locator("#verdict .state")).to_have_text("refused", timeout=SLOW_MS)
            expect(page.locator("#verdict .problems")).to_contain_text("seed=1.parquet")
            assert page.locator("#verdict .problems li").count() >= 4
            keep(page, "live-refused")
