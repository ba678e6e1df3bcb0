"""A leaderboard's service, as one user speaks to it. What it answers is a stranger's, and looked at as such."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from molmix_bench.errors import LeaderboardError, UsageError
from molmix_bench.submissions.bearer import Bearer, keeps_secrets
from molmix_bench.submissions.confined import printable
from molmix_bench.talk import say

_WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Between attempts at what may pass by itself."""
_MAX_WAIT_S = 120.0
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_TIMEOUT_S = 90.0
_MAX_ANSWER_BYTES = 8 << 20
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_FIXES = {
    401: "set MOLMIX_TOKEN, or log in with `hf auth login`",
    403: "ask the leaderboard's maintainers",
    404: "check the address after --to",
    413: "ask the leaderboard's maintainers how much they take",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said."""

    status: int
    data: Mapping[str, Any]

    @property
    def is_good(self) -> bool:
        """Whether it did what it was asked for."""
        return self.status < 400  # noqa: PLR2004  # of HTTP


class Service:
    """A leaderboard.

    Args:
        url: its address.
        token: of the user.

    Raises:
        UsageError: the token would go to that address unencrypted.
    """

    def __init__(self, url: str, token: str) -> None:
        if not keeps_secrets(url):
            expected = "https://HOST, or http:// on this machine: your token is sent there"
            raise UsageError("--to", found=f"{url!r:.200}", expected=expected)
        self.url = url.rstrip("/")
        self._auth = Bearer(token)
        self._session = requests.Session()

    def ask(self, method: str, path: str, *, is_odd_good: tuple[int, ...] = (), **more: Any) -> Answer:
        """Returns the answer to a request, asked again where a refusal or a broken connection may pass by itself.

        Args:
            method: of HTTP.
            path: below the address.
            is_odd_good: statuses of refusals that the caller knows what to do with.
            more: of `requests`.

        Raises:
            LeaderboardError: it refuses, or cannot be reached.
        """
        for wait in (*_WAITS_S, None):
            answer, after = self._once(method, path, **more)
            if answer is not None and (answer.is_good or answer.status in is_odd_good):
                return answer
            if wait is None or (answer is not None and answer.status not in _PASSING) or after > _MAX_WAIT_S:
                raise self._refused(answer, after)
            pause = max(wait, after)
            say(f"{self.url}: {_problem(answer)}; trying again in {pause:g} s")
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, method: str, path: str, **more: Any) -> tuple[Answer | None, float]:
        """Returns the answer, or none where there is none, and the seconds that it asks to wait."""
        try:
            # No redirect is followed: the token is for this host alone.
            with self._session.request(
                method,
                f"{self.url}/{path}",
                auth=self._auth,
                timeout=_TIMEOUT_S,
                allow_redirects=False,
                stream=True,
                **more,
            ) as response:
                body = _limited(response)
        except (requests.RequestException, OSError):
            return None, 0.0
        status = response.status_code
        if len(body) > _MAX_ANSWER_BYTES or 300 <= status < 400:  # noqa: PLR2004  # of HTTP
            found = f"status {status} with {len(body):,} bytes"
            raise LeaderboardError(self.url, found=found, expected="an answer of a leaderboard", fix="check --to")
        after = response.headers.get("Retry-After", "")
        return Answer(status, _object(body)), float(after) if after.isascii() and after.isdigit() else 0.0

    def _refused(self, answer: Answer | None, after: float) -> LeaderboardError:
        fix = "check the address and the network; the same command goes on where it was"
        if answer is not None:
            fix = _FIXES.get(answer.status, f"try again in {after / 3600:.1f} h" if after > _MAX_WAIT_S else "")
        return LeaderboardError(self.url, found=_problem(answer), fix=fix)


def identifier(service: Service, data: Mapping[str, Any], key: str) -> str:
    """Returns an identifier of an answer, which may stand in an address and on a terminal.

    Raises:
        LeaderboardError: there is none.
    """
    found = data.get(key)
    if not isinstance(found, str) or _ID.fullmatch(found) is None:
        raise odd(service, f"no {key}")
    return found


def odd(service: Service, found: str) -> LeaderboardError:
    """Returns the error of an answer that no leaderboard gives."""
    return LeaderboardError(service.url, found=f"an answer with {found}", expected="one of a leaderboard")


def _limited(response: requests.Response) -> bytes:
    """Returns the body; of one that is too long, only so much that it shows."""
    body = b""
    for block in response.iter_content(64 << 10):
        body += block
        if len(body) > _MAX_ANSWER_BYTES:
            break
    return body


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _problem(answer: Answer | None) -> str:
    if answer is None:
        return "no answer"
    said = answer.data.get("problem")
    return printable(said[:1_000]) if isinstance(said, str) else f"status {answer.status}"
