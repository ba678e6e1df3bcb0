"""The store: a folder with `board.db`, which several processes read and write, and what lies beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from leaderboard.store.archive import Archive
from leaderboard.store.tables import Base, Fact
from molmix_bench.errors import UsageError
from molmix_bench.metrics.protocol import PROTOCOL

DATABASE = "board.db"
_FORMAT = 1
"""Of the tables; SQLite keeps it as `user_version`."""
_VERSION, _PROTOCOL = "version", "protocol"
_CONNECTIONS = 50
_BUSY_MS = 30_000
"""How long a process waits for the one that writes."""


@dataclass(slots=True)
class _Lock:
    """A lock, and how many threads have it or wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    num_users: int = 0


class Store:
    """What the leaderboard knows.

    Args:
        data: the folder.
        make: whether to make it where it is not there.
        clock: the time, in seconds since 1970.

    Raises:
        UsageError: the folder holds no store, or one of another version of this program.
    """

    def __init__(self, data: Path, *, make: bool = False, clock: Callable[[], float] = time.time) -> None:
        self.path = data.absolute()
        self.now = clock
        if not make and not is_store(self.path):
            fix = "`python -m leaderboard serve --data DIR` makes one"
            raise UsageError(str(data), found="no store", expected=f"a folder with {DATABASE}", fix=fix)
        # What is refused, and who sent what, is for the maintainers alone.
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.archive = Archive(self.path / "objects")
        self._locks: dict[str, _Lock] = {}
        self._locks_lock = threading.Lock()
        self._engine = _open(self.path / DATABASE)
        self._writing = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        self._prepare()

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yields a session that sees one state of the database."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yields a session that alone may write; all that it did is there at the end of the block, or nothing."""
        with Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Holds the other threads of this process that name the same key until the end of the block."""
        with self._locks_lock:
            lock = self._locks.setdefault(key, _Lock())
            lock.num_users += 1
        try:
            with lock.lock:
                yield
        finally:
            with self._locks_lock:
                lock.num_users -= 1
                if not lock.num_users:
                    del self._locks[key]

    def version(self) -> int:
        """Returns a number that grows with every change of what is public."""
        with self.reading() as session:
            return int(_fact(session, _VERSION))

    def protocol(self) -> str:
        """Returns the protocol whose scores are on the board."""
        with self.reading() as session:
            return _fact(session, _PROTOCOL)

    def is_whole(self) -> bool:
        """Whether the database can be read."""
        try:
            return self.version() >= 0
        except DatabaseError:
            return False

    def _prepare(self) -> None:
        with self._writing.begin() as connection:
            found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if found not in (0, _FORMAT):
                fix = "use the version of molmix-bench that made it, or another folder"
                raise UsageError(
                    str(self.path), found=f"tables of format {found}", expected=f"format {_FORMAT}", fix=fix
                )
            Base.metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {_FORMAT}")
        with self.writing() as session:
            for key, value in ((_VERSION, "1"), (_PROTOCOL, PROTOCOL)):
                if session.get(Fact, key) is None:
                    session.add(Fact(key=key, value=value))


def is_store(data: Path) -> bool:
    """Whether a folder holds a store."""
    return (data / DATABASE).is_file()


def changed(session: Session) -> None:
    """Notes that what is public is another from this transaction on."""
    fact = session.get_one(Fact, _VERSION)
    fact.value = str(int(fact.value) + 1)


def use_protocol(session: Session, protocol: str) -> None:
    """Puts the scores of a protocol on the board."""
    session.get_one(Fact, _PROTOCOL).value = protocol


def count(session: Session, *conditions: Any) -> int:
    """Returns how many rows of one table fulfil conditions."""
    return session.scalar(select(func.count()).where(*conditions)) or 0


def _fact(session: Session, key: str) -> str:
    return session.get_one(Fact, key).value


def _open(path: Path) -> Engine:
    waits = {"timeout": _BUSY_MS / 1000, "check_same_thread": False}
    # A connection for each thread that answers requests.
    engine = create_engine(f"sqlite:///{path}", connect_args=waits, pool_size=_CONNECTIONS)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: object) -> None:
        # Transactions are begun below: the driver would begin them later, and never as `IMMEDIATE`.
        connection.isolation_level = None
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Any) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine
