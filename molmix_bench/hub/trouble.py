"""What goes wrong with a Hub: which of it passes by itself, and how the rest reads to a person."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Iterator
from email.utils import mktime_tz, parsedate_tz
from typing import Any, TypeVar

from molmix_bench.errors import HubError
from molmix_bench.talk import say

Result = TypeVar("Result")

_BUSY = (429, 500, 502, 503, 504)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TRIES = 4
_MAX_WAIT_S = 300.0
"""Whoever asks for more patience than this had better be asked again by the user."""
_NOT_FOUND = 404
_REFUSED = (401, 403)
_FIXES = {
    401: "log in with `hf auth login`, or set HF_TOKEN to a token that is valid",
    403: "use a token with write access to this namespace, or ask its owner",
    404: "check the name and the revision; a private repository needs a token of its owner",
    412: "look at what changed, then run the same command again",
    413: "the Hub does not take files this large",
}


def persist(call: Callable[[], Result], *, where: str, tries: int = TRIES) -> Result:
    """Returns what `call` returns, asked again after errors that pass: busy servers and broken connections.

    It must be harmless to carry out twice, since an answer may be lost after the deed.

    Raises:
        HubError: any other error, or one that did not pass.
    """
    for attempt in range(1, tries + 1):
        try:
            return call()
        except client_errors() as error:
            wait = passing_wait(error, attempt)
            if wait is None or attempt == tries:
                raise explained(error, where=where) from error
            pause(wait, where=where, error=error)
    raise AssertionError("the last attempt returns or raises")


def pause(seconds: float, *, where: str, error: BaseException) -> None:
    """Waits before another attempt, and says why."""
    say(f"{where}: {_summary(error)}; trying again in {seconds:g} s")
    time.sleep(seconds)


def passing_wait(error: BaseException, attempt: int) -> float | None:
    """Returns how many seconds to wait before the next attempt; None for an error that will not pass.

    Args:
        error: what was raised.
        attempt: how many there were, this one included.
    """
    if isinstance(error, HubError) or _is_offline(error):
        return None
    for cause in _causes(error):
        response = getattr(cause, "response", None)
        if response is not None:
            if response.status_code not in _BUSY:
                return None
            wait = _asked_wait(response.headers)
            wait = 2.0 ** (attempt - 1) if wait is None else wait
            return wait if wait <= _MAX_WAIT_S else None
    if any(isinstance(cause, _transport_errors()) for cause in _causes(error)):
        return 2.0 ** (attempt - 1)
    return None


def is_unreachable(error: BaseException) -> bool:
    """Whether nobody answered: no network, no such server, or offline mode."""
    answered = any(getattr(cause, "response", None) is not None for cause in _causes(error))
    return _is_offline(error) or (
        not answered and any(isinstance(cause, _transport_errors()) for cause in _causes(error))
    )


def _is_offline(error: BaseException) -> bool:
    return any(type(cause).__name__ == "OfflineModeIsEnabled" for cause in _causes(error))


def is_missing(error: BaseException) -> bool:
    """Whether the Hub says that there is no such repository, revision or file; also to one who may not know."""
    names = {type(cause).__name__ for cause in _causes(error)}
    return bool(names & {"RepositoryNotFoundError", "RevisionNotFoundError"}) or status_of(error) == _NOT_FOUND


def is_refused(error: BaseException) -> bool:
    """Whether the Hub does not serve this caller: a token that is wrong, a repository that is not for everybody."""
    return status_of(error) in _REFUSED


def status_of(error: BaseException) -> int | None:
    """Returns the HTTP status of the answer that an error is about; None where there was none."""
    for cause in _causes(error):
        response = getattr(cause, "response", None)
        if response is not None:
            return int(response.status_code)
    return None


def explained(error: BaseException, *, where: str) -> HubError:
    """Returns an error of a client as one of ours."""
    if isinstance(error, HubError):
        return error
    fix = _FIXES.get(status_of(error) or 0, "")
    names = {type(cause).__name__ for cause in _causes(error)}
    if _is_offline(error):
        fix = "unset HF_HUB_OFFLINE, or use what is in the cache"
    elif "GatedRepoError" in names:
        fix = "ask for access on the repository's page, then use a token of that account"
    elif is_unreachable(error):
        fix = "check the network and HF_ENDPOINT, then run the same command again; it goes on where it was"
    elif status_of(error) in _BUSY:
        fix = "run the same command again later; it goes on where it was"
    elif any(isinstance(cause, OSError) and cause.errno in _FULL for cause in _causes(error)):
        fix = "make room on the disk, or set HF_HOME and TMPDIR to larger ones; the same command goes on where it was"
    return HubError(where, found=_summary(error), fix=fix)


def _summary(error: BaseException) -> str:
    """Returns the server's answer, or else the deepest cause that says something, on one line."""
    deepest = error
    for cause in _causes(error):
        response = getattr(cause, "response", None)
        if response is not None:
            message = response.headers.get("X-Error-Message")
            return f"HTTP {response.status_code}" + (f" ({message})" if message else "")
        deepest = cause if str(cause) else deepest
    return f"{type(deepest).__name__}: {' '.join(str(deepest).split()):.300}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    # Not the context: it may be an earlier error that this one has nothing to do with.
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _asked_wait(headers: Any) -> float | None:
    """Returns the seconds that the server asks for: Retry-After, or the `t=` of the rate limit it says is used up."""
    asked = str(headers.get("Retry-After", "")).strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    # Or a moment, as HTTP allows.
    if (moment := parsedate_tz(asked)) is not None:
        return max(0.0, mktime_tz(moment) - time.time())
    limit = dict(part.strip().partition("=")[::2] for part in str(headers.get("RateLimit", "")).split(";"))
    reset = limit.get("t", "")
    return float(reset) if limit.get("r") == "0" and reset.isascii() and reset.isdigit() else None


def client_errors() -> tuple[type[BaseException], ...]:
    """Returns what the Hub's client raises when a request fails, and not what a mistake in a program raises."""
    # RuntimeError wraps a failed upload, ValueError what the server says of an object.
    return (OSError, RuntimeError, ValueError, *_transport_errors())


def _transport_errors() -> tuple[type[BaseException], ...]:
    """Returns what a broken connection raises in the HTTP library of the installed client.

    huggingface_hub 0.x speaks by requests, 1.x by httpx, 2.x by httpx2.
    """
    names = (("requests", "RequestException"), ("httpx", "TransportError"), ("httpx2", "TransportError"))
    loaded = [getattr(sys.modules[library], name) for library, name in names if library in sys.modules]
    return (ConnectionError, TimeoutError, *loaded)
