"""Tokens, on their way to the one host that they are for."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Bearer(AuthBase):
    """Sends a token, and keeps `requests` from sending what a `.netrc` has for the host instead.

    Args:
        token: the token.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Returns the request with the token."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def keeps_secrets(address: str) -> bool:
    """Whether a token may be sent to an address: encrypted, or to this machine.

    >>> keeps_secrets("https://board.org/x"), keeps_secrets("http://localhost:7870"), keeps_secrets("http://board.org")
    (True, True, False)
    >>> keeps_secrets("http://localhost@board.org"), keeps_secrets("https:board.org")
    (False, False)
    """
    try:
        parts = urlsplit(address)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        return is_safe and bool(parts.hostname) and not (parts.username or parts.query or parts.fragment)
    except ValueError:
        return False
