"""Tests of the site as a whole: made of boards and records alone, the same whoever asks, what is published apart."""

from __future__ import annotations

import base64
import dataclasses
import json
import re

import numpy as np
import pytest
import yaml

from leaderboard import boards as boards_module
from leaderboard.boards import make_boards
from leaderboard.site.pages import site_files
from leaderboard.site.slugs import slug
from leaderboard.site.space import FRONT
from molmix_bench.errors import MixError
from molmix_bench.specs.reported import load_reported
from tests.leaderboard.made import build_wide_mix, make_entries, make_log
from tests.tags import Tags

HUB_COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@pytest.fixture(scope="module")
def mix(tmp_path_factory):
    """Two datasets of four tasks each, one of numbers and one binary."""
    return build_wide_mix(tmp_path_factory.mktemp("mix"), {"qm9": 4, "tox21": 4})


@pytest.fixture(scope="module")
def entries(mix):
    """Six made-up submissions."""
    return make_entries(mix, 6)


def test_the_same_bytes_whoever_asks(mix, entries):
    """Twice, from submissions and records in another order, page by page or all at once."""
    log = make_log(entries)
    one, other = site_files(make_boards(entries), log=log), site_files(make_boards(entries[::-1]), log=log[::-1])
    assert {path: other[path] for path in reversed(list(other))} == dict(one)
    assert len(one) == len(list(one)) > 50
    with pytest.raises(KeyError):
        one["../secret"]


def test_a_service_has_another_page_for_submitting_and_no_other(entries):
    """What a static site and a service show is the same."""
    boards = make_boards(entries)
    static, live = site_files(boards), site_files(boards, has_service=True)
    assert [path for path in static if static[path] != live[path]] == ["submit.html"]
    assert "take no uploads" in Tags(static["submit.html"].decode()).text


def test_nothing_submitted_yet(mix):
    """No mix at all, or one without submissions: pages that say so, and invite."""
    assert "No submission yet" in Tags(site_files(())["index.html"].decode()).text
    site = site_files(make_boards((), (mix,)))
    page = Tags(site["tiny/index.html"].decode())
    assert "No model has been scored on qm9 yet" in page.text
    assert "4 of 4 tasks scored" in page.text
    assert not any(attrs.get("id") == "ranking" for _, attrs in page.tags)
    assert "Fewer than two models" in Tags(site["tiny/compare.html"].decode()).text
    assert "Nothing is recorded yet" in Tags(site["log.html"].decode()).text


@pytest.mark.parametrize("name", ["toymix", "largemix", "ultralarge"])
def test_what_is_published_stands_apart_with_its_source(name):
    """Every figure as printed, in a table of its own, beside a link to where it stands; in no ranking."""
    site, published = site_files(()), load_reported(name)
    for table in published.tables:
        for place, metric in enumerate(table.metrics):
            pages = [path for path in site if path.startswith(f"{name}/{table.dataset}-test")]
            titles = {path: Tags(site[path].decode()) for path in pages}
            text = next(page.text for path, page in titles.items() if _is_of(path, metric, table.dataset, site))
            assert all(figures[place] in text for figures in table.rows.values())
    page = Tags(site[f"{name}/index.html"].decode())
    assert {published.source.url, published.source.tables} <= {attrs.get("href") for _, attrs in page.tags}
    assert not any(attrs.get("id") == "ranking" for _, attrs in page.tags)
    assert "Not ranked" in page.text


def _is_of(path, metric, dataset, site):
    primary = f"{path.partition('/')[0]}/{dataset}-test.html"
    named = f"{dataset}-test.{metric}.html"
    return path.endswith(named) if f"{path.partition('/')[0]}/{named}" in site else path == primary


def test_the_log_tells_what_moved(entries):
    """Newest first; a record of a submission stands on its page too, those of others do not."""
    site = site_files(make_boards(entries), log=make_log(entries, "because <b>"))
    shown = site["log.html"].decode()
    assert re.findall('class="badge ([a-z]+)"', shown) == ["marked", "rescored", "removed", "added"]
    page = Tags(shown).text
    assert page.count("because <b>") == 4
    assert "0.5200" in page
    assert "3 → 2" in page
    assert Tags(site[f"tiny/entries/{entries[0].name}/index.html"].decode()).text.count("because <b>") == 3
    assert "because" not in site[f"tiny/entries/{entries[1].name}/index.html"].decode()


def test_the_log_leads_to_rows_that_are_there(entries):
    """A model's name is a link to its page; that of a row which is off the board is none."""
    log = make_log(entries)
    page = f"tiny/entries/{slug(entries[0].name)}/index.html"
    for some, count in ((entries, 3), (entries[1:], 0)):
        site = site_files(make_boards(some), log=log)
        for name in ("log.html", "index.html"):
            links = [attrs.get("href") for _, attrs in Tags(site[name].decode()).tags]
            assert links.count(page) == count
        assert (page in site) == bool(count)


def test_what_a_model_was_trained_on_stands_beside_it(entries):
    """Where that is not the whole mix, so that two of one name can be told apart."""
    stated = entries[0].submission.spec.training_data
    texts = {}
    for datasets in (["qm9"], ["qm9", "tox21"]):
        (used,) = stated.mixes
        changed = stated.model_copy(update={"mixes": (used.model_copy(update={"datasets": tuple(datasets)}),)})
        spec = entries[0].submission.spec.model_copy(update={"training_data": changed})
        one = dataclasses.replace(entries[0], submission=dataclasses.replace(entries[0].submission, spec=spec))
        texts[len(datasets)] = Tags(site_files(make_boards((one, *entries[1:])))["tiny/index.html"].decode()).text
    assert texts[1].count("trained on qm9 alone") == 2
    assert "trained on" not in texts[2]


def test_replicates_give_the_paired_differences(entries):
    """What a page compares two models by holds what the library compares them by."""
    (board,) = make_boards(entries)
    site = site_files((board,))
    found = {
        (entry.name, score["dataset"], score["metric"]): score
        for entry in entries
        for score in json.loads(site[f"tiny/entries/{slug(entry.name)}/replicates.json"])["scores"]
    }
    for row in board.comparison.differences.iter_rows(named=True):
        one, other = (found[row[key], row["dataset"], row["metric"]] for key in ("model", "other"))
        mine, theirs = (np.frombuffer(base64.b64decode(score["deviations"]), "<f4") for score in (one, other))
        drawn = mine.astype(float) - theirs
        low, high = row["difference"] + np.quantile(drawn, [0.025, 0.975]) - drawn.mean()
        assert one["value"] - other["value"] == row["difference"]
        assert (low, high) == pytest.approx((row["ci_low"], row["ci_high"]), abs=1e-6)


def test_many_models_have_the_same_ranks_without_a_list_of_pairs(entries, monkeypatch):
    """From more models on than can be listed by pairs."""
    (few,) = make_boards(entries)
    monkeypatch.setattr(boards_module, "MAX_PAIRED", 5)
    (many,) = make_boards(entries)
    assert many.comparison.ranks.equals(few.comparison.ranks)
    one, other = site_files((few,)), site_files((many,))
    assert set(one) - set(other) == {"tiny/differences.csv"}
    assert "differences.csv" not in other["tiny/index.html"].decode()


def test_a_mix_that_was_built_again_meanwhile(entries, mix, monkeypatch):
    """Labels are read once for each build; another build in the same place is no board's."""
    boards_module._labels.cache_clear()
    changed = mix.manifest.model_copy(update={"build_key": "0" * 64})
    monkeypatch.setattr(mix, "manifest", changed)
    with pytest.raises(MixError, match="still 000000000000"):
        make_boards(entries)
    boards_module._labels.cache_clear()


def test_names_that_are_no_addresses(entries):
    """Different names have different folders, on file systems without case too, and none leads elsewhere."""
    names = ["a", "A", "a.b", "a b", "../a", "..", "", "é", "a" * 300, "con<script>", "a/b", "a\\b", "index.html"]
    found = [slug(name) for name in names]
    assert len({name.lower() for name in found}) == len(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.") and len(name) < 70 for name in found)
    assert not any(name.startswith(".") for name in found)


def test_a_static_space_can_show_it():
    """The Hub's front matter, within the bounds that the Hub sets."""
    readme = site_files(())["README.md"].decode()
    front = yaml.safe_load(readme.split("---")[1])
    assert front == FRONT
    assert (front["sdk"], front["app_file"]) == ("static", "index.html")
    assert {front["colorFrom"], front["colorTo"]} <= HUB_COLOURS
    assert len(front["short_description"]) <= 60
