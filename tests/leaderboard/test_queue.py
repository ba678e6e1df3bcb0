"""Tests of the queue: who has a job, for how long, and what is written of it."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from leaderboard.store.queue import (
    MAX_ATTEMPTS,
    accept,
    adopt_jobs,
    give_back,
    give_up,
    lease_job,
    refuse,
    renew_lease,
    tell_scoring,
)
from leaderboard.store.tables import Event, Job, JobState, Score, State, Submission
from leaderboard.store.tickets import enqueue, find_ticket, finish_upload
from leaderboard.store.upkeep import remove_row
from leaderboard.store.users import Origin, caller_of
from molmix_bench.metrics.protocol import PROTOCOL
from molmix_bench.submissions.check import Problem
from tests.leaderboard.sent import arrive

MIX = SimpleNamespace(name="tiny", manifest=SimpleNamespace(build_key="0" * 64))
SCORED = SimpleNamespace(spec=SimpleNamespace(model="Gine.X", version="1.0"))
CONTENT = "0" * 64


def wait(store, ann, clock, number):
    """Returns the ticket of a submission that waits from now on."""
    clock[0] += 1
    return finish_upload(store, ann, arrive(store, ann, {"a": b"%d" % number}).id).ticket


@pytest.fixture
def tickets(store, ann, clock):
    """Three submissions that wait."""
    return [wait(store, ann, clock, number) for number in range(3)]


def state(store, ann, ticket):
    """Returns where a ticket stands."""
    return find_ticket(store, ann, ticket).state


def rows(store, *columns):
    """Returns columns of a table."""
    with store.reading() as session:
        return session.execute(select(*columns)).all()


def test_each_job_has_one_worker(store, tickets):
    """In the order of the tickets, until there are none."""
    leases = [lease_job(store, f"w{number}", seconds=10) for number in range(4)]
    assert [lease.submission_id for lease in leases[:3]] == [1, 2, 3]
    assert leases[3] is None


def test_a_lease_that_is_not_renewed_ends(store, ann, clock, tickets):
    """Then the job is another's, and what the first one did is thrown away."""
    first = lease_job(store, "first", seconds=10)
    clock[0] += 9
    assert renew_lease(store, first)
    clock[0] += 9
    others = [lease_job(store, "other", seconds=100) for _ in range(3)]
    assert others[2] is None
    clock[0] += 2
    second = lease_job(store, "second", seconds=10)
    assert (second.job_id, second.attempts) == (first.job_id, 2)
    assert not renew_lease(store, first)
    assert not accept(store, first, SCORED, MIX, content=CONTENT)
    assert not refuse(store, first, (), mix=None)
    tell_scoring(store, first)
    give_up(store, first)
    give_back(store, first)
    assert state(store, ann, tickets[0]) is State.CHECKING
    assert accept(store, second, SCORED, MIX, content=CONTENT)
    assert not accept(store, second, SCORED, MIX, content=CONTENT)
    assert len(rows(store, Score.content)) == len(rows(store, Event.id)) == 1


def test_the_same_worker_is_another_after_its_lease(store, clock, tickets):
    """One that slept through its lease and took the job anew: its first try writes nothing."""
    first = lease_job(store, "w", seconds=10)
    for _ in range(2):
        lease_job(store, "other", seconds=100)
    clock[0] += 11
    second = lease_job(store, "w", seconds=10)
    assert second.job_id == first.job_id
    assert not accept(store, first, SCORED, MIX, content=CONTENT)


def test_states_of_a_ticket(store, ann, tickets):
    """Queued, checking, scoring, accepted with a name; or refused with the problems."""
    assert [find_ticket(store, ann, ticket).ahead for ticket in tickets] == [0, 1, 2]
    lease = lease_job(store, "w", seconds=10)
    assert state(store, ann, tickets[0]) is State.CHECKING
    tell_scoring(store, lease)
    assert state(store, ann, tickets[0]) is State.SCORING
    assert accept(store, lease, SCORED, MIX, content=CONTENT)
    found = find_ticket(store, ann, tickets[0])
    assert (found.state, found.mix, found.name) == (State.ACCEPTED, "tiny", "gine-x-1-0")
    problem = Problem("x", "<script>", "none", "mend it")
    refuse(store, lease_job(store, "w", seconds=10), [problem], mix="tiny")
    found = find_ticket(store, ann, tickets[1])
    assert (found.state, found.problems) == (State.REFUSED, (problem,))


def test_files_of_a_refused_submission_go(store, ann):
    """But those that another submission needs too; sent again, it stays refused."""
    both, alone = hashlib.sha256(b"both").hexdigest(), hashlib.sha256(b"alone").hexdigest()
    ben = caller_of(store, Origin.HUB, "ben")
    finish_upload(store, ann, arrive(store, ann, {"a": b"both", "b": b"alone"}).id)
    finish_upload(store, ben, arrive(store, ben, {"a": b"both"}).id)
    assert refuse(store, lease_job(store, "w", seconds=10), (), mix=None)
    assert [store.archive.place(name).exists() for name in (both, alone)] == [True, False]
    late = arrive(store, ben, {"a": b"alone"})
    assert finish_upload(store, ann, arrive(store, ann, {"a": b"both", "b": b"alone"}).id).state is State.REFUSED
    finish_upload(store, ben, late.id)
    assert store.archive.read(alone) == b"alone"
    assert refuse(store, lease_job(store, "w", seconds=10), (), mix=None)
    assert [store.archive.place(name).exists() for name in (both, alone)] == [False, True]


def test_rows_of_one_model_have_different_names(store, tickets):
    """A removed row's too is never another's."""
    names = []
    for _ in tickets:
        accept(store, lease_job(store, "w", seconds=10), SCORED, MIX, content=CONTENT)
        names = sorted(name for (name,) in rows(store, Submission.name) if name)
        remove_row(store, names[-1], why="a test")
    assert names == ["gine-x-1-0", "gine-x-1-0-2", "gine-x-1-0-3"]


def test_a_job_that_cannot_be_done_fails_after_some_tries(store, ann, clock, tickets):
    """Others come first meanwhile; it fails, and the same files sent again are tried again."""
    for attempt in range(1, MAX_ATTEMPTS + 1):
        clock[0] += 1_000
        leases = [lease_job(store, "w", seconds=10) for _ in range(3)]
        for lease in leases:
            assert lease.attempts == attempt
            give_up(store, lease)
    assert {state(store, ann, ticket) for ticket in tickets} == {State.FAILED}
    assert lease_job(store, "w", seconds=10) is None
    assert finish_upload(store, ann, arrive(store, ann, {"a": b"0"}).id).ticket == tickets[0]
    assert lease_job(store, "w", seconds=10).attempts == 1


def test_a_job_that_ends_its_workers_fails_too(store, ann, clock, tickets):
    """And keeps no other from being done."""
    order = []
    for _ in range(3 + 3 * MAX_ATTEMPTS):
        lease = lease_job(store, "w", seconds=10)
        clock[0] += 11
        if lease is not None:
            order.append(lease.submission_id)
    assert order == [1, 2, 3] * MAX_ATTEMPTS
    assert {state(store, ann, ticket) for ticket in tickets} == {State.FAILED}


def test_a_job_that_was_begun_waits_behind_no_newer_ones_for_long(store, ann, clock, tickets):
    """Its worker ended; those that come more than a lease after it are done after it, however many they are."""
    first = lease_job(store, "w", seconds=10)
    others = [lease_job(store, "w", seconds=1_000) for _ in range(2)]
    for number in range(3, 30):
        wait(store, ann, clock, number)
    begun = [lease_job(store, "w", seconds=1_000).submission_id for _ in range(12)]
    assert begun.index(first.submission_id) == 7
    assert not {lease.submission_id for lease in others} & set(begun)


def test_a_worker_that_stops_gives_its_job_back(store, ann, tickets):
    """At once, and it counts as no try."""
    give_back(store, lease_job(store, "w", seconds=1_000))
    assert state(store, ann, tickets[0]) is State.QUEUED
    assert lease_job(store, "v", seconds=10).attempts == 1


def test_what_was_removed_meanwhile_stays_off_the_board(store, ann, tickets):
    """Its scores are kept, its row is not made again."""
    accept(store, lease_job(store, "w", seconds=10), SCORED, MIX, content=CONTENT)
    remove_row(store, "gine-x-1-0", why="a test")
    with store.writing() as session:
        enqueue(session, 1, now=0)
        session.query(Job).filter_by(id=1).update({"attempts": 0})
    lease = lease_job(store, "w", seconds=10)
    assert lease.submission_id == 1
    assert accept(store, lease, SCORED, MIX, content="1" * 64)
    assert state(store, ann, tickets[0]) is State.REMOVED
    assert [event for (event,) in rows(store, Event.action)] == ["added", "removed"]


def test_jobs_of_an_earlier_protocol_are_done_under_ours(store, tickets):
    """Those that are done stay what they are."""
    accept(store, lease_job(store, "w", seconds=10), SCORED, MIX, content=CONTENT)
    with store.writing() as session:
        session.query(Job).update({"protocol": "molmix-metrics-v0"})
    assert lease_job(store, "w", seconds=10) is None
    adopt_jobs(store)
    found = rows(store, Job.state, Job.protocol)
    assert [protocol for job, protocol in found if job is JobState.DONE] == ["molmix-metrics-v0"]
    assert [protocol for job, protocol in found if job is JobState.QUEUED] == [PROTOCOL] * 2
