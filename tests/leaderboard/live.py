"""A service and workers as real processes, and a client of the API that leaves every byte to the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from leaderboard.service.app import make_app
from leaderboard.service.patient import PatientProtocol
from leaderboard.service.serve import Address, listen, make_server
from leaderboard.store.database import Store
from leaderboard.store.limits import UploadLimits
from leaderboard.store.users import make_token
from leaderboard.worker.work import Worker

DEADLINE_S = 240.0
"""On a machine that does other things too."""
FINAL = ("accepted", "refused", "failed", "removed")


@dataclass
class Live:
    """A service that runs."""

    url: str
    data: Path
    process: subprocess.Popen[str]
    log: Path
    """What the service and its workers say."""
    workers: list[subprocess.Popen[str]] = field(default_factory=list)

    def client(self, name: str) -> Client:
        """Returns a client of a local user, who gets a token."""
        return local_client(self.url, self.data, name)

    def work(self, *, lease: float = 5.0, drain: bool = False) -> subprocess.Popen[str]:
        """Starts a worker."""
        command = ["worker", "--data", self.data, "--lease", lease, *(["--drain"] if drain else [])]
        self.workers.append(start(command, self.log))
        return self.workers[-1]


@dataclass
class Here:
    """A service in a thread of this process; what is in the queue is done when a test says so."""

    url: str
    store: Store

    def client(self, name: str) -> Client:
        """Returns a client of a local user, who gets a token."""
        return local_client(self.url, self.store.path, name)

    def work(self) -> None:
        """Does what is in the queue, and waits until the board shows it."""
        Worker(self.store).run(drain=True)
        self.show()

    def show(self) -> None:
        """Waits until the board is that of the store."""
        nobody, version = Client(self.url, None), self.store.version()
        until(lambda: nobody.get("health")["board_version"] >= version or None)


class Client:
    """A user.

    Args:
        url: of the service.
        token: the user's.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url
        self.token = token
        self.session = requests.Session()
        self.session.trust_env = False
        if token is not None:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, **more) -> requests.Response:
        """Returns the answer to a request."""
        return self.session.request(method, f"{self.url}/{path}", timeout=60, allow_redirects=False, **more)

    def get(self, path: str, **more):
        """Returns the JSON of an answer that is no refusal."""
        answer = self.ask("GET", path, **more)
        assert answer.ok, answer.text
        return answer.json()

    def begin(self, folder: Path) -> str:
        """Begins the upload of a folder, and returns its id."""
        files = [{"path": path, "num_bytes": len(content)} for path, content in contents(folder).items()]
        answer = self.ask("POST", "api/uploads", json={"files": files})
        assert answer.status_code == 201, answer.text
        return answer.json()["upload"]

    def put(self, upload: str, path: str, content: bytes, *, offset: int = 0) -> requests.Response:
        """Sends a piece of a file."""
        return self.ask("PUT", f"api/uploads/{upload}/files/{path}", params={"offset": offset}, data=content)

    def send(self, folder: Path) -> str:
        """Uploads a folder and returns its ticket."""
        upload = self.begin(folder)
        for path, content in contents(folder).items():
            answer = self.put(upload, path, content)
            assert answer.ok, answer.text
        answer = self.ask("POST", f"api/uploads/{upload}/finish")
        assert answer.status_code == 202, answer.text
        return answer.json()["ticket"]

    def wait(self, ticket: str, *, seconds: float = DEADLINE_S, pause: float = 0.1):
        """Returns a ticket when it has ended."""
        return until(lambda: _ended(self.get(f"api/tickets/{ticket}")), seconds=seconds, pause=pause)


def _ended(ticket):
    return ticket if ticket["state"] in FINAL else None


def contents(folder: Path) -> dict[str, bytes]:
    """Returns the bytes of each file of a submission by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def until(found, *, seconds: float = DEADLINE_S, pause: float = 0.1):
    """Returns what a function returns as soon as that is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (result := found()) is not None:
            return result
        time.sleep(pause)
    raise AssertionError(f"nothing in {seconds} s")


def start(command: Sequence[object], log: Path, **more) -> subprocess.Popen[str]:
    """Starts a command of the leaderboard, whose talk goes to a file."""
    with log.open("a", encoding="utf-8") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "leaderboard", *map(str, command)], stderr=stderr, text=True, **more
        )


def local_client(url: str, data: Path, name: str) -> Client:
    """Returns a client with a new token of a local user."""
    store = Store(data)
    token = make_token(store, name)
    store.close()
    return Client(url, token)


@contextmanager
def serving_here(
    store: Store, *, hub: str | None = None, limits: UploadLimits | None = None, head_seconds: float = 10
) -> Iterator[Here]:
    """Yields a service of a store in a thread of this process."""

    class Protocol(PatientProtocol):
        """As the service's, with another patience."""

    Protocol.head_seconds = head_seconds
    with listen(Address(port=0)) as listener:
        server = make_server(make_app(store, hub=hub, limits=limits), protocol=Protocol)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield Here(f"http://127.0.0.1:{listener.getsockname()[1]}", store)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def living(data: Path, *options: object, hub: str = "") -> Iterator[Live]:
    """Yields a service of a folder; afterwards it and its workers are told to stop, and have to end well."""
    log = data.with_name(f"{data.name}.log")
    command = ["serve", "--data", data, "--port", 0, *options]
    process = start(command, log, stdout=subprocess.PIPE, env=os.environ | {"HF_ENDPOINT": hub})
    live = Live("", data, process, log)
    try:
        live.url = process.stdout.readline().strip()
        assert live.url, log.read_text(encoding="utf-8")
        yield live
    finally:
        everyone = [process, *live.workers]
        for each in everyone:
            each.send_signal(signal.SIGTERM)
        codes = [each.wait(timeout=DEADLINE_S) for each in everyone]
        process.stdout.close()
    # A worker that was killed on purpose is none of ours any more.
    assert set(codes) <= {0, -signal.SIGKILL}, log.read_text(encoding="utf-8")
