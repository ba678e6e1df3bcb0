"""The mixes that a store's submissions are scored against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.mixes import Mixes
from leaderboard.store.database import Store, changed
from leaderboard.store.tables import KnownMix, Score, State, Submission
from molmix_bench.errors import UsageError
from molmix_bench.mix import Mix


def mixes_of(store: Store) -> Mixes:
    """Returns the store's mixes, loaded; where it names none, those of the catalog.

    Raises:
        MolmixError: as `resolve.load`.
        UsageError: a mix is another than it was.
    """
    with store.reading() as session:
        known = session.scalars(select(KnownMix).order_by(KnownMix.name)).all()
    mixes = Mixes.given([mix.place for mix in known])
    for mix in known:
        found = mixes.found.get(mix.name)
        if found is None or found.manifest.build_key != mix.build_key:
            fix = f"put the old one back, or take the new one with `rescore --mix {mix.place}`"
            raise UsageError(mix.place, found="another build of the mix", expected=mix.build_key[:12], fix=fix)
    return mixes


def know_mixes(store: Store, places: Sequence[str]) -> None:
    """Adds mixes to those that submissions are scored against.

    Args:
        store: the store.
        places: directories, or names as `resolve.load` takes them.

    Raises:
        UsageError: rows on the board were scored against another build of one of them.
        MolmixError: as `resolve.load`.
    """
    mixes, protocol = Mixes.given(places), store.protocol()
    for (name, mix), place in zip(mixes.found.items(), places, strict=True):
        with store.writing() as session:
            on_board = (Submission.mix == name, Submission.state == State.ACCEPTED, Score.protocol == protocol)
            scored = select(Score.build_key).join(Submission, Submission.id == Score.submission_id).where(*on_board)
            others = set(session.scalars(scored)) - {mix.manifest.build_key}
            if others:
                fix = f"use that one, or score every row again with `rescore --mix {place}`"
                found = f"build {mix.manifest.build_key[:12]}"
                expected = f"{min(others)[:12]}, which the board's rows were scored against"
                raise UsageError(place, found=found, expected=expected, fix=fix)
            if session.get(KnownMix, name) is None:
                changed(session)
            put_mix(session, mix, place)


def known_places(store: Store) -> dict[str, str]:
    """Returns the places of the store's own mixes by name."""
    with store.reading() as session:
        return {mix.name: mix.place for mix in session.scalars(select(KnownMix))}


def put_mix(session: Session, mix: Mix, place: str) -> None:
    """Notes where a mix lies, in place of one of the same name."""
    # A directory may be meant from where we are now.
    where = str(Path(place).absolute()) if Path(place).is_dir() else place
    session.merge(KnownMix(name=mix.name, place=where, build_key=mix.manifest.build_key))
