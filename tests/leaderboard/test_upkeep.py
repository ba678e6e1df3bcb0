"""Tests of what maintainers do: remove, mark, rescore, render; each in the public log."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from filelock import FileLock
from sqlalchemy import update

from leaderboard.entries import Verification
from leaderboard.service.snapshot import Snapshot
from leaderboard.store.board import entries_of
from leaderboard.store.database import Store, use_protocol
from leaderboard.store.known import know_mixes
from leaderboard.store.results import PackedScores, pack
from leaderboard.store.tables import Fact, Score
from leaderboard.store.tickets import finish_upload
from leaderboard.store.upkeep import mark_row, remove_row
from leaderboard.store.users import Origin, caller_of
from leaderboard.worker.rescore import rescore
from leaderboard.worker.work import Worker
from molmix_bench.errors import MolmixError, UsageError
from molmix_bench.metrics.protocol import PROTOCOL
from tests.leaderboard.conftest import invoke
from tests.leaderboard.live import contents
from tests.leaderboard.sent import arrive
from tests.submissions.honest import build_mix, write_submission

WHY = "a test"
NAMES = ["one-1-0-0", "two-1-0-0"]


@pytest.fixture(scope="module")
def scored(honest_mix, tmp_path_factory):
    """A store with two rows."""
    folder = tmp_path_factory.mktemp("scored")
    store = Store(folder / "data", make=True)
    know_mixes(store, [str(honest_mix.path)])
    for number, name in enumerate(("one", "two")):
        sent = write_submission(folder / name, honest_mix, noise=number, model=name)
        user = caller_of(store, Origin.HUB, name)
        finish_upload(store, user, arrive(store, user, contents(sent)).id)
    Worker(store).run(drain=True)
    store.close()
    return folder / "data"


@pytest.fixture
def data(scored, tmp_path):
    """A copy of it."""
    return shutil.copytree(scored, tmp_path / "data")


def log(data):
    """Returns action, row and text of each line of the log, as the site has it."""
    out = data.with_name("log-site")
    assert invoke("render", "--data", data, "--out", out).exit_code == 0
    return (out / "log.html").read_text(encoding="utf-8")


def test_a_store_renders_as_the_service_shows_it(data, tmp_path):
    """The same bytes twice, and again from a copy; but for the page that takes uploads, those of the service."""
    for place in ("one", "other"):
        answer = invoke("render", "--data", data, "--out", tmp_path / place, "--json")
        assert (answer.exit_code, json.loads(answer.stdout)["entries"]) == (0, NAMES)
    assert texts_of(tmp_path / "one") == texts_of(tmp_path / "other")
    moved = shutil.copytree(data, tmp_path / "moved")
    assert invoke("render", "--data", moved, "--out", tmp_path / "third").exit_code == 0
    assert texts_of(tmp_path / "one") == texts_of(tmp_path / "third")
    snapshot = Snapshot(Store(data))
    for path, content in texts_of(tmp_path / "one").items():
        if path not in ("site.json", "submit.html"):
            assert snapshot.page(path).content == content, path


def texts_of(site):
    """Returns the bytes of each file of a site."""
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def test_data_may_be_a_folder_of_submissions(honest, honest_mix, tmp_path):
    """As it was before there were stores; beside a store, submissions are an error of usage."""
    folder = tmp_path / "submissions"
    shutil.copytree(honest, folder / "mean")
    answer = invoke("render", "--data", folder, "--out", tmp_path / "site", "--mix", honest_mix.path, "--json")
    assert json.loads(answer.stdout)["entries"] == ["mean"]


def test_a_row_is_removed_with_a_reason(data):
    """It is gone from the board, and the log says why; its name is no row's any more."""
    store = Store(data)
    for why in ("", "  ", "two\nlines", "x" * 1_001):
        with pytest.raises(UsageError, match="--why"):
            remove_row(store, NAMES[0], why=why)
    before = store.version()
    remove_row(store, NAMES[0], why="asked <b>by</b> its authors")
    assert store.version() > before
    with pytest.raises(UsageError, match="no row"):
        remove_row(store, NAMES[0], why=WHY)
    assert [entry.name for entry in entries_of(data)] == NAMES[1:]
    assert "asked &lt;b&gt;by&lt;/b&gt; its authors" in log(data)


def test_a_row_is_marked_after_a_rerun(data):
    """With what it was before; a row with predictions is never `reported`."""
    assert invoke("mark", NAMES[1], "reproduced", "--data", data, "--why", "the same scores").exit_code == 0
    assert [entry.verification for entry in entries_of(data)] == [Verification.SCORED, Verification.REPRODUCED]
    assert "reproduced, before scored: the same scores" in log(data)
    store = Store(data)
    with pytest.raises(UsageError, match="MARK"):
        mark_row(store, NAMES[1], Verification.REPORTED, why=WHY)
    with pytest.raises(UsageError, match="no row"):
        mark_row(store, "none", Verification.BLIND, why=WHY)


def test_a_rescore_that_moves_nothing(data):
    """Every number is what it was, to the last bit, and the log says that it was looked at."""
    before = [(entry.submission.table.table, entry.submission.macros.replicates) for entry in entries_of(data)]
    done = rescore(Store(data), why=WHY)
    assert (done.num_rows, done.refused, done.moves) == (2, (), ())
    for (table, replicates), entry in zip(before, entries_of(data), strict=True):
        assert table.equals(entry.submission.table.table)
        assert np.array_equal(replicates, entry.submission.macros.replicates, equal_nan=True)
    assert f"{WHY} Protocol {PROTOCOL}" in log(data)


def _worsen(store, name):
    """Puts other scores in a row's place, as an earlier protocol may have given."""
    entry = next(entry for entry in entries_of(store.path) if entry.name == name)
    packed = entry.submission
    better = packed.macros.table["direction"] == "higher"
    macros = packed.macros.table.with_columns(value=packed.macros.table["value"] + 100)
    assert better.any()
    object.__setattr__(packed.macros, "table", macros)
    object.__setattr__(packed.macros, "replicates", packed.macros.replicates + 100)
    return store.archive.keep_bytes(pack(packed))


def test_a_rescore_under_a_new_protocol_says_what_moved(data):
    """The board shows the old scores until all are made again, then all of the new ones, and the log the moves."""
    store = Store(data)
    content = _worsen(store, NAMES[0])
    with store.writing() as session:
        session.execute(update(Score).values(protocol="molmix-metrics-v0"))
        chosen = update(Score).where(Score.submission_id == 1)
        session.execute(chosen.values(content=content))
        use_protocol(session, "molmix-metrics-v0")
    old = entries_of(data)
    assert old[0].submission.macros.table["value"].min() > 90
    done = rescore(store, why=WHY)
    assert store.protocol() == PROTOCOL
    assert done.num_rows == 2
    moved = {(move.entry, move.dataset, move.split, move.metric): move for move in done.moves}
    assert {name for name, *_ in moved} >= {NAMES[0]}
    move = moved[NAMES[0], "size", "test", "mae_standardised"]
    assert move.before == pytest.approx(move.after + 100)
    assert move.rank_before == 2
    assert entries_of(data)[0].submission.macros.table["value"].max() < 90
    assert "Protocol molmix-metrics-v1, before molmix-metrics-v0." in log(data)


def test_a_rescore_on_another_build_of_the_mix(data, honest_mix, tmp_path):
    """A mix may move; another of its name is taken by a rescore alone, which refuses what was made for the old one."""
    moved = shutil.copytree(honest_mix.path, tmp_path / "elsewhere")
    store = Store(data)
    know_mixes(store, [str(moved)])
    smaller = build_mix(tmp_path / "other", num=36)
    with pytest.raises(UsageError, match="rescore --mix"):
        know_mixes(store, [str(smaller.path)])
    answer = invoke("rescore", "--data", data, "--mix", smaller.path, "--why", WHY)
    assert answer.exit_code == 1
    assert "0 rows scored again" in answer.stdout
    assert entries_of(data) == []


def test_two_rescores_are_one_after_the_other(data):
    """The second one is told of the first."""
    with FileLock(data / "rescore.lock"), pytest.raises(UsageError, match="another rescore"):
        rescore(Store(data), why=WHY)


def test_an_archive_that_rots_is_found_out(data):
    """A prediction that is not what its name says is no refusal of the submission: a maintainer is told."""
    store = Store(data)
    place = next(path for path in store.archive.path.glob("*/*") if path.read_bytes().startswith(b"PAR1"))
    place.chmod(0o644)
    place.write_bytes(b"PAR1")
    with pytest.raises(MolmixError, match="backup"):
        rescore(store, why=WHY)
    assert len(entries_of(data)) == 2


def test_scores_are_packed_and_read_again(data, honest_mix):
    """Equal scores are equal bytes, whatever was read before."""
    store = Store(data)
    for entry in entries_of(data):
        content = pack(entry.submission)
        assert pack(PackedScores(lambda content=content: content)) == content
    with store.reading() as session:
        assert {fact.key for fact in session.query(Fact)} == {"version", "protocol"}


def test_other_folders_are_no_stores(tmp_path, honest):
    """Nor do they become one; and a store of another format is left alone."""
    with pytest.raises(UsageError, match="no store"):
        invoke("rescore", "--data", tmp_path / "none")
    with pytest.raises(UsageError, match="other things in it"):
        invoke("token", "ann", "--data", honest)
    assert invoke("token", "ann", "--data", tmp_path / "new").stdout.startswith("mmb_")
    assert invoke("token", "ann", "--data", tmp_path / "new", "--revoke").stdout == "1\n"
    store = Store(tmp_path / "new")
    with store._engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(UsageError, match="format 99"):
        Store(tmp_path / "new")
