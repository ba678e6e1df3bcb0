"""The board as it was at one version of the store: its tables, its log, and its pages, each made once."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from leaderboard.boards import Board, make_boards
from leaderboard.entries import Entry
from leaderboard.service.rows import BoardRow, board_rows
from leaderboard.site.pages import site_files
from leaderboard.site.records import newest_first
from leaderboard.store.board import log_of, read_rows
from leaderboard.store.database import Store
from leaderboard.store.known import mixes_of

MAX_CACHED_BYTES = 256 << 20
"""Of pages, as they are sent."""
_TEXT = ("text/", "application/json", "application/javascript", "image/svg+xml")
_WORTH_BYTES = 500


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the site as it is sent."""

    content: bytes
    packed: bytes | None
    """By gzip; none where that does not help."""
    media_type: str
    etag: str

    @property
    def num_bytes(self) -> int:
        """In memory."""
        return len(self.content) + len(self.packed or b"")


class Snapshot:
    """What the store knew at one version of it.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        # What is read after it may be newer, and is read again then.
        self.version = store.version()
        self.protocol = store.protocol()
        self.mixes = mixes_of(store)
        rows = read_rows(store, self.mixes)
        self.boards: dict[str, Board] = {
            board.mix.name: board for board in make_boards(rows, list(self.mixes.found.values()))
        }
        self.log = newest_first(log_of(store))
        self._site = site_files(list(self.boards.values()), log=self.log, has_service=True)
        # To ask the site itself for a path would make its page.
        self._paths = frozenset(self._site)
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._size = 0
        self._rows: dict[str, list[BoardRow]] = {}
        self._lock = threading.Lock()

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """The rows by name."""
        return {entry.name: entry for board in self.boards.values() for entry in board.entries}

    def rows(self, board: Board) -> list[BoardRow]:
        """Returns the rows of a board, made once."""
        if board.mix.name not in self._rows:
            self._rows[board.mix.name] = board_rows(board)
        return self._rows[board.mix.name]

    def cached(self, path: str) -> Page | None:
        """Returns a page that was made already."""
        with self._lock:
            page = self._pages.get(path)
            if page is not None:
                self._pages.move_to_end(path)
            return page

    def has(self, path: str) -> bool:
        """Whether the site has a file of this path."""
        return path in self._paths

    def page(self, path: str) -> Page:
        """Returns a page, made now where it was not before; raises `KeyError` where there is none."""
        found = self.cached(path)
        if found is not None:
            return found
        page = _page(path, self._site[path])
        with self._lock:
            if path not in self._pages:
                self._pages[path] = page
                self._size += page.num_bytes
            while self._size > MAX_CACHED_BYTES and len(self._pages) > 1:
                _, oldest = self._pages.popitem(last=False)
                self._size -= oldest.num_bytes
        return page

    def paths_made(self) -> list[str]:
        """Returns the pages that were asked for, the latest first."""
        with self._lock:
            return list(reversed(self._pages))

    def make(self, paths: Iterable[str]) -> None:
        """Makes pages before anyone waits for them."""
        for path in paths:
            if self.has(path):
                self.page(path)


def _page(path: str, content: bytes) -> Page:
    media_type = "application/gzip" if path.endswith(".gz") else mimetypes.guess_type(path)[0]
    media_type = media_type or "application/octet-stream"
    is_text = media_type.startswith(_TEXT)
    packed = gzip.compress(content, compresslevel=6, mtime=0) if is_text and len(content) > _WORTH_BYTES else None
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    return Page(content, packed, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
