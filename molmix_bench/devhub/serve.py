"""Serving the Hub on loopback: for good, as the command does, or in a thread, as tests do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from molmix_bench.devhub.app import PAGE_SIZE, PART_BYTES, make_app
from molmix_bench.devhub.faults import Fault, FaultyHub
from molmix_bench.devhub.store import HubStore
from molmix_bench.errors import UsageError

LOOPBACK = "127.0.0.1"
_GRACE_S = 2


def serve(data: Path, *, port: int, ready: Callable[[str], object]) -> None:
    """Serves the repositories of a folder until it is interrupted.

    Args:
        data: the folder.
        port: of loopback; 0 takes any that is free.
        ready: called with the address as soon as it can be used.

    Raises:
        UsageError: the port is taken, or another dev-hub serves the folder.
    """
    store = HubStore(data)
    try:
        with _listening(port) as listener:
            ready(_address(listener))
            _server(make_app(store)).run(sockets=[listener])
    finally:
        store.close()


@dataclass
class RunningHub:
    """A Hub in a thread of this process."""

    url: str
    store: HubStore
    faults: list[Fault] = field(default_factory=list)
    journal: list[tuple[str, int]] = field(default_factory=list)


@contextmanager
def hub_in_thread(
    data: Path, *, port: int = 0, page_size: int = PAGE_SIZE, part_bytes: int = PART_BYTES
) -> Iterator[RunningHub]:
    """Yields a Hub that serves a folder until the block ends, and that makes faults when told to."""
    store = HubStore(data)
    app = FaultyHub(make_app(store, page_size=page_size, part_bytes=part_bytes), store, [])
    with _listening(port) as listener:
        # A connection that was broken on purpose is no news.
        server = _server(app, log_level="critical")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield RunningHub(_address(listener), store, app.faults, app.journal)
        finally:
            server.should_exit = True
            thread.join()
            store.close()


def _server(app: ASGIApp, *, log_level: str = "warning") -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level=log_level,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    # asyncio sends without delay on sockets that say TCP; on others each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            raise UsageError(
                "--port", found=f"port {port} cannot be used ({error})", fix="choose another; 0 takes any"
            ) from error
        listener.listen(128)
        yield listener
    finally:
        listener.close()


def _address(listener: socket.socket) -> str:
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"
