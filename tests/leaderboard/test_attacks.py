"""Attacks on the service: each ends in a refusal, and the board goes on."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from leaderboard import entries
from leaderboard.store.known import know_mixes
from leaderboard.store.limits import UploadLimits
from leaderboard.store.tables import Submission
from leaderboard.worker import score as worker_score
from tests.leaderboard.conftest import HOSTILE, submit
from tests.leaderboard.live import Client, contents, serving_here
from tests.submissions.honest import bomb, write_submission
from tests.submissions.mutations import damaged
from tests.tags import Tags

SQL = ["' OR '1'='1", "1; DROP TABLE submissions;--", "%", "_", '" UNION SELECT * FROM tokens --', "\0"]


def test_hostile_files_are_refused_and_others_scored(here, honest, honest_mix, tmp_path):
    """A bomb and damaged files, in one submission each, between good ones; the worker outlives them all."""
    whole = (honest / "predictions" / "size" / "test" / "seed=0.parquet").read_bytes()
    files = [bomb(), b"", *damaged(whole, 3)]
    ann = here.client("ann")
    tickets = []
    for number, content in enumerate(files):
        folder = shutil.copytree(honest, tmp_path / str(number))
        (folder / "predictions" / "size" / "test" / "seed=0.parquet").write_bytes(content)
        tickets.append(ann.send(folder))
    ben = here.client("ben")
    good = ben.send(honest)
    here.work()
    ends = [ann.wait(ticket) for ticket in tickets]
    assert [end["state"] for end in ends] == ["refused"] * len(files)
    assert all("seed=0.parquet" in json.dumps(end["problems"]) for end in ends)
    assert ben.wait(good)["state"] == "accepted"


def test_names_lead_nowhere(here, honest):
    """In what is announced, in the address of a piece, and in the address of a page."""
    ann = here.client("ann")
    files = [{"path": "submission.yaml", "num_bytes": 1}, {"path": "../../board.db", "num_bytes": 1}]
    answer = ann.ask("POST", "api/uploads", json={"files": files})
    assert (answer.status_code, "'../../board.db'" in answer.json()["problem"]) == (422, True)
    upload = ann.begin(honest)
    for path in ("..%2f..%2fboard.db", "%2e%2e/%2e%2e/board.db", "%2fetc%2fpasswd", "x%00", "submission.yaml%00"):
        assert ann.put(upload, path, b"x").status_code == 404
        assert ann.ask("GET", path).status_code == 404
    for path in ("assets/..%2f..%2fboard.db", "//example.org", "tiny/..%2f..", "%5c%5cexample.org"):
        assert ann.ask("GET", path).status_code == 404
    assert {path.name for path in here.store.path.parent.iterdir()} == {"data"}


def test_markup_of_strangers_stays_text(here, mix, tmp_path):
    """In every text field: as JSON that no browser takes for a page, and on pages without one tag of theirs."""
    know_mixes(here.store, [str(mix.path)])
    shutil.rmtree(tmp_path / "sent", ignore_errors=True)
    folder = submit(
        tmp_path / "sent",
        mix,
        "constant",
        authors=[{"name": HOSTILE}],
        command=HOSTILE,
        hardware=HOSTILE,
        training_data={"mixes": [], "external_data": [{"name": HOSTILE, "use": HOSTILE}]},
    )
    ann = here.client("ann")
    ticket = ann.send(folder)
    here.work()
    end = ann.wait(ticket)
    assert end["state"] == "accepted", end
    answer = ann.ask("GET", f"api/submissions/{end['name']}")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.json()["stated"]["command"] == HOSTILE
    page = Tags(ann.ask("GET", end["page"]).text)
    assert HOSTILE in page.text
    assert not any(key.startswith("on") for _, attrs in page.tags for key in attrs)
    assert not any("alert" in str(attrs) for _, attrs in page.tags)
    for path in (f"api/tickets/{HOSTILE}", f"api/boards/{HOSTILE}", f"api/submissions/{HOSTILE}"):
        refused = ann.ask("GET", path)
        assert (refused.status_code, refused.headers["Content-Type"]) == (404, "application/json")
        assert "<script" not in refused.text


def test_what_is_anothers_is_not_there(here, honest):
    """Neither ticket nor upload, whatever is done to them; without a token nothing at all."""
    ann, ben, nobody = here.client("ann"), here.client("ben"), Client(here.url, None)
    ticket, upload = ann.send(honest), ann.begin(honest)
    asked = [
        ("GET", f"api/tickets/{ticket}"),
        ("GET", f"api/uploads/{upload}"),
        ("DELETE", f"api/uploads/{upload}"),
        ("POST", f"api/uploads/{upload}/finish"),
        ("PUT", f"api/uploads/{upload}/files/submission.yaml?offset=0"),
    ]
    for method, path in asked:
        theirs = ben.ask(method, path)
        none = ben.ask(method, path.replace(ticket, "x" * 24).replace(upload, "0" * 32))
        assert (theirs.status_code, theirs.content) == (none.status_code, none.content)
        assert theirs.status_code == 404
        without = nobody.ask(method, path)
        assert (without.status_code, without.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert ben.get("api/tickets") == {"tickets": []}
    assert ben.get("api/uploads") == {"uploads": []}
    assert ann.get(f"api/uploads/{upload}")["upload"] == upload


def test_a_replayed_upload_is_the_same_submission(here, honest):
    """Sent again, and finished by ten requests at once: one ticket, one row, scored once."""
    ann = here.client("ann")
    upload = ann.begin(honest)
    for path, content in contents(honest).items():
        ann.put(upload, path, content)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: ann.ask("POST", f"api/uploads/{upload}/finish"), range(10)))
    tickets = {answer.json()["ticket"] for answer in answers if answer.ok}
    assert {answer.status_code for answer in answers} == {202}, [answer.text for answer in answers]
    assert len(tickets | {ann.send(honest)}) == 1
    here.work()
    assert ann.send(honest) in tickets
    here.work()
    with here.store.reading() as session:
        assert len(session.scalars(select(Submission)).all()) == 1
    assert ann.get("api/log")["total"] == 1


def test_tokens_are_in_no_log_and_in_no_file(here, honest, capfd):
    """Wherever a caller put them, also where they do not belong, and when something goes wrong."""
    ann = here.client("ann")
    ann.send(honest)
    token = ann.token
    for path in (f"api/tickets/{token}", f"{token}", f"api/boards/tiny?model={token}", f"api/uploads?token={token}"):
        ann.ask("GET", path)
    ann.ask("POST", f"api/uploads/{token}/finish")
    answer = ann.ask("POST", "api/uploads", json={"token": token, "files": [{"path": token, "num_bytes": token}]})
    assert (answer.status_code, token in answer.text) == (422, False)
    wrong = Client(here.url, f"{token}x")
    assert token not in wrong.ask("GET", "api/tickets").text
    here.work()
    said = capfd.readouterr()
    assert "POST /api/uploads: 422" in said.err
    assert token not in said.err + said.out
    for path in here.store.path.rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("text", SQL)
def test_sql_in_filters_is_text(here, text):
    """In every place that a caller may fill."""
    ann = here.client("ann")
    for key in ("dataset", "metric", "model"):
        assert ann.get("api/boards/tiny", params={key: text})["total"] == 0
    for key in ("split", "verification", "limit", "offset"):
        assert ann.ask("GET", "api/boards/tiny", params={key: text}).status_code == 422
    assert ann.get("api/log", params={"mix": text})["total"] == 0
    for path in ("api/tickets/{}", "api/uploads/{}", "api/submissions/{}", "api/boards/{}"):
        assert ann.ask("GET", path.format(text.replace("%", "%25").replace("\0", "%00"))).status_code == 404
    assert ann.get("health")["status"] == "good"


def test_bodies_are_as_large_as_was_said(here, honest):
    """A piece over its file's rest, with and without a length; over the cap; and JSON that fills the memory."""
    ann = here.client("ann")
    upload = ann.begin(honest)
    content = contents(honest)["submission.yaml"]
    assert ann.put(upload, "submission.yaml", content + b"x").status_code == 413
    assert ann.put(upload, "submission.yaml", iter([content, b"x"])).status_code == 413
    assert ann.get(f"api/uploads/{upload}")["files"][-1]["received"] == 0
    for body in (b"[" * 100_000, b'{"files": ' + b"[" * 100_000, b"\xff", b"{}", b"[]", b'{"files": [{}]}'):
        assert ann.ask("POST", "api/uploads", data=body).status_code in (400, 422)
    assert ann.ask("POST", "api/uploads", data=b" " * (1 << 20) + b"{}").status_code == 413
    many = [{"path": f"p{number}", "num_bytes": 1} for number in range(1_001)]
    assert "1 to 1,000" in ann.ask("POST", "api/uploads", json={"files": many}).json()["problem"]
    huge = [{"path": "a", "num_bytes": 1 << 62}, {"path": "b", "num_bytes": 1 << 62}]
    assert ann.ask("POST", "api/uploads", json={"files": huge}).status_code == 413


def test_pieces_have_a_largest_size(here, honest):
    """So that no request holds the service for long."""
    with serving_here(here.store, limits=UploadLimits(chunk_bytes=1_000)) as small:
        ann = small.client("ann")
        upload = ann.begin(honest)
        path, content = next(item for item in contents(honest).items() if len(item[1]) > 500)
        assert ann.put(upload, path, iter([content[:500], b"x" * 501])).status_code == 413


def test_too_many_requests_are_told_to_wait(here):
    """Of one user; and wrong tokens from one address, after which right ones that are known still work."""
    ann = here.client("ann")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ann.ask("GET", "api/tickets"), range(420)))
    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in late)
    guesses = [Client(here.url, f"mmb_{number}").ask("GET", "api/tickets").status_code for number in range(25)]
    assert guesses[:20] == [401] * 20
    assert guesses[-1] == 429


def test_a_process_that_was_taken_over_names_no_other_files(here, honest, honest_mix, monkeypatch):
    """Scores of files that were not sent are a refusal."""
    read = entries.read_entry

    def lie(*arguments, **more):
        found = read(*arguments, **more)
        file = found.submission.files[0]
        object.__setattr__(file, "sha256", "0" * 64)
        return found

    monkeypatch.setattr(worker_score, "read_entry", lie)
    ann = here.client("ann")
    ticket = ann.send(honest)
    here.work()
    end = ann.wait(ticket)
    assert (end["state"], end["problems"][0]["found"]) == ("refused", "scores of other files than were sent")


def test_writers_of_one_file_take_turns(here, honest_mix, tmp_path):
    """Ten requests with the same piece at once: it is there once, and whole."""
    folder = write_submission(tmp_path / "sent", honest_mix)
    path, content = next(item for item in contents(folder).items() if "seed=0" in item[0])
    ann = here.client("ann")
    upload = ann.begin(folder)
    gate = threading.Barrier(6)

    def put(_):
        gate.wait()
        return Client(here.url, ann.token).put(upload, path, content).status_code

    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(put, range(6)))
    assert codes.count(200) >= 1
    assert set(codes) <= {200, 409}
    place = here.store.path / "uploads" / upload
    assert content in [file.read_bytes() for file in place.iterdir()]
