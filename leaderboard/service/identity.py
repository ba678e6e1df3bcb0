"""Who asks, by the token that came along. No token is kept, not even for the next request: only its hash."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from leaderboard.service.hub import HUB_TOKEN, ask_hub
from leaderboard.service.rates import Rates
from leaderboard.store.database import Store
from leaderboard.store.refusals import RefusalError
from leaderboard.store.users import TOKEN_PREFIX, Caller, Origin, caller_of, digest_of, owner_of

_KNOWN_S = 300.0
"""So long a token of the Hub is good without asking again."""
_MAX_KNOWN = 10_000
_ASKING = 8
"""Questions to the Hub at a time: a slow one must not hold all of our threads."""
_SIGN_IN = "a token is needed: Authorization: Bearer TOKEN, of the Hub or of this leaderboard's maintainers"


class Identity:
    """Tells callers by their tokens.

    Args:
        store: with the local tokens.
        hub: the address of the Hub; None where only local tokens are good.
    """

    def __init__(self, store: Store, hub: str | None) -> None:
        self._store, self._hub = store, hub
        self._known: OrderedDict[str, tuple[Caller, float]] = OrderedDict()
        self._lock = threading.Lock()
        self._asking = threading.BoundedSemaphore(_ASKING)
        self._requests = Rates(50, burst=300)
        self._failures = Rates(0.5, burst=20)

    def caller(self, token: str, address: str) -> Caller:
        """Returns the user.

        Args:
            token: as it was sent.
            address: of the machine that asks, which may not try many wrong ones.

        Raises:
            RefusalError: the token is no good, or there were too many requests.
        """
        caller = self._remembered(token)
        if caller is None:
            _refuse_if(self._failures.wait(address), "too many wrong tokens from your address")
            try:
                caller = self._find(token)
            except RefusalError:
                self._failures.take(address)
                raise
        _refuse_if(self._requests.take(caller.id), "too many requests")
        return caller

    def _remembered(self, token: str) -> Caller | None:
        with self._lock:
            found = self._known.get(digest_of(token))
        return found[0] if found is not None and found[1] > time.monotonic() else None

    def _find(self, token: str) -> Caller:
        if token.startswith(TOKEN_PREFIX):
            owner = owner_of(self._store, token)
            if owner is None:
                raise RefusalError(401, "this leaderboard does not know this token: ask its maintainers for another")
            return owner
        if self._hub is None or HUB_TOKEN.fullmatch(token) is None:
            raise RefusalError(401, _SIGN_IN)
        if not self._asking.acquire(timeout=1):
            raise RefusalError(503, "too many questions to the Hub at a time: try again", after_s=1)
        try:
            name = ask_hub(self._hub, token)
        finally:
            self._asking.release()
        caller = caller_of(self._store, Origin.HUB, name)
        with self._lock:
            self._known[digest_of(token)] = (caller, time.monotonic() + _KNOWN_S)
            if len(self._known) > _MAX_KNOWN:
                self._known.popitem(last=False)
        return caller


def _refuse_if(wait_s: float, problem: str) -> None:
    if wait_s > 0:
        raise RefusalError(429, f"{problem}: wait {wait_s:.0f} s", after_s=wait_s)


_bearer = HTTPBearer(auto_error=False, description=_SIGN_IN)


def _caller(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Caller:
    if given is None:
        raise RefusalError(401, _SIGN_IN)
    identity: Identity = request.app.state.identity
    return identity.caller(given.credentials, request.client.host if request.client else "")


Known = Annotated[Caller, Depends(_caller)]
"""A parameter of an endpoint that only users may ask."""
