"""Tests of the service over HTTP: from an upload to a row, and what everyone may read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import time

import pytest

from leaderboard.store.board import entries_of
from leaderboard.store.users import revoke_tokens
from molmix_bench.submissions.score import score
from tests.leaderboard.live import Client, contents, living
from tests.submissions.honest import bomb, write_submission
from tests.tags import Tags

NAME = "mean-1-0-0"


@pytest.fixture
def nobody(here):
    """A client without a token."""
    return Client(here.url, None)


def test_an_empty_board_answers(here, nobody):
    """A start page, an API page, health, the mixes, an empty log; nothing loaded from another host."""
    assert nobody.get("health") | {"version": ""} == {
        "status": "good",
        "version": "",
        "queued": 0,
        "running": 0,
        "board_version": 2,
    }
    assert nobody.get("api/log") == {"total": 0, "records": []}
    assert [mix["mix"] for mix in nobody.get("api/mixes")["mixes"]] == ["tiny"]
    assert nobody.get("api/boards/tiny")["rows"] == []
    for path in ("", "docs", "tiny/", "log.html", "submit.html"):
        answer = nobody.ask("GET", path)
        assert answer.status_code == 200
        page = Tags(answer.text)
        addresses = [
            attrs.get("src") or (attrs["href"] if tag == "link" else "")
            for tag, attrs in page.tags
            if tag in ("script", "link", "img")
        ]
        assert addresses
        assert not any("//" in address for address in addresses)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "toymix" in nobody.ask("GET", "").text


def test_from_an_upload_to_a_row(here, nobody, honest, honest_mix):
    """The row's values are those of scoring the same files here; its page names their hashes."""
    ann = here.client("ann")
    ticket = ann.send(honest)
    assert ann.get(f"api/tickets/{ticket}")["state"] == "queued"
    here.work()
    found = ann.wait(ticket)
    assert (found["state"], found["name"], found["mix"]) == ("accepted", NAME, "tiny")
    rows = nobody.get("api/boards/tiny", params={"dataset": "size", "metric": "mae_standardised"})["rows"]
    wanted = score(honest / "predictions", honest_mix).summary().filter(dataset="size", split="test")
    assert [row["value"] for row in rows] == wanted["macro"].to_list()
    assert (rows[0]["rank"], rows[0]["user"], rows[0]["verification"]) == (1, "ann (local)", "scored")
    page = nobody.ask("GET", found["page"])
    path, content = next(item for item in contents(honest).items() if "/test/" in item[0])
    assert hashlib.sha256(content).hexdigest() in page.text
    shown = nobody.get(f"api/submissions/{NAME}")
    assert "contact" not in shown["stated"]
    assert hashlib.sha256(content).hexdigest() in [file["sha256"] for file in shown["files"] if file["path"] == path]
    table = list(csv.DictReader(io.StringIO(nobody.ask("GET", f"api/submissions/{NAME}/scores.csv").text)))
    assert float(next(row for row in table if row["aggregation"] == "macro" and not row["seed"])["value"])
    (line,) = nobody.get("api/log")["records"]
    assert (line["action"], line["entry"], line["model"]) == ("added", NAME, "mean 1.0.0")
    (entry,) = entries_of(here.store.path)
    assert (entry.name, entry.user, entry.mix.name) == (NAME, "ann (local)", "tiny")


def test_a_refusal_says_everything_to_its_user(here, honest, honest_mix, tmp_path):
    """The very problems that the check finds before anything is sent; no row, no line in the log."""
    folder = write_submission(tmp_path / "bad", honest_mix, hours=-1, seeds=[0])
    (folder / "predictions" / "size" / "test" / "seed=0.parquet").write_bytes(bomb())
    (folder / "predictions" / "nosuch").mkdir()
    (folder / "predictions" / "nosuch" / "x.parquet").write_bytes(b"PAR1")
    ann = here.client("ann")
    ticket = ann.send(folder)
    here.work()
    found = ann.wait(ticket)
    assert found["state"] == "refused"
    text = json.dumps(found["problems"])
    for part in ("hours", "nosuch", "seed=0.parquet"):
        assert part in text
    assert all(problem["fix"] and problem["expected"] for problem in found["problems"])
    assert str(here.store.path) not in text
    assert ann.get("api/log")["total"] == ann.get("api/boards/tiny")["total"] == 0


def test_filters_of_a_board(here, nobody, honest, honest_mix, tmp_path):
    """By dataset, metric, verification and a part of the model's name; in parts."""
    other = write_submission(tmp_path / "other", honest_mix, noise=1, model="gine")
    for name, folder in (("ann", honest), ("ben", other)):
        here.client(name).send(folder)
    here.work()
    every = nobody.get("api/boards/tiny")
    assert every["total"] == len(every["rows"]) == 2 * len({(row["dataset"], row["metric"]) for row in every["rows"]})
    assert {row["name"] for row in nobody.get("api/boards/tiny", params={"model": "GIN"})["rows"]} == {"gine-1-0-0"}
    some = nobody.get("api/boards/tiny", params={"limit": 3, "offset": 2})
    assert (some["total"], some["rows"]) == (every["total"], every["rows"][2:5])
    assert nobody.get("api/boards/tiny", params={"verification": "reproduced"})["total"] == 0
    assert nobody.ask("GET", "api/boards/tiny", params={"limit": 0}).status_code == 422
    assert nobody.ask("GET", "api/boards/tiny", params={"rank": 1}).status_code == 422
    assert nobody.ask("GET", "api/boards/nosuch").status_code == 404


def test_pages_are_kept_by_browsers_until_they_change(here, nobody, honest):
    """By their tags; packed where that is understood; a folder's address leads into it."""
    first = nobody.ask("GET", "tiny/")
    assert first.headers["Content-Encoding"] == "gzip"
    plain = nobody.ask("GET", "tiny/index.html", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.content == first.content
    same = {"If-None-Match": first.headers["ETag"]}
    assert nobody.ask("GET", "tiny/", headers=same).status_code == 304
    assert nobody.ask("HEAD", "tiny/").headers["Content-Length"] == first.headers["Content-Length"]
    assert nobody.ask("GET", "tiny").headers["Location"] == "tiny/"
    here.client("ann").send(honest)
    here.work()
    changed = nobody.ask("GET", "tiny/", headers=same)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]
    missing = nobody.ask("GET", "nosuch.html", headers={"Accept": "text/html"})
    assert (missing.status_code, "No such page" in missing.text) == (404, True)
    assert "problem" in nobody.ask("GET", "nosuch.html").json()


def test_what_the_api_is_can_be_read(nobody):
    """By programs, and by people on a page made of the same."""
    schema = nobody.get("openapi.json")
    page = nobody.ask("GET", "docs").text
    assert set(schema["paths"]) > {"/api/uploads", "/api/boards/{mix}", "/health"}
    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            assert f"{method.upper()} {path}" in page
            assert route["description"]
            refusal = route["responses"]["422"]["content"]["application/json"]["schema"] if path != "/health" else {}
            assert refusal.get("$ref", "Refusal").endswith("Refusal")
    assert "HTTPValidationError" not in page
    assert "What is wrong and what to do" in page


def test_an_upload_goes_on_where_it_was(here, honest):
    """Offsets that are not the next say where that is; the server keeps every byte that came."""
    ann = here.client("ann")
    upload = ann.begin(honest)
    path, content = next(item for item in contents(honest).items() if item[0] != "submission.yaml")
    assert ann.put(upload, path, content[:10]).json() == {"received": 10}
    for offset in (0, 9, 11):
        answer = ann.put(upload, path, content[offset:], offset=offset)
        assert (answer.status_code, answer.json()["received"]) == (409, 10)
    (listed,) = ann.get("api/uploads")["uploads"]
    assert {file["path"]: file["received"] for file in listed["files"]}[path] == 10
    assert ann.put(upload, path, content[10:], offset=10).json() == {"received": len(content)}
    early = ann.ask("POST", f"api/uploads/{upload}/finish")
    assert (early.status_code, "not whole" in early.json()["problem"]) == (409, True)
    for other, bytes_ in contents(honest).items():
        if other != path:
            ann.put(upload, other, bytes_)
    tickets = {ann.ask("POST", f"api/uploads/{upload}/finish").json()["ticket"] for _ in range(2)}
    assert len(tickets) == 1
    assert ann.put(upload, path, b"more", offset=0).json() == {"received": len(content)}
    assert {file["received"] == file["num_bytes"] for file in ann.get(f"api/uploads/{upload}")["files"]} == {True}


def test_tokens_can_be_taken_away(here):
    """All of a user's at once, and at once."""
    ann, again = here.client("ann"), here.client("ann")
    assert ann.get("api/tickets") == again.get("api/tickets") == {"tickets": []}
    assert revoke_tokens(here.store, "ann") == 2
    assert {client.ask("GET", "api/tickets").status_code for client in (ann, again)} == {401}


def test_a_service_ends_what_it_does_when_it_is_told_to_stop(honest, honest_mix, tmp_path):
    """As a real process, with a real worker, whose job goes back to the queue and is done by the next."""
    with living(tmp_path / "data", "--mix", honest_mix.path) as live:
        ann = live.client("ann")
        ticket = ann.send(honest)
        live.work(lease=600)
        while ann.get(f"api/tickets/{ticket}")["state"] == "queued":
            time.sleep(0.05)
    text = live.log.read_text(encoding="utf-8")
    assert re.search(r"stopped, what it did goes back to the queue|accepted after", text)
    with living(tmp_path / "data") as live:
        live.work(drain=True).wait()
        assert ann.token
        assert Client(live.url, ann.token).wait(ticket)["state"] == "accepted"
    assert live.log.read_text(encoding="utf-8").count("accepted after") == 1
    assert ann.token not in live.log.read_text(encoding="utf-8")
