"""Every row again, from the stored predictions: under a new protocol or on a new build of a mix, at one stroke."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from filelock import FileLock, Timeout
from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.entries import Refused
from leaderboard.mixes import Mixes
from leaderboard.site.records import Action, Move
from leaderboard.store.database import Store, changed, use_protocol
from leaderboard.store.known import known_places, mixes_of, put_mix
from leaderboard.store.results import PackedScores, pack
from leaderboard.store.tables import Event, Score, State, Submission
from leaderboard.store.upkeep import check_why
from leaderboard.worker.moves import moves_between
from leaderboard.worker.score import laid_out, score_files
from molmix_bench.errors import UsageError
from molmix_bench.metrics.protocol import PROTOCOL
from molmix_bench.metrics.scores import Scores
from molmix_bench.submissions.check import Problem
from molmix_bench.talk import say

_DESK = "rescore"


@dataclass(frozen=True, slots=True)
class _Again:
    """What came of scoring a submission again."""

    name: str
    mix: str
    build_key: str
    content: str | None
    """Of the scores, in the archive; none where it was refused."""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Rescored:
    """What a rescore did."""

    num_rows: int
    """On the board now."""
    refused: tuple[str, ...]
    """Names of rows that the check refuses now, which are off the board."""
    moves: tuple[Move, ...]


def rescore(store: Store, *, why: str, places: Sequence[str] = ()) -> Rescored:
    """Scores every row of the board again, puts the scores on the board all at once, and logs what moved.

    Args:
        store: the store.
        why: for the log.
        places: mixes to be scored against, in place of those of the same names.

    Raises:
        UsageError: there is no reason, or another rescore is at work.
        MolmixError: a mix cannot be loaded.
    """
    check_why(why)
    try:
        with FileLock(store.path / "rescore.lock", timeout=0):
            return _rescore(store, why, places)
    except Timeout:
        raise UsageError(str(store.path), found="another rescore at work", fix="wait for its end") from None


def _rescore(store: Store, why: str, places: Sequence[str]) -> Rescored:
    mixes = _mixes(store, places)
    given = {mix.name: place for mix, place in zip(mixes.found.values(), places, strict=False)}
    done: dict[int, _Again] = {}
    while True:
        with store.reading() as session:
            rows = _accepted(session)
        for row in rows:
            if row.id not in done:
                say(f"{len(done) + 1}/{len(rows)}: {row.name}")
                done[row.id] = _again(store, row, mixes)
        # Workers go on meanwhile: whatever they accepted is scored again too.
        found = _commit(store, {row.id: done[row.id] for row in rows}, mixes, given, why=why)
        if found is not None:
            return found


def _mixes(store: Store, places: Sequence[str]) -> Mixes:
    """Returns the mixes to score against, those of `places` first."""
    if not places:
        return mixes_of(store)
    given = Mixes.given(places)
    kept = [place for name, place in known_places(store).items() if name not in given.found]
    return Mixes.given([*places, *kept])


def _accepted(session: Session) -> list[Submission]:
    chosen = select(Submission).where(Submission.state == State.ACCEPTED)
    return list(session.scalars(chosen.order_by(Submission.id)))


def _again(store: Store, row: Submission, mixes: Mixes) -> _Again:
    with laid_out(store, store.path / _DESK, row.files) as folder:
        found = score_files(folder, row.files, mixes)
    if isinstance(found, Refused):
        return _Again(str(row.name), str(row.mix), "", None, found.problems)
    content = store.archive.keep_bytes(pack(found.submission))
    return _Again(str(row.name), found.mix.name, found.mix.manifest.build_key, content)


def _commit(
    store: Store, done: Mapping[int, _Again], mixes: Mixes, given: Mapping[str, str], *, why: str
) -> Rescored | None:
    """Puts scores on the board; None where other rows are on it by now than were scored."""
    before = store.protocol()
    with store.reading() as session:
        old = _contents(session, before)
    models = _models(store)
    moves = {mix: _moves(store, old, some, models) for mix, some in _by_mix(done.values()).items()}
    with store.writing() as session:
        if {row.id for row in _accepted(session)} != set(done):
            return None
        for submission_id, item in done.items():
            _write(session, submission_id, item, now=store.now())
        use_protocol(session, PROTOCOL)
        for name, place in given.items():
            put_mix(session, mixes.found[name], place)
        for mix, found in moves.items():
            text = f"{why} Protocol {PROTOCOL}, before {before}."
            moved = [asdict(move) for move in found]
            session.add(Event(at=store.now(), action=str(Action.RESCORED), mix=mix, text=text, moves=moved))
        changed(session)
    refused = tuple(item.name for item in done.values() if item.content is None)
    return Rescored(len(done) - len(refused), refused, tuple(move for some in moves.values() for move in some))


def _write(session: Session, submission_id: int, item: _Again, *, now: float) -> None:
    submission = session.get_one(Submission, submission_id)
    if item.content is None:
        submission.state = State.REFUSED
        submission.problems = [asdict(problem) for problem in item.problems]
        return
    made = Score(submission_id=submission_id, protocol=PROTOCOL, content=item.content, at=now)
    made.build_key, submission.mix = item.build_key, item.mix
    session.merge(made)


def _contents(session: Session, protocol: str) -> dict[str, str]:
    """Returns the names in the archive of the scores on the board, by row."""
    chosen = (Submission.state == State.ACCEPTED, Score.protocol == protocol)
    rows = select(Submission.name, Score.content).join(Score, Score.submission_id == Submission.id).where(*chosen)
    return {str(name): content for name, content in session.execute(rows)}


def _models(store: Store) -> dict[str, str]:
    with store.reading() as session:
        return {str(row.name): str(row.model) for row in _accepted(session)}


def _by_mix(done: Iterable[_Again]) -> dict[str, list[_Again]]:
    found: dict[str, list[_Again]] = defaultdict(list)
    for item in done:
        found[item.mix].append(item)
    return found


def _moves(store: Store, old: Mapping[str, str], items: Sequence[_Again], models: Mapping[str, str]) -> list[Move]:
    before = {item.name: _macros(store, old[item.name]) for item in items if item.name in old}
    after = {item.name: _macros(store, item.content) for item in items if item.content is not None}
    return moves_between(before, after, models)


def _macros(store: Store, content: str) -> Scores:
    return PackedScores(partial(store.archive.read, content)).macros
