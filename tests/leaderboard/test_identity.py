"""Tests of who a caller is: as a real Hub says it, and what is not believed of a forged one."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from leaderboard.service import hub as hub_module
from leaderboard.service.hub import ask_hub, check_endpoint
from leaderboard.service.rates import Rates
from leaderboard.store.refusals import RefusalError
from leaderboard.store.users import Origin, caller_of, make_token
from molmix_bench.devhub.serve import hub_in_thread
from molmix_bench.errors import UsageError
from tests.leaderboard.live import Client, serving_here

USER = {"type": "user", "name": "ann"}
ANN = "hf_ann"


@contextmanager
def answering(status=200, body=b"", headers=()):
    """Yields the address of a forged Hub, and the tokens that it was shown."""
    shown = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # the library's name
            shown.append(self.headers.get("Authorization"))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            try:
                for block in [body] if isinstance(body, bytes) else body():
                    self.wfile.write(block)
            except OSError:
                return

        def log_message(self, *_):
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", shown
    finally:
        server.shutdown()
        server.server_close()


def test_a_token_of_the_hub_is_its_users(here, tmp_path):
    """By a dev-hub: names as it says, once asked for several requests; the Hub's `ann` is not the local one."""
    with hub_in_thread(tmp_path / "hub") as hub, serving_here(here.store, hub=hub.url) as board:
        ann = Client(board.url, ANN)
        for _ in range(3):
            assert ann.get("api/tickets") == {"tickets": []}
        assert len([entry for entry in hub.journal if "whoami" in entry[0]]) == 1
        assert Client(board.url, "hf_ben").get("api/uploads") == {"uploads": []}
        for token in ("hf_", "ann", "hf_a b", "mmb_x", "hf_" + "a" * 201):
            assert Client(board.url, token).ask("GET", "api/tickets").status_code == 401
        local = board.client("ann")
        upload = local.ask("POST", "api/uploads", json={"files": [{"path": "a", "num_bytes": 1}]}).json()["upload"]
        assert ann.ask("GET", f"api/uploads/{upload}").status_code == 404


def test_without_a_hub_only_local_tokens_are_good(here):
    """A token of the Hub goes nowhere."""
    answer = Client(here.url, ANN).ask("GET", "api/tickets")
    assert (answer.status_code, "maintainers" in answer.json()["problem"]) == (401, True)


def _endless():
    while True:
        yield b" " * (1 << 16)


FORGED = {
    "html": b"<html>ann</html>",
    "empty": b"",
    "list": b"[]",
    "deep": b"[" * 100_000,
    "no type": json.dumps({"name": "ann"}).encode(),
    "an organisation": json.dumps(USER | {"type": "org"}).encode(),
    "no name": json.dumps({"type": "user"}).encode(),
    "a number": json.dumps(USER | {"name": 7}).encode(),
    "markup": json.dumps(USER | {"name": "<script>"}).encode(),
    "a path": json.dumps(USER | {"name": "../ann"}).encode(),
    "another's": json.dumps(USER | {"name": "ann\u202e"}).encode(),
    "a newline": json.dumps(USER | {"name": "ann\n"}).encode(),
    "long": json.dumps(USER | {"name": "a" * 97}).encode(),
    "endless": _endless,
}


@pytest.mark.parametrize("body", FORGED.values(), ids=FORGED)
def test_a_forged_answer_names_nobody(body):
    """Whatever is not the short answer of a Hub about a user."""
    with answering(body=body) as (address, _), pytest.raises(RefusalError) as caught:
        ask_hub(address, ANN)
    assert caught.value.status == 502


def test_no_redirect_is_followed():
    """A token is for the Hub alone."""
    with answering(body=json.dumps(USER).encode()) as (thief, shown):
        moved = [("Location", f"{thief}/api/whoami-v2")]
        with answering(302, headers=moved) as (address, _), pytest.raises(RefusalError) as caught:
            ask_hub(address, ANN)
        assert caught.value.status == 502
        assert shown == []


@pytest.mark.parametrize(("status", "told"), [(401, 401), (403, 401), (500, 502), (204, 502)])
def test_what_a_hub_refuses(status, told):
    """A token that it does not know is the caller's fault, all else is not."""
    with answering(status) as (address, _), pytest.raises(RefusalError) as caught:
        ask_hub(address, ANN)
    assert caught.value.status == told


def test_a_hub_that_does_not_answer_or_drips(monkeypatch):
    """Can be asked again; nobody waits for long."""
    with pytest.raises(RefusalError) as caught:
        ask_hub("http://127.0.0.1:9", ANN)
    assert (caught.value.status, caught.value.after_s) == (503, 10)
    assert ANN not in str(caught.value)
    monkeypatch.setattr(hub_module, "_TOTAL_S", 0.2)
    pause = threading.Event()

    def drip():
        for _ in range(100):
            pause.wait(0.05)
            yield b" " * (16 << 10)

    with answering(body=drip) as (address, _), pytest.raises(RefusalError, match="cannot be used"):
        ask_hub(address, ANN)


def test_a_netrc_does_not_speak_for_a_caller(tmp_path, monkeypatch):
    """Of the service's own account for the Hub's host."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login root password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with answering(body=json.dumps(USER).encode()) as (address, shown):
        assert ask_hub(address, ANN) == "ann"
    assert shown == [f"Bearer {ANN}"]


@pytest.mark.parametrize(
    "address",
    [
        "http://hub.org",
        "ftp://hub.org",
        "hub.org",
        "https://",
        "https://a@hub.org",
        "https://hub.org/?x",
        "http://[",
        "",
    ],
)
def test_tokens_are_not_sent_unencrypted(address):
    """Nor to what is no address."""
    with pytest.raises(UsageError, match="HF_ENDPOINT"):
        check_endpoint(address)


def test_a_user_is_made_known_once(store):
    """And tokens of local users are hashed, each another."""
    assert caller_of(store, Origin.HUB, "ann") == caller_of(store, Origin.HUB, "ann")
    assert caller_of(store, Origin.LOCAL, "ann").id != caller_of(store, Origin.HUB, "ann").id
    tokens = [make_token(store, "ann") for _ in range(2)]
    assert len(set(tokens)) == 2
    content = b"".join(path.read_bytes() for path in store.path.glob("board.db*"))
    assert not any(token.encode() in content for token in tokens)
    with pytest.raises(UsageError, match="NAME"):
        make_token(store, "a b")


def test_buckets_fill_again():
    """At their rate, up to what they hold, and each key's alone."""
    now = [0.0]
    rates = Rates(2, burst=2, clock=lambda: now[0])
    assert [rates.take("a") for _ in range(3)] == [0, 0, 0.5]
    assert rates.take("b") == 0
    now[0] = 0.5
    assert (rates.wait("a"), rates.wait("a")) == (0, 0)
    assert [rates.take("a"), rates.take("a")] == [0, 0.5]
    now[0] = 100
    assert [rates.take("a") for _ in range(3)] == [0, 0, 0.5]
