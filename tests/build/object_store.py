"""An S3 server on this machine that can be told to fail: moto's, behind a gate that counts and refuses requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET = "molmix"


def _never(method, path):
    return False


class Gate:
    """Passes requests to the store; refuses those that `refuses` names, as a store in trouble does.

    Attributes:
        seen: (method, path) of every request.
        refuses: whether a request is answered by an error, given method and path.
        cuts: whether only half of an answer's bytes are sent.
    """

    def __init__(self, app):
        self._app = app
        self.seen = []
        self.heal()

    def heal(self):
        """Ends all trouble."""
        self.refuses = self.cuts = _never

    def __call__(self, environ, start_response):
        """Answers a request, as WSGI has it."""
        request = (environ["REQUEST_METHOD"], environ["PATH_INFO"])
        self.seen.append(request)
        if self.refuses(*request):
            start_response("500 Internal Server Error", [("Content-Type", "application/xml")])
            return [b"<Error><Code>InternalError</Code><Message>the disk is on fire</Message></Error>"]
        if self.cuts(*request):
            whole = b"".join(self._app(environ, start_response))
            return [whole[: len(whole) // 2]]
        return self._app(environ, start_response)

    def puts(self, ending=""):
        """Returns the paths written so far."""
        return [path for method, path in self.seen if method == "PUT" and path.endswith(ending)]


@contextmanager
def running_store(monkeypatch) -> Iterator[tuple[Gate, object]]:
    """Runs a store with one bucket and yields its gate and a client; the environment points s3fs at it."""
    gate = Gate(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, gate, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",  # not a key to anything
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    try:
        yield gate, client
    finally:
        client.delete_objects(
            Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in keys(client)] or [{"Key": "x"}]}
        )
        client.delete_bucket(Bucket=BUCKET)
        client.close()
        server.shutdown()
        thread.join()
        server.server_close()


def keys(client) -> list[str]:
    """Returns the names of all objects of the bucket."""
    return [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
