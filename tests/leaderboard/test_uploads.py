"""Tests of uploads: what is taken, in which pieces, and which ticket comes of it."""

from __future__ import annotations

import hashlib
import shutil
from types import SimpleNamespace

import pytest

from leaderboard.store.limits import UploadLimits
from leaderboard.store.paths import Announced
from leaderboard.store.refusals import RefusalError
from leaderboard.store.tables import State, Submission
from leaderboard.store.tickets import find_ticket, finish_upload, tickets_of
from leaderboard.store.uploads import begin_upload, drop_idle, drop_upload, find_upload, folder_of, open_uploads
from leaderboard.store.users import Origin, caller_of
from tests.leaderboard.sent import FILES, announced, arrive

DAY = 24 * 3600


def refused(function, *arguments):
    """Returns the refusal of a call."""
    with pytest.raises(RefusalError) as caught:
        function(*arguments)
    return caught.value


@pytest.mark.parametrize(
    "path",
    [
        "../submission.yaml",
        "/etc/passwd",
        "predictions/../../x",
        "predictions//x",
        "a\\b",
        "a\0b",
        ".hidden",
        "predictions/.git/config",
        "x/",
        "",
        "ünïcode",
        "a\nb",
        "<script>alert(1)</script>",
        "a'; DROP TABLE users;--",
        "c:x",
        "a/b/c/d/e/f/g",
        "x" * 101,
    ],
)
def test_names_that_no_submission_has_are_refused(store, ann, path):
    """Nothing is made on the disk, whatever a name says."""
    files = [Announced("submission.yaml", 1), Announced(path, 1)]
    assert refused(begin_upload, store, ann, files, UploadLimits()).status == 422
    assert not (store.path / "uploads").exists()


@pytest.mark.parametrize("paths", [("a", "a"), ("a", "A"), ("a", "a/b"), ("x/y/z", "X/y")])
def test_names_that_clash_are_refused(store, ann, paths):
    """The same file twice, on a disk too that does not tell `A` from `a`; a file where another has a folder."""
    answer = refused(begin_upload, store, ann, [Announced(path, 1) for path in paths], UploadLimits())
    assert (answer.status, "twice" in answer.problem) == (422, True)


def test_sizes_are_looked_at_before_a_byte_is_taken(store, ann, monkeypatch):
    """Of one file, of all, in number; and of the disk, less what others were promised."""
    limits = UploadLimits(files=2, num_bytes=100, spare_bytes=0)
    assert refused(begin_upload, store, ann, [Announced("a", 101)], limits).status == 413
    assert refused(begin_upload, store, ann, [Announced("a", 60), Announced("b", 41)], limits).status == 413
    assert refused(begin_upload, store, ann, [Announced("a", -1), Announced("b", 1)], limits).status == 413
    assert refused(begin_upload, store, ann, [Announced(name, 1) for name in "abc"], limits).status == 422
    assert refused(begin_upload, store, ann, [], limits).status == 422
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=150))
    begin_upload(store, ann, [Announced("a", 100)], limits)
    assert refused(begin_upload, store, ann, [Announced("a", 60)], limits).status == 507
    begin_upload(store, ann, [Announced("a", 50)], limits)


def test_a_user_has_few_uploads_open(store, ann, clock):
    """Until one is finished, dropped or forgotten; others are not concerned."""
    limits = UploadLimits()
    uploads = [begin_upload(store, ann, announced(), limits) for _ in range(limits.open_uploads)]
    assert refused(begin_upload, store, ann, announced(), limits).status == 409
    begin_upload(store, caller_of(store, Origin.LOCAL, "ann"), announced(), limits)
    drop_upload(store, uploads[0])
    assert not folder_of(store, uploads[0].id).exists()
    begin_upload(store, ann, announced(), limits)
    assert len(open_uploads(store, ann)) == limits.open_uploads
    clock[0] += limits.idle_seconds + 1
    (store.path / "uploads" / "left-over").mkdir()
    assert drop_idle(store, limits) == limits.open_uploads + 1
    assert list((store.path / "uploads").iterdir()) == []


def test_the_same_files_have_the_same_ticket(store, ann):
    """However often and in whatever order they are sent; another user's or other bytes have another."""
    first = finish_upload(store, ann, arrive(store, ann).id)
    again = arrive(store, ann, dict(reversed(FILES.items())))
    assert finish_upload(store, ann, again.id) == first
    assert finish_upload(store, ann, again.id) == first
    assert [ticket.ticket for ticket in tickets_of(store, ann)] == [first.ticket]
    ben = caller_of(store, Origin.HUB, "ben")
    assert finish_upload(store, ben, arrive(store, ben).id).ticket != first.ticket
    other = FILES | {"submission.yaml": b"a: 2\n"}
    assert finish_upload(store, ann, arrive(store, ann, other).id).ticket != first.ticket
    moved = {path.replace("seed=0", "seed=1"): content for path, content in FILES.items()}
    assert finish_upload(store, ann, arrive(store, ann, moved).id).ticket != first.ticket


def test_what_failed_is_tried_again_when_it_is_sent_again(store, ann):
    """Under its ticket; what was refused or removed stays so."""
    first = finish_upload(store, ann, arrive(store, ann).id)
    for state, after in ((State.FAILED, State.QUEUED), (State.REFUSED, State.REFUSED), (State.REMOVED, State.REMOVED)):
        with store.writing() as session:
            session.query(Submission).update({"state": state})
        assert finish_upload(store, ann, arrive(store, ann).id).state is after
    assert find_ticket(store, ann, first.ticket).ticket == first.ticket


def test_tickets_and_uploads_of_others_are_none(store, ann):
    """Neither their states nor whether they are there."""
    upload = begin_upload(store, ann, announced(), UploadLimits())
    ticket = finish_upload(store, ann, arrive(store, ann).id).ticket
    ben = caller_of(store, Origin.LOCAL, "ann")
    for found, unknown in ((find_ticket, ticket), (find_upload, upload.id)):
        theirs, none = refused(found, store, ben, unknown), refused(found, store, ben, "none")
        assert (theirs.status, theirs.problem) == (none.status, none.problem) == (404, none.problem)


def test_files_that_are_not_whole_make_no_submission(store, ann):
    """Too short, not there at all, or other bytes than were announced: then they are sent again."""
    upload = begin_upload(store, ann, announced(), UploadLimits())
    upload.files[0].place.write_bytes(FILES["submission.yaml"][:2])
    assert "2 files are not whole" in refused(finish_upload, store, ann, upload.id).problem
    digest = hashlib.sha256(b"other").hexdigest()
    spoilt = arrive(store, ann, sha256=digest)
    assert "spoilt on its way" in refused(finish_upload, store, ann, spoilt.id).problem
    assert [file.received for file in spoilt.files] == [0, 0]
    assert tickets_of(store, ann) == []
    assert list(store.archive.path.glob("*/*")) == []


def test_an_empty_file_is_a_file(store, ann):
    """No piece of it is ever sent."""
    upload = begin_upload(store, ann, [Announced("submission.yaml", 0)], UploadLimits())
    ticket = finish_upload(store, ann, upload.id)
    assert ticket.state is State.QUEUED
    assert store.archive.read(hashlib.sha256(b"").hexdigest()) == b""


def test_submissions_in_a_day_are_counted(store, ann, clock):
    """Those that wait too; the day after there is room again."""
    limits = UploadLimits(per_day=2, waiting=3)
    for number in range(2):
        finish_upload(store, ann, arrive(store, ann, {"submission.yaml": b"%d" % number}).id)
        clock[0] += 60
    answer = refused(begin_upload, store, ann, announced(), limits)
    assert (answer.status, answer.after_s) == (429, DAY - 120)
    clock[0] += DAY
    begin_upload(store, ann, announced(), limits)
    assert "wait to be scored" in refused(begin_upload, store, ann, announced(), UploadLimits(waiting=2)).problem
