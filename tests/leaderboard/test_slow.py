"""Clients that drip: bodies and heads that never end hold nothing for long."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from leaderboard.store.limits import UploadLimits
from tests.leaderboard.live import contents, serving_here

PATIENCE_S = 1.0
LATE_S = 30.0
"""By which a busy machine has said what it had to say after a second."""


@pytest.fixture
def here(here):
    """A service that waits for one second."""
    limits = UploadLimits(chunk_seconds=PATIENCE_S)
    with serving_here(here.store, limits=limits, head_seconds=PATIENCE_S) as running:
        yield running


@contextmanager
def connected(here):
    """Yields a connection."""
    parts = urlsplit(here.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=LATE_S) as connection:
        yield connection


def drip(connection, pieces):
    """Sends one piece after another, slowly, and returns what came back until the other side hung up."""
    answer, end = b"", time.monotonic() + LATE_S
    connection.settimeout(0.1)
    for piece in pieces:
        assert time.monotonic() < end, "it is still listened to"
        try:
            connection.sendall(piece)
            block = connection.recv(1 << 16)
            if not block:
                return answer
            answer += block
        except TimeoutError:
            continue
        except OSError:
            return answer
    raise AssertionError("the pieces are at their end")


def head(client, upload, path, length):
    """Returns the head of a request that sends a piece."""
    token = f"Authorization: Bearer {client.token}\r\n" if client else ""
    return (
        f"PUT /api/uploads/{upload}/files/{path}?offset=0 HTTP/1.1\r\n"
        f"Host: x\r\n{token}Content-Length: {length}\r\n\r\n"
    ).encode()


def test_a_piece_that_drips_is_cut_off_and_kept(here, honest):
    """With 408 after its time; the bytes that came are there, and the next request goes on from them."""
    ann = here.client("ann")
    upload = ann.begin(honest)
    path, content = next(item for item in contents(honest).items() if "seed=0" in item[0])
    with connected(here) as connection:
        connection.sendall(head(ann, upload, path, len(content)))
        answer = drip(connection, (content[place : place + 1] for place in range(len(content))))
    assert b"408" in answer.split(b"\r\n")[0]
    assert b"connection: close" in answer.lower()
    files = {file["path"]: file["received"] for file in ann.get(f"api/uploads/{upload}")["files"]}
    assert 0 < files[path] < len(content)
    rest = ann.put(upload, path, content[files[path] :], offset=files[path])
    assert rest.json() == {"received": len(content)}


def test_a_new_request_need_not_wait_for_a_broken_one(here, honest):
    """The one that drips is told that another goes on with the file."""
    ann = here.client("ann")
    upload = ann.begin(honest)
    path, content = next(item for item in contents(honest).items() if "seed=0" in item[0])
    with connected(here) as connection:
        connection.sendall(head(ann, upload, path, len(content)) + content[:7])
        while {file["received"] for file in ann.get(f"api/uploads/{upload}")["files"]} != {0, 7}:
            time.sleep(0.01)
        assert ann.put(upload, path, content[7:], offset=7).json() == {"received": len(content)}


def test_a_head_that_drips_is_hung_up_on(here):
    """The first of a connection, and one after an answer."""
    with connected(here) as connection:
        assert drip(connection, (b"GET / HTTP/1.1\r\n" if not place else b"a" for place in range(10_000))) == b""
    with connected(here) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in connection.recv(1 << 16).split(b"\r\n")[0]
        drip(connection, (b"GET / HTTP/1.1\r\n" if not place else b"a" for place in range(10_000)))
    with connected(here) as connection:
        assert connection.recv(1) == b""


def test_a_stranger_who_drips_is_refused_and_hung_up_on(here, honest):
    """Before the body is read, which is not waited for."""
    with connected(here) as connection:
        connection.sendall(head(None, "0" * 32, "a", 10_000))
        answer = drip(connection, (b"x" for _ in range(10_000)))
    assert b" 401 " in answer.split(b"\r\n")[0]
