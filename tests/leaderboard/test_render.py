"""Tests of `python -m leaderboard render`: what is on the pages, and what they never hold."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import shutil

import numpy as np
import polars as pl
import pytest
import yaml

from molmix_bench.errors import UsageError
from molmix_bench.metrics.scores import TABLE_SCHEMA
from molmix_bench.submissions.score import compare, score
from tests.leaderboard.conftest import HOSTILE, invoke, submit, texts
from tests.tags import Tags


@pytest.fixture(scope="module")
def site(rendered):
    """The content of each file."""
    return texts(rendered[0])


def _contents(site):
    return {path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def _rows(site, name):
    return list(csv.DictReader(io.StringIO(site[name])))


def _ranks(page):
    """Returns each model's rank in the table of a page, as its text has them."""
    cells = page.partition('<table class="ranking"')[2].partition("</table>")[0].split("<tr data-id")[1:]
    ranks = {}
    for cell in cells:
        rank, _, rest = cell.partition('<td class="rank">')[2].partition("</td>")
        text = Tags(rank).text
        ranks.setdefault(text, []).append(rest.partition("<bdi>")[2].partition("</bdi>")[0])
    return ranks


def test_refusals_make_the_exit_status_and_the_rest_is_rendered(rendered, site):
    """Two of seven are refused, with everything that is wrong; scores that a submitter states are read nowhere."""
    _, result = rendered
    assert result.exit_code == 1
    page = Tags(site["log.html"]).text
    for text in ("late<script>", "3 problems", "'vresion' is unknown (did you mean 'version'?)", "key 'hours'"):
        assert text in page, text
    assert "'scores.json'" in page
    assert json.loads(site["tiny/submissions.json"])["submissions"][0]["name"] == "constant"
    assert len(json.loads(site["tiny/submissions.json"])["submissions"]) == 5
    assert "late<script>" in Tags(site["index.html"]).text


def test_perfect_constant_and_random_predictions_rank_as_they_must(site):
    """By the standardised error: a mean is better than a guess, and equal predictions are ties."""
    expected = {"1": ["perfect"], "2= tied": ["constant", "constant"], "4= tied": ["random", "random"]}
    assert _ranks(site["tiny/index.html"]) == _ranks(site["tiny/size-test.html"]) == expected
    assert _ranks(site["tiny/assay-test.html"])["1"] == ["perfect"]


def test_scores_and_ranks_are_those_of_the_library(site, submissions, mix):
    """Every number of the page's files, against `score` and `compare` in this process."""
    names = ["constant", "hostile", "perfect", "random", "twin"]
    compared = compare([submissions / name / "predictions" for name in names], mix)
    expected = {
        (row["dataset"], row["metric"], row["model"].split("/")[-2], row["other"].split("/")[-2]): row
        for row in compared.differences.to_dicts()
    }
    found = _rows(site, "tiny/differences.csv")
    assert len(found) == len(expected) == 5 * 4 * 8  # ordered pairs, and the metrics of both datasets
    for row in found:
        other = expected[row["dataset"], row["metric"], row["model"], row["other"]]
        for key in ("value", "difference", "ci_low", "ci_high"):
            assert float(row[key]) == other[key]
    means = score(submissions / "random" / "predictions", mix).table
    wanted = means.filter(means["seed"].is_null() & (means["dataset"] == "size") & means["task"].is_null())
    given = [row for row in _rows(site, "tiny/size-test.csv") if row["submission"] == "random" and not row["seed"]]
    assert [float(row["value"]) for row in given] == wanted["value"].to_list() != []
    assert [row["std"] for row in given] == [str(value) for value in wanted["std"]]


def test_all_scores_of_a_submission_can_be_had(rendered, site, submissions, mix):
    """Exactly in the CSV, each task's and seed's too; rounded in what pages draw."""
    folder = rendered[0] / "tiny" / "entries" / "random"
    given = pl.read_csv(gzip.decompress((folder / "scores.csv.gz").read_bytes()), schema=TABLE_SCHEMA)
    wanted = score(submissions / "random" / "predictions", mix).table
    wanted = wanted.filter(pl.col("seed").is_null() | pl.col("task").is_null())
    key = ["dataset", "metric", "aggregation", "task", "seed"]
    assert given.sort(key).equals(wanted.sort(key))
    drawn = json.loads(site["tiny/entries/random/size-test.json"])
    tasks = wanted.filter(pl.col("task").is_not_null(), dataset="size", metric="pearson")
    assert drawn["tasks"] == tasks["task"].to_list() == ["t0", "t1"]
    assert drawn["metrics"]["pearson"]["values"] == pytest.approx(tasks["value"].to_list(), rel=1e-5)
    assert drawn["metrics"]["mae_standardised"]["direction"] == "lower"


def test_what_stands_beside_a_score(site, submissions, mix):
    """Excluded tasks by name, reliable tasks, verification, parameters, licences, hashes, labels and build."""
    page = Tags(site["tiny/assay-test.html"]).text
    for text in ("never: labels: 40, all of class 0", "1 of 2 tasks scored, 1 reliable", "scored", "molmix-metrics-v1"):
        assert text in page, text
    entry = Tags(site["tiny/entries/perfect/index.html"]).text
    assert "code MIT, weights CC-BY-4.0" in entry
    assert mix.manifest.build_key in entry
    assert mix.manifest.datasets["size"].splits["test"].digest in entry
    assert "josiah@example.org" not in "".join(site.values())
    facts = json.loads(site["tiny/submissions.json"])
    assert facts["datasets"][1]["excluded"] == {"never": "labels: 40, all of class 0; two classes are needed"}
    assert len(facts["datasets"][0]["labels_digest"]) == 32
    path = submissions / "perfect" / "predictions" / "size" / "test" / "seed=0.parquet"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest in entry
    assert digest[:8] in Tags(site["tiny/index.html"]).text
    assert digest in site["tiny/submissions.json"]


def test_texts_of_strangers_stay_texts(site):
    """No tag, no attribute and no template's expression of theirs; no script, and nothing is loaded from anywhere."""
    pages = {name: Tags(text) for name, text in site.items() if name.endswith(".html")}
    assert len(pages) > 20
    for name, page in pages.items():
        assert not {"img", "iframe", "object", "style"} & {tag for tag, _ in page.tags}, name
        assert not any(key.startswith("on") or key == "style" for _, attrs in page.tags for key in attrs), name
        # Every script and style is a file of the site, and each policy lets nothing else in.
        loaded = [attrs.get("src") or attrs.get("href") for tag, attrs in page.tags if tag in ("script", "link")]
        assert all(path.lstrip("./").startswith("assets/") for path in loaded), name
        policy = next(attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv"))
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), name
        links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
        strange = [link for link in links if "://" in link and not link.startswith("https://")]
        assert not strange, name
    entry = pages["tiny/entries/hostile/index.html"]
    # Author twice, external data and its use, command, hardware.
    assert entry.text.count(HOSTILE) == 6
    assert "https://example.org/\"onmouseover='x'<b>" in [attrs.get("href") for _, attrs in entry.tags]
    rows = {attrs["data-id"]: attrs for tag, attrs in pages["tiny/index.html"].tags if "data-id" in attrs}
    assert rows["hostile"]["data-find"] == f"constant 1.0.0 {HOSTILE}"


def test_equal_input_gives_equal_bytes(submissions, rendered, mix, tmp_path):
    """From folders one by one, in another order, over an older site, whose other files go."""
    some = [submissions / name for name in ("random", "late<script>")]
    one, other = tmp_path / "one", tmp_path / "other"
    assert invoke("render", *some, "--out", one, "--mix", mix.path).exit_code == 1
    (other / "stale").mkdir(parents=True)
    (other / "site.json").write_text("{}", encoding="utf-8")
    assert invoke("render", *some[::-1], "--out", other, "--mix", mix.path).exit_code == 1
    assert _contents(one) == _contents(other)
    assert not (other / "stale").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("one", "other")] == []


def test_a_submission_may_predict_a_part(mix, tmp_path):
    """It stands where it predicts, and the exit status is 0."""
    folder = submit(tmp_path / "part", mix, "perfect")
    shutil.rmtree(folder / "predictions" / "assay")
    stated = yaml.safe_load((folder / "submission.yaml").read_text(encoding="utf-8"))
    stated["predicts"]["datasets"] = ["size"]
    (folder / "submission.yaml").write_text(yaml.safe_dump(stated), encoding="utf-8")
    result = invoke("render", folder, "--out", tmp_path / "site", "--mix", mix.path, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"site": str(tmp_path / "site"), "entries": ["part"], "refused": {}}
    assert not (tmp_path / "site" / "tiny" / "assay-test.csv").exists()
    row = _rows(texts(tmp_path / "site"), "tiny/size-test.csv")[0]
    assert np.isclose(float(row["value"]), 0)


def test_nothing_to_render_is_an_error_of_usage(mix, tmp_path):
    """No folder, an empty one, the same name twice."""
    with pytest.raises(UsageError, match="no such folder"):
        invoke("render", tmp_path / "absent", "--out", tmp_path / "site", "--mix", mix.path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no submission"):
        invoke("render", tmp_path / "empty", "--out", tmp_path / "site", "--mix", mix.path)
    for parent in ("a", "b"):
        (tmp_path / parent / "same").mkdir(parents=True)
    with pytest.raises(UsageError, match="another submission 'same'"):
        invoke("render", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "site", "--mix", mix.path)
    assert not (tmp_path / "site").exists()
