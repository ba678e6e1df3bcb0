"""The site in a real browser: sorted, filtered, drilled into, compared; by mouse and keyboard, wide and narrow."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from leaderboard.boards import make_boards
from leaderboard.site.pages import site_files
from molmix_bench.metrics.compare import compare
from tests.leaderboard.made import build_wide_mix, make_entries, make_log
from tests.leaderboard.served import DESKTOP, PHONE, chromium, faults, keep, reading, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]
COUNT = 40
PAGES = {
    "start": "index.html",
    "board": "tiny/index.html",
    "reported": "toymix/tox21-test.html",
    "entry": "tiny/entries/gcn-0/index.html",
    "compare": "tiny/compare.html",
    "log": "log.html",
    "protocol": "protocol.html",
    "submit": "submit.html",
}


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    """Forty made-up submissions to two datasets, of 90 and of 12 tasks."""
    mix = build_wide_mix(tmp_path_factory.mktemp("wide"), {"qm9": 90, "tox21": 12})
    return make_entries(mix, COUNT)


@pytest.fixture(scope="module")
def address(entries):
    """Where their site is served."""
    with served(site_files(make_boards(entries), log=make_log(entries))) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    """One browser for all."""
    with chromium() as found:
        yield found


def _names(page, attribute="id"):
    return page.eval_on_selector_all(
        "#ranking tbody tr", f"rows => rows.filter(row => !row.hidden).map(row => row.dataset.{attribute})"
    )


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_accessible_and_fit(browser, address, name):
    """Axe finds no fault in light or dark, wide or narrow; nothing is wider than the page, with every fold open."""
    with reading(browser) as page:
        page.goto(f"{address}/{PAGES[name]}", wait_until="networkidle")
        page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        for width in (DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": 800})
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert faults(page) == []
                keep(page, f"{name}-{theme}-{width}")


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_without_scripts_everything_is_there(browser, address, width):
    """All rows, datasets and metrics by links, raw scores; no control that does nothing."""
    with reading(browser, width=width, scripts=False) as page:
        page.goto(f"{address}/tiny/index.html")
        assert page.locator("#ranking tbody tr").count() == COUNT
        assert not page.locator("#filters").is_visible()
        page.get_by_role("link", name="tox21").click()
        page.get_by_role("link", name="AUROC").click()
        expect(page).to_have_title(re.compile("^tox21, AUROC"))
        page.locator("#ranking tbody th a").first.click()
        expect(page.locator("#scores")).to_be_visible()
        expect(page.get_by_role("link", name="scores.csv.gz")).to_be_visible()


def test_sorting_and_filtering(browser, address, entries):
    """By headings, of which the sorted one says so; by every filter; the address keeps it, and a reload too."""
    sizes = {entry.name: entry.submission.spec.parameters for entry in entries}
    with reading(browser) as page:
        page.goto(f"{address}/tiny/index.html")
        ranked = _names(page)
        page.get_by_role("button", name="Parameters").click()
        assert [sizes[name] for name in _names(page)] == sorted(sizes.values())
        assert page.locator("th[aria-sort]").all_inner_texts() == ["Parameters"]
        page.get_by_role("button", name="Parameters").click()
        assert [sizes[name] for name in _names(page)] == sorted(sizes.values(), reverse=True)
        page.get_by_role("button", name="Rank").click()
        assert _names(page) == ranked
        page.get_by_label("External data").select_option("none")
        page.get_by_label("Open weights only").check()
        page.locator("[name=verification]").select_option("reproduced")
        page.get_by_label("Find").fill("GCN lovelace")
        page.wait_for_url("**find=GCN+lovelace**")
        found = [
            entry.name
            for entry in entries
            if "gcn" in entry.submission.spec.model
            and any(author.name == "Ada Lovelace" for author in entry.submission.spec.authors)
            and entry.verification == "reproduced"
            and not entry.submission.spec.training_data.external_data
            and entry.submission.spec.licence.weights == "CC-BY-4.0"
        ]
        assert sorted(_names(page)) == sorted(found) != []
        assert page.locator("#status").inner_text() == f"{len(found)} of {COUNT} models"
        page.reload()
        assert sorted(_names(page)) == sorted(found)
        page.get_by_role("button", name="Clear").first.click()
        assert _names(page) == ranked


def test_another_dataset_without_leaving(browser, address):
    """Filters stay, the heading and address change, focus stays where it was, and going back goes back."""
    with reading(browser) as page:
        page.goto(f"{address}/tiny/index.html")
        page.evaluate("window.same = true")
        page.locator("[name=size]").select_option("1e6-1e7")
        page.wait_for_url("**size=**")
        few = len(_names(page))
        assert 0 < few < COUNT
        page.get_by_role("link", name="tox21").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/tox21-test.html?size=1e6-1e7")
        assert page.evaluate("window.same")
        assert page.locator("#section").inner_text() == "tox21"
        assert len(_names(page)) == few
        assert page.evaluate("document.activeElement.innerText").startswith("tox21")
        expect(page.locator("#status")).to_contain_text("tox21")
        page.go_back()
        expect(page.locator("#section")).to_have_text("qm9")
        assert page.evaluate("window.same")


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_a_model_task_by_task(browser, address, width):
    """Ninety tasks by pages of 25, the best first; searched and sorted; another dataset and metric."""
    with reading(browser, width=width) as page:
        page.goto(f"{address}/tiny/index.html")
        page.locator("#ranking tbody th a").first.click()
        table = page.locator("#drill table")
        expect(table.locator("tbody tr")).to_have_count(25)
        values = [float(text.split()[0]) for text in table.locator("tbody td:nth-child(2)").all_inner_texts()]
        assert values == sorted(values)
        page.get_by_role("button", name="Next").click()
        expect(page.locator(".pager span")).to_have_text("26 to 50 of 90")
        page.get_by_label("Find").fill("qm9-7")
        expect(table.locator("tbody tr")).to_have_count(11)
        page.get_by_label("Find").fill("")
        page.get_by_label("Dataset").select_option("tox21-test")
        expect(table.locator("tbody tr")).to_have_count(12)
        page.get_by_label("Metric").select_option("auroc")
        expect(table.locator("thead th").nth(1)).to_have_text(re.compile("^AUROC"))
        keep(page, f"drill-{width}")


def test_two_models_compared(browser, address, entries):
    """Chosen by keyboard; paired differences and verdicts are those of the library, of each dataset and metric."""
    with reading(browser) as page:
        page.goto(f"{address}/tiny/index.html")
        picks = page.locator(".pick input")
        for place in (0, 5):
            picks.nth(place).focus()
            page.keyboard.press("Space")
        names = [_names(page)[place] for place in (0, 5)]
        assert picks.nth(1).is_disabled()
        page.locator("#picked a").focus()
        page.keyboard.press("Enter")
        page.locator("#compare .rows table").wait_for()
        shown = page.eval_on_selector_all(
            "#compare .over tbody tr", "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
        )
        macros = {entry.name: entry.submission.macros for entry in entries if entry.name in names}
        wanted = compare(macros).differences.filter(model=names[0])
        assert len(shown) == wanted.height == 7
        titles = {entry.name: f"{entry.submission.spec.model} {entry.submission.spec.version}" for entry in entries}
        for cells, row in zip(shown, wanted.iter_rows(named=True), strict=True):
            low, _, high = cells[5].partition(" to ")
            assert cells[0].startswith(row["dataset"])
            assert float(cells[4]) == pytest.approx(row["difference"], abs=1e-4)
            assert (float(low), float(high)) == pytest.approx((row["ci_low"], row["ci_high"]), abs=1e-4)
            assert cells[6] == titles.get(row["better"], "neither")
        expect(page.locator(".summary")).to_contain_text("Of 90 tasks")
        keep(page, "compared")
        page.get_by_role("button", name="Swap").click()
        page.wait_for_url(f"**a={names[1]}&b={names[0]}**")


def test_the_colours_can_be_chosen(browser, address):
    """As the reader's system says, then light, then dark; the choice lasts over pages."""
    with reading(browser, theme="dark") as page:
        page.goto(f"{address}/index.html")
        colour = "getComputedStyle(document.body).backgroundColor"
        button = page.locator("#theme")
        seen = []
        for _ in range(3):
            seen.append(page.evaluate(colour))
            button.click()
        assert seen == ["rgb(13, 17, 23)", "rgb(255, 255, 255)", "rgb(13, 17, 23)"]
        button.click()
        page.goto(f"{address}/protocol.html")
        assert page.evaluate(colour) == "rgb(255, 255, 255)"


BOARD = """
- navigation "Breadcrumb"
- heading "Tiny" [level=1]
- navigation "Datasets":
  - list:
    - listitem:
      - link "qm9 40 models"
    - listitem:
      - link "tox21 40 models"
- heading "qm9" [level=2]
- navigation "Metric"
- search "Filter models":
  - searchbox "Find"
  - combobox "Verification"
  - combobox "External data"
  - combobox "Parameters"
  - checkbox "Open weights only"
  - button "Clear"
- status: 40 of 40 models
- table "Models on qm9 by MAE, standardised, lower is better":
  - rowgroup:
    - row:
      - columnheader "Compare"
      - columnheader "Rank":
        - button "Rank"
      - columnheader "Model"
  - rowgroup:
    - row:
      - cell:
        - checkbox /^Compare /
      - cell /^1/
      - rowheader:
        - link
"""


def test_a_screen_reader_is_told_what_is_there(browser, address):
    """Names and roles of what a board has, in order; a mark that is drawn is not read out, `aria-sort` says it."""
    with reading(browser) as page:
        page.goto(f"{address}/tiny/index.html")
        expect(page.locator("main")).to_match_aria_snapshot(BOARD)
        labels = page.eval_on_selector_all(".pick input", "boxes => boxes.map(box => box.ariaLabel)")
        assert len(set(labels)) == len(labels) == COUNT
        assert page.locator("#datasets [aria-current=page]").inner_text().startswith("qm9")


def test_focus_is_seen_and_goes_in_order(browser, address):
    """The first key leads past the head of the page, and what has the focus has a line around it."""
    with reading(browser) as page:
        page.goto(f"{address}/tiny/index.html")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
        page.keyboard.press("Enter")
        page.wait_for_url("**#main")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText") == "Mixes"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
