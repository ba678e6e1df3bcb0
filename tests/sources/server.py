"""A small HTTP server on loopback that misbehaves on request: what downloads are tested against."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Faults:
    """What the server does next.

    Attributes:
        cut_after: break the connection after so many bytes, once.
        gone_after_cut: after the cut, hang up on every request.
        statuses: answer with these first.
        ranges: whether Range is understood.
    """

    body: bytes
    cut_after: int | None = None
    gone_after_cut: bool = False
    statuses: list[int] = field(default_factory=list)
    ranges: bool = True
    requests: list[str | None] = field(default_factory=list)


@contextmanager
def serve(faults: Faults) -> Iterator[str]:
    """Serves `faults.body` at every path; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Keeps quiet."""

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            faults.requests.append(wanted)
            if faults.gone_after_cut and faults.cut_after is None:
                self.close_connection = True
                return
            if faults.statuses:
                self.send_response(faults.statuses.pop(0))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and faults.ranges else 0
            if start >= len(faults.body) > 0:
                self.send_response(416)
                self.end_headers()
                return
            body = faults.body[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if faults.cut_after is not None:
                self.wfile.write(body[: faults.cut_after])
                faults.cut_after = None
                self.close_connection = True
                return
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
