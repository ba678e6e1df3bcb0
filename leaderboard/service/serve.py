"""Serving until a signal comes."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from filelock import FileLock, Timeout
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from leaderboard.service.app import make_app
from leaderboard.service.patient import PatientProtocol
from leaderboard.store.database import Store
from leaderboard.store.limits import UploadLimits
from molmix_bench.errors import UsageError

PORT = 7870
_GRACE_S = 20
"""For requests that are being answered when a signal comes."""
_MAX_CONNECTIONS = 500
"""Each has a descriptor, of which a process often has 1,024."""
_KEEP_ALIVE_S = 15


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, and whose word on who asks is taken."""

    host: str = "127.0.0.1"
    port: int = PORT
    """0 takes any that is free."""
    proxy: str | None = None
    """The machine whose `X-Forwarded-For` is believed."""


def serve(
    store: Store,
    address: Address,
    *,
    hub: str | None,
    limits: UploadLimits,
    ready: Callable[[str], object],
) -> None:
    """Serves a store until SIGTERM or SIGINT; answers that are being written then are finished.

    Args:
        store: the store.
        address: where to listen.
        hub: as for `make_app`.
        limits: likewise.
        ready: called with the address as soon as it can be used.

    Raises:
        UsageError: the port is taken.
    """
    with _only_one(store), listen(address) as listener:
        server = make_server(make_app(store, hub=hub, limits=limits), proxy=address.proxy)
        host = f"[{address.host}]" if ":" in address.host else address.host
        # uvicorn stops at a signal and then raises it once more, for whoever handled it before: by then all is done.
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: None)
        ready(f"http://{host}:{listener.getsockname()[1]}")
        server.run(sockets=[listener])


@contextmanager
def _only_one(store: Store) -> Iterator[None]:
    """Keeps others from serving the store meanwhile: open uploads and rates are in the memory of one process."""
    try:
        with FileLock(store.path / "serve.lock", timeout=0):
            yield
    except Timeout:
        fix = "stop it, or choose another --data"
        raise UsageError(str(store.path), found="another service at work on this store", fix=fix) from None


def make_server(
    app: ASGIApp, *, proxy: str | None = None, protocol: type[H11Protocol] = PatientProtocol
) -> uvicorn.Server:
    """Returns a server that no slow or talkative client can hold for long."""
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        # No line for each request: addresses hold what callers wrote into them.
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=proxy is not None,
        forwarded_allow_ips=proxy,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return uvicorn.Server(config)


def listen(address: Address) -> socket.socket:
    """Returns a socket that listens; raises `UsageError` where it cannot."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # asyncio sends without delay on sockets that say TCP; on others each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        found = f"{address.host} port {address.port} cannot be used ({error.strerror})"
        raise UsageError("--port", found=found, fix="choose another; 0 takes any") from error
    return listener
