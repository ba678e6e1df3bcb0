"""Markup and script in every text that comes from outside, in a real browser: shown as text, run by nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from leaderboard.boards import make_boards
from leaderboard.entries import Refused
from leaderboard.site.pages import site_files
from leaderboard.site.records import Action, LogRecord, Move
from leaderboard.site.slugs import slug
from molmix_bench.specs.submission import Author, ExternalData
from molmix_bench.submissions.check import Problem
from tests.leaderboard.made import build_wide_mix, make_entries
from tests.leaderboard.served import PHONE, chromium, reading, served
from tests.tags import Tags

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FIELDS = (
    "model",
    "version",
    "author",
    "command",
    "hardware",
    "external",
    "use",
    "licence",
    "code",
    "url",
    "entry",
    "task",
    "title",
    "description",
    "dataset",
    "log",
    "moved",
    "refused",
    "found",
    "fix",
)


def nasty(field: str) -> str:
    """Returns what ends a title, a script, an attribute and a comment, and says which field it came by."""
    return f"{field}</title></script><script>alert('{field}')</script><img src=x onerror=alert(1)>\"' onfocus='x' <!--"


def _hostile(entry):
    """Returns a submission with such texts in all fields, also where the check would refuse them."""
    spec = entry.submission.spec
    external = ExternalData.model_construct(name=nasty("external"), url=nasty("url"), use=nasty("use"))
    spec = spec.model_copy(
        update={
            "model": nasty("model"),
            "version": nasty("version"),
            "authors": (Author.model_construct(name=nasty("author"), orcid=None),),
            "command": nasty("command"),
            "hardware": nasty("hardware"),
            "licence": spec.licence.model_copy(update={"weights": nasty("licence")}),
            "code": spec.code.model_copy(update={"url": f"javascript:alert(1)//{nasty('code')}"}),
            "training_data": spec.training_data.model_copy(update={"external_data": (external,)}),
        }
    )
    table = entry.submission.table.table.with_columns(
        pl.when(pl.col("task").is_not_null()).then(pl.lit(nasty("task")) + pl.col("task")).alias("task")
    )
    submission = replace(entry.submission, spec=spec, table=replace(entry.submission.table, table=table))
    return replace(entry, name=nasty("entry"), submission=submission)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Two submissions, one hostile and one not, of a mix whose own texts are hostile too."""
    mix = build_wide_mix(tmp_path_factory.mktemp("mix"), {"tox21": 9})
    source = mix.manifest.spec.sources[0]
    dataset = source.datasets["tox21"].model_copy(update={"description": nasty("dataset")})
    source = source.model_copy(update={"datasets": {"tox21": dataset}})
    spec = mix.manifest.spec.model_copy(
        update={"title": nasty("title"), "description": nasty("description"), "sources": (source,)}
    )
    mix.manifest = mix.manifest.model_copy(update={"spec": spec})
    plain, other = make_entries(mix, 2)
    entries = (_hostile(plain), _hostile(replace(other, name=other.name)))
    entries = (entries[0], replace(entries[1], name="second"))
    move = Move("second", nasty("moved"), "tox21", "test", "ap", 0.1, 0.2, 2, 1)
    log = LogRecord(
        datetime(2026, 2, 1, tzinfo=UTC), Action.MARKED, "tiny", nasty("log"), "second", nasty("model"), (move,)
    )
    refused = Refused(nasty("refused"), "tiny", (Problem(nasty("refused"), nasty("found"), "one", nasty("fix")),))
    return site_files(make_boards(entries), (refused,), log=(log,))


def test_every_text_is_text(site):
    """On every page, after everything on it was used: no element of theirs, no dialog, no request, and all legible."""
    seen = ""
    first = f"tiny/entries/{slug(nasty('entry'))}/index.html"
    with served(site) as address, chromium() as browser, reading(browser) as page:
        for path in ("index.html", "log.html", "tiny/index.html", first, "tiny/compare.html"):
            page.goto(f"{address}/{path}", wait_until="networkidle")
            _use(page)
            page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
            assert page.locator("img").count() == 0
            sources = page.eval_on_selector_all("script", "all => all.map(one => one.getAttribute('src'))")
            assert all(source and "assets/" in source for source in sources)
            found = page.evaluate("[...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames())")
            assert not any(name.startswith("on") for name in found)
            seen += page.evaluate("document.documentElement.textContent")
    assert [field for field in FIELDS if nasty(field) not in seen] == []
    # `code` would be run if it were followed.
    links = [attrs.get("href", "") for _, attrs in Tags(site[first].decode()).tags]
    assert not any("javascript" in link for link in links)


def _use(page):
    """Uses what a page has: sorts, searches, picks, points."""
    for button in page.locator("thead button").all():
        button.click()
    for field in page.locator("input[type=search]").all():
        field.fill("<script>")
        field.fill("")
    for box in page.locator(".pick input").all()[:2]:
        box.check()
    plot = page.locator("#compare .plot svg")
    if plot.count():
        box = plot.bounding_box()
        for share in range(10):
            page.mouse.move(box["x"] + box["width"] * share / 10, box["y"] + box["height"] * (1 - share / 10))


def test_long_texts_do_not_break_a_phone(site):
    """Names of 130 letters without a space to break at stay inside the page."""
    with served(site) as address, chromium() as browser:
        for path in ("index.html", "tiny/index.html", "tiny/compare.html", "log.html"):
            with reading(browser, width=PHONE) as page:
                page.goto(f"{address}/{path}", wait_until="networkidle")
                assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
