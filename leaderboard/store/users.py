"""Users and the tokens of those whom no Hub knows."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from leaderboard.store.database import Store
from leaderboard.store.tables import Token, User
from molmix_bench.errors import UsageError

TOKEN_PREFIX = "mmb_"  # noqa: S105  # begins every token, so that a leaked one is known for what it is
USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


class Origin(StrEnum):
    """Who says who someone is."""

    HUB = "hub"
    LOCAL = "local"
    """We do, by a token that a maintainer made."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A user whose token was found good."""

    id: int
    origin: Origin
    name: str


def public_name(user: User) -> str:
    """Returns a user's name as the board shows it: a local `ann` is not the Hub's."""
    return user.name if user.origin == Origin.HUB else f"{user.name} (local)"


def caller_of(store: Store, origin: Origin, name: str) -> Caller:
    """Returns a user, whom it makes known at first sight."""
    with store.reading() as session:
        found = _find(session, origin, name)
    if found is None:
        with store.writing() as session:
            found = _find(session, origin, name) or _add(session, origin, name, since=store.now())
    return Caller(found.id, origin, name)


def make_token(store: Store, name: str) -> str:
    """Returns a new token of a local user, which is kept nowhere.

    Raises:
        UsageError: nobody can have that name.
    """
    if USER_NAME.fullmatch(name) is None:
        raise UsageError("NAME", found=f"{name!r:.120}", expected="letters, digits, '.', '_' and '-', 96 at most")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    user = caller_of(store, Origin.LOCAL, name)
    with store.writing() as session:
        session.add(Token(digest=digest_of(token), user_id=user.id, since=store.now()))
    return token


def revoke_tokens(store: Store, name: str) -> int:
    """Makes all tokens of a local user worthless, and returns how many there were.

    Raises:
        UsageError: there is no such user.
    """
    with store.writing() as session:
        user = _find(session, Origin.LOCAL, name)
        if user is None:
            raise UsageError("NAME", found=f"no local user {name!r:.120}", expected="one who has a token")
        digests = session.scalars(select(Token.digest).where(Token.user_id == user.id)).all()
        session.execute(delete(Token).where(Token.user_id == user.id))
        return len(digests)


def owner_of(store: Store, token: str) -> Caller | None:
    """Returns whose token of ours this is, or None."""
    with store.reading() as session:
        user = session.scalar(select(User).join(Token).where(Token.digest == digest_of(token)))
    return None if user is None else Caller(user.id, Origin(user.origin), user.name)


def digest_of(token: str) -> str:
    """Returns what is kept of a token: it is random and long, so that a plain hash is not to be reversed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _find(session: Session, origin: Origin, name: str) -> User | None:
    return session.scalar(select(User).where(User.origin == origin, User.name == name))


def _add(session: Session, origin: Origin, name: str, *, since: float) -> User:
    user = User(origin=str(origin), name=name, since=since)
    session.add(user)
    session.flush()
    return user
