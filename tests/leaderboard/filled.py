"""A store with rows of made-up scores, which no predictions stand behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from leaderboard.entries import Entry
from leaderboard.site.records import Action
from leaderboard.store.database import Store, changed
from leaderboard.store.known import know_mixes
from leaderboard.store.results import pack
from leaderboard.store.tables import Score, State, Submission
from leaderboard.store.upkeep import event_of
from leaderboard.store.users import Origin, caller_of
from molmix_bench.metrics.protocol import PROTOCOL


def fill_store(data: Path, entries: Sequence[Entry]) -> None:
    """Makes a store whose board has these rows."""
    store = Store(data, make=True)
    know_mixes(store, [str(entries[0].mix.path)])
    user = caller_of(store, Origin.HUB, "someone")
    contents = [store.archive.keep_bytes(pack(entry.submission)) for entry in entries]
    with store.writing() as session:
        for number, (entry, content) in enumerate(zip(entries, contents, strict=True)):
            spec = entry.submission.spec
            submission = Submission(
                ticket=f"ticket-{number}",
                user_id=user.id,
                digest=str(number),
                since=entry.submitted.timestamp(),
                files=[],
                state=State.ACCEPTED,
                mix=entry.mix.name,
                name=entry.name,
                model=f"{spec.model} {spec.version}",
                verification=entry.verification,
            )
            session.add(submission)
            session.flush()
            score = Score(submission_id=submission.id, protocol=PROTOCOL, content=content, at=submission.since)
            score.build_key = entry.mix.manifest.build_key
            session.add(score)
            session.add(event_of(submission, Action.ADDED, "Made up.", at=submission.since))
        changed(session)
    store.close()
