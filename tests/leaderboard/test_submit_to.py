"""Tests of `molmix-bench submit DIR --to URL`: the whole path against a real service, and what may go wrong on it."""

from __future__ import annotations

import json
import shutil

import pytest

from leaderboard.store.tables import Submission
from leaderboard.store.uploads import UPLOADS
from molmix_bench.devhub.serve import hub_in_thread
from molmix_bench.errors import LeaderboardError, UsageError
from molmix_bench.submissions import send, service
from molmix_bench.submissions.send import files_to_send, send_submission, watch_ticket
from molmix_bench.submissions.service import Service
from tests.command import run_here
from tests.leaderboard.live import contents, living, local_client, serving_here
from tests.leaderboard.test_identity import answering


@pytest.fixture(autouse=True)
def _fast(monkeypatch, tmp_path):
    """No login of whoever runs the tests, and no long waits."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HF_TOKEN", "MOLMIX_TOKEN", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(service, "_WAITS_S", (0.01, 0.01))


def submit(here, folder, mix, *more, token):
    """Runs the command against a service."""
    return run_here("submit", folder, "--to", here.url, "--mix", mix.path, *more, env={"MOLMIX_TOKEN": token})


def test_a_submission_is_checked_sent_and_watched(honest, honest_mix, tmp_path):
    """A ticket, then the verdict with the row's page; the same again is the same ticket; as real processes."""
    with living(tmp_path / "data", "--mix", honest_mix.path) as live:
        live.work()
        token = live.client("ann").token
        first = submit(live, honest, honest_mix, token=token)
        ticket, verdict = first.stdout.splitlines()
        assert (first.returncode, verdict) == (0, f"accepted: {live.url}/tiny/entries/mean-1-0-0/index.html")
        again = submit(live, honest, honest_mix, "--json", token=token)
        assert json.loads(again.stdout)["ticket"] == ticket
        later = run_here("submit", "--ticket", ticket, "--to", live.url, env={"MOLMIX_TOKEN": token})
        assert (later.returncode, later.stdout.splitlines()[-1]) == (0, verdict)
        assert token not in first.stdout + first.stderr + live.log.read_text(encoding="utf-8")


def test_a_login_at_the_hub_is_enough(here, honest, honest_mix, tmp_path):
    """The token of the usual login; without any, it says how to get one."""
    none = run_here("submit", honest, "--to", here.url, "--mix", honest_mix.path, env={})
    assert (none.returncode, "hf auth login" in none.stderr) == (2, True)
    with hub_in_thread(tmp_path / "hub") as hub, serving_here(here.store, hub=hub.url) as board:
        folder = Service(board.url, "hf_ann")
        assert send_submission(honest, folder)
        wrong = run_here("submit", "--ticket", "x", "--to", board.url, env={"HF_TOKEN": "hf_ann"})
        assert (wrong.returncode, "no such ticket of yours" in wrong.stderr) == (1, True)


def test_what_is_wrong_is_not_sent(here, honest, honest_mix, tmp_path):
    """The same check as there, before a byte travels."""
    folder = shutil.copytree(honest, tmp_path / "bad")
    (folder / "predictions" / "size" / "test" / "seed=0.parquet").write_bytes(b"PAR1")
    done = submit(here, folder, honest_mix, token="mmb_none")
    assert (done.returncode, "seed=0.parquet" in done.stdout, "problem" in done.stdout) == (1, True, True)
    assert not (here.store.path / UPLOADS).exists()


def test_a_refusal_there_is_told_here(here, honest, honest_mix, monkeypatch, tmp_path):
    """With every problem, and exit status 1, where only the service sees what is wrong."""
    folder = shutil.copytree(honest, tmp_path / "bad")
    (folder / "predictions" / "size" / "test" / "seed=0.parquet").write_bytes(b"PAR1")
    speaker = Service(here.url, local_client(here.url, here.store.path, "ann").token)
    ticket = send_submission(folder, speaker)
    here.work()
    verdict = watch_ticket(speaker, ticket)
    assert (verdict.state, verdict.is_good, verdict.page) == ("refused", False, None)
    assert any("seed=0.parquet" in problem.where for problem in verdict.problems)


def test_an_upload_that_broke_goes_on(here, honest, monkeypatch):
    """From the byte where it was, by the same command; what changed since is sent from its beginning."""
    monkeypatch.setattr(send, "PIECE_BYTES", 100)
    speaker = Service(here.url, local_client(here.url, here.store.path, "ann").token)
    asked = []
    ask = Service.ask

    def broken(self, method, path, **more):
        asked.append((method, path))
        if method == "PUT" and len([item for item in asked if item[0] == "PUT"]) > 8:
            raise LeaderboardError(self.url, found="no answer")
        return ask(self, method, path, **more)

    monkeypatch.setattr(Service, "ask", broken)
    with pytest.raises(LeaderboardError, match="no answer"):
        send_submission(honest, speaker)
    asked.clear()
    monkeypatch.setattr(Service, "ask", lambda self, *args, **more: asked.append(args) or ask(self, *args, **more))
    assert send_submission(honest, speaker)
    pieces = sum(-(-len(content) // 100) for content in contents(honest).values())
    assert len([item for item in asked if item[0] == "PUT"]) == pieces - 8
    assert ("POST", "api/uploads") not in asked


def test_lost_answers_and_busy_servers_are_outlived(here, honest, monkeypatch):
    """A piece that arrived though its answer did not is not sent twice; 503 is asked again."""
    speaker = Service(here.url, local_client(here.url, here.store.path, "ann").token)
    once, lost = Service._once, []

    def lossy(self, method, path, **more):
        answer = once(self, method, path, **more)
        if method in ("PUT", "POST") and len(lost) < 12 and (method, path) not in lost:
            lost.append((method, path))
            return (None, 0.0) if len(lost) % 2 else (service.Answer(503, {"problem": "busy"}), 0.0)
        return answer

    monkeypatch.setattr(Service, "_once", lossy)
    ticket = send_submission(honest, speaker)
    assert len(lost) > 9
    with here.store.reading() as session:
        (submission,) = session.query(Submission)
    assert submission.ticket == ticket
    assert {file["path"]: file["sha256"] for file in submission.files} == {
        file.path: file.sha256 for file in files_to_send(honest)
    }


ODD = {
    "no JSON": b"<html>",
    "a list": b"[]",
    "no upload": b"{}",
    "a path": b'{"uploads": [], "upload": "../x"}',
    "a number": b'{"uploads": 7, "upload": 7}',
    "endless": lambda: iter([b" " * (1 << 20)] * 100),
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_what_is_no_leaderboard_is_said_so(body, honest):
    """An address that answers, but not as a leaderboard does."""
    with answering(body=body) as (address, _), pytest.raises(LeaderboardError):
        send_submission(honest, Service(address, "mmb_x"))


def test_a_token_goes_to_no_other_place(honest, monkeypatch):
    """Not unencrypted, and not after a redirect."""
    for address in ("http://board.org", "board.org", "ftp://127.0.0.1", "https://a:b@board.org"):
        with pytest.raises(UsageError, match="--to"):
            Service(address, "mmb_x")
    with answering() as (thief, shown):
        with answering(308, headers=[("Location", thief)]) as (address, _), pytest.raises(LeaderboardError):
            send_submission(honest, Service(address, "mmb_x"))
        assert shown == []


def test_what_a_service_says_cannot_steer_a_terminal(monkeypatch):
    """Its problems are printed without what a terminal obeys."""
    body = json.dumps({"problem": "\x1b[2J\x07gone", "state": "refused"}).encode()
    with answering(404, body) as (address, _), pytest.raises(LeaderboardError) as caught:
        watch_ticket(Service(address, "mmb_x"), "t")
    assert "\x1b" not in str(caught.value)
    problems = [{"where": "\x1b]0;x\x07", "found": 7}]
    body = json.dumps({"state": "refused", "problems": problems, "page": 7}).encode()
    with answering(200, body) as (address, _):
        verdict = watch_ticket(Service(address, "mmb_x"), "t")
    assert (verdict.problems[0].where, verdict.problems[0].found, verdict.page) == ("?]0;x?", "7", None)


@pytest.mark.parametrize(
    "arguments",
    [
        ("somewhere",),
        ("--to", "http://127.0.0.1:9"),
        ("x", "--to", "http://127.0.0.1:9", "--ticket", "y"),
        ("--ticket", "y"),
        ("x", "--to", "http://127.0.0.1:9", "--schema"),
    ],
)
def test_verbs_do_not_mix(arguments):
    """A folder or a ticket goes with an address, and with nothing else."""
    assert run_here("submit", *arguments, env={"MOLMIX_TOKEN": "mmb_x"}).returncode == 2
