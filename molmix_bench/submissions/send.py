"""A submission sent to a leaderboard, going on where an interruption left it, and its verdict."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tqdm import tqdm

from molmix_bench.errors import LeaderboardError
from molmix_bench.specs.submission import SUBMISSION_FILE
from molmix_bench.submissions.check import Problem
from molmix_bench.submissions.confined import printable
from molmix_bench.submissions.service import Service, identifier, odd
from molmix_bench.submissions.steps import PREDICTIONS_DIR
from molmix_bench.talk import say

PIECE_BYTES = 4 << 20
FINAL = ("accepted", "refused", "failed", "removed")
_CONFLICT = 409
_ROUNDS = 3
"""Of sending what the service says is missing."""
_POLL_S, _MAX_POLL_S = 1.0, 15.0
_TELL_S = 60.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A file to be sent."""

    path: str
    place: Path
    num_bytes: int
    sha256: str

    def to_record(self) -> dict[str, Any]:
        """Returns the file as it is announced."""
        return {"path": self.path, "num_bytes": self.num_bytes, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a submission ended."""

    ticket: str
    state: str
    page: str | None
    """Its page's address, where it has a row."""
    problems: tuple[Problem, ...]

    @property
    def is_good(self) -> bool:
        """Whether it stands on the board."""
        return self.state == "accepted"


def files_to_send(folder: Path) -> tuple[Sent, ...]:
    """Returns the files of a submission's folder with their hashes."""
    places = [folder / SUBMISSION_FILE, *sorted((folder / PREDICTIONS_DIR).rglob("*"))]
    found = []
    for place in places:
        if place.is_file():
            with place.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                found.append(Sent(place.relative_to(folder).as_posix(), place, stream.tell(), digest))
    return tuple(found)


def send_submission(folder: Path, service: Service) -> str:
    """Returns the ticket of a submission that has arrived whole.

    An upload of the very same files that is open is gone on with, so that nothing is kept here between two tries.

    Raises:
        LeaderboardError: the service refuses, or cannot be reached.
    """
    files = files_to_send(folder)
    upload = _begin(service, files)
    total = sum(file.num_bytes for file in files)
    with tqdm(desc="upload", total=total, unit="B", unit_scale=True, disable=None) as bar:
        for turn in range(_ROUNDS):
            state = service.ask("GET", f"api/uploads/{upload}").data
            received = _received(service, state, files)
            bar.n = sum(received.values())
            bar.refresh()
            for file in files:
                _send_file(service, upload, file, received[file.path], bar.update)
            answer = service.ask("POST", f"api/uploads/{upload}/finish", is_odd_good=(_CONFLICT,))
            if answer.is_good:
                return identifier(service, answer.data, "ticket")
            said = printable(str(answer.data.get("problem", ""))[:500])
            say(f"{said}; sending it again ({turn + 1} of {_ROUNDS})")
    fix = "the same command goes on; if it ends so again, tell the leaderboard's maintainers"
    raise LeaderboardError(service.url, found=said, expected="a ticket", fix=fix)


def watch_ticket(service: Service, ticket: str) -> Verdict:
    """Returns the verdict of a submission as soon as there is one.

    Raises:
        LeaderboardError: the service refuses, or cannot be reached.
    """
    wait, told, said = _POLL_S, "", 0.0
    while True:
        data = service.ask("GET", f"api/tickets/{quote(ticket, safe='')}").data
        state = str(data.get("state"))
        if state in FINAL:
            return _verdict(service, ticket, data)
        if state != told or time.monotonic() > said + _TELL_S:
            ahead = data.get("ahead")
            behind = f", {ahead} before it" if state == "queued" and isinstance(ahead, int) and ahead else ""
            say(f"{printable(state[:40])}{behind}")
            told, said = state, time.monotonic()
        time.sleep(wait)
        wait = min(_MAX_POLL_S, wait * 1.2)


def _begin(service: Service, files: Sequence[Sent]) -> str:
    announced = [file.to_record() for file in files]
    for upload in _list(service.ask("GET", "api/uploads").data.get("uploads")):
        keys = ("path", "num_bytes", "sha256")
        if [{key: file.get(key) for key in keys} for file in _list(upload.get("files"))] == announced:
            say("going on with the upload that is open")
            return identifier(service, upload, "upload")
    answer = service.ask("POST", "api/uploads", json={"files": announced})
    return identifier(service, answer.data, "upload")


def _received(service: Service, state: Any, files: Sequence[Sent]) -> dict[str, int]:
    found = {str(file.get("path")): file.get("received") for file in _list(state.get("files"))}
    received = {}
    for file in files:
        number = found.get(file.path)
        if not isinstance(number, int) or not 0 <= number <= file.num_bytes:
            raise odd(service, f"no number of bytes of {file.path}")
        received[file.path] = number
    return received


def _send_file(service: Service, upload: str, file: Sent, offset: int, told: Callable[[int], object]) -> None:
    address = f"api/uploads/{upload}/files/{quote(file.path)}"
    with file.place.open("rb") as stream:
        while offset < file.num_bytes:
            stream.seek(offset)
            piece = stream.read(PIECE_BYTES)
            # 409 says from where the service would go on: a piece may have arrived whose answer did not.
            answer = service.ask("PUT", address, is_odd_good=(_CONFLICT,), params={"offset": offset}, data=piece)
            number = answer.data.get("received")
            if not isinstance(number, int) or not 0 <= number <= file.num_bytes:
                raise odd(service, f"no number of bytes of {file.path}")
            told(number - offset)
            offset = number


def _verdict(service: Service, ticket: str, data: Any) -> Verdict:
    page = data.get("page")
    problems = tuple(
        Problem(*(printable(str(item.get(key, ""))[:2_000]) for key in ("where", "found", "expected", "fix")))
        for item in _list(data.get("problems"))
    )
    address = f"{service.url}/{printable(page[:500])}" if isinstance(page, str) else None
    return Verdict(ticket, str(data.get("state")), address, problems)


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
